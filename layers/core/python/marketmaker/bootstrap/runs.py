"""A run put together: one market's use cases in this process, with everything but the venue in memory.

Keys come from `MM_API_KEY` and `MM_API_SECRET`; nothing else of a key is ever an argument.
"""

import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlsplit

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.egress import PublicEgress
from marketmaker.adapters.memory import AtOnce, CountingTelemetry, DeployedOnly, InMemoryPrices, InMemoryStore
from marketmaker.bootstrap.environment import plain_values, set_decimal_context
from marketmaker.bootstrap.run_options import EXCHANGES, GuideOptions, MarketType, guide_deployment
from marketmaker.config import Changes, Deployment, Preset, Stage, choose_market
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.keys import VenueKey, entered_key
from marketmaker.domain.pricing import Book
from marketmaker.errors import ConfigError, MarketMakerError, Refused
from marketmaker.ports import Alert, Deadline, SettingsText, Unknown, Venue
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.keys import CANNOT_TRADE, WITHDRAWS
from marketmaker.usecases.run import STOP_TIMEOUT_MS, StopSwitch, run
from marketmaker.usecases.run_preview import RunPreview, preview
from marketmaker.usecases.run_report import RunResult, RunView

__all__ = [
    "EXCHANGES",
    "STOP_TIMEOUT_MS",
    "ConfigError",
    "FileOptions",
    "GuideOptions",
    "MarketType",
    "Prepared",
    "Preset",
    "Refused",
    "RunPreview",
    "RunResult",
    "RunView",
    "StopSwitch",
    "TradesAt",
    "open_run",
    "plain_values",
    "prepare_run",
    "price_of",
    "require_safe_key",
    "run",
]

KEY, SECRET = "MM_API_KEY", "MM_API_SECRET"
_VENUE_ENDPOINT = "MM_VENUE_ENDPOINT"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LOCAL_PAIR = ("local-key", "local-secret")
_LOCAL_PAIRS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "backpack": (
            "VBOncBcwstfJ4in/8mrcRrmqPnF2ducLUF4A5EeuyaQ=",
            b64encode(b"local exchange, not a real key!!").decode(),
        )
    }
)
"""The keys that a local exchange takes, which guard nothing; where signing is by key pair, its own."""
_PREVIEW_TIMEOUT_MS = 5_000
_HALT = "halt"
"""The alert that every stop sends; a run tells how it ended itself."""


class TradesAt(StrEnum):
    """Where the orders of a run go."""

    PAPER = "paper"
    ENDPOINT = "endpoint"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """A market of a deployment file to run instead, with a preset put over it or not."""

    deployment: str
    market: str
    preset: Preset | None = None

    @property
    def fees_by(self) -> str:
        """Say where the fees are from."""
        return f"of {self.deployment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A checked run that nothing was asked for yet: the account with its one market, and where it trades.

    `fees_by` says where the fees are from that it reckons with.
    """

    deployment: Deployment
    settings: AccountSettings
    trades_at: TradesAt
    endpoint: str | None
    key: VenueKey | None
    fees_by: str

    @property
    def where(self) -> str:
        """Say where it trades."""
        match self.trades_at:
            case TradesAt.PAPER:
                return f"on paper, by the public data of {self.settings.venue}"
            case TradesAt.ENDPOINT:
                return f"at {self.endpoint}, which speaks as {self.settings.venue}"
            case TradesAt.LIVE:
                return f"at {self.settings.venue}, with real money"


def prepare_run(
    options: GuideOptions | FileOptions, *, interval_s: int | None, endpoint: str | None, is_live: bool
) -> Prepared:
    """Check what a run is of and where it trades; no venue is asked.

    Raises:
        ConfigError: an option, the file or the environment is not allowed.
        Refused: a key is missing or malformed.
    """
    set_decimal_context()
    trades_at = _trades_at(endpoint, is_live=is_live)
    deployment, settings = _settings(options, trades_at, interval_s)
    return Prepared(
        deployment=deployment,
        settings=settings,
        trades_at=trades_at,
        endpoint=endpoint or (os.environ.get(_VENUE_ENDPOINT) or None if trades_at is TradesAt.PAPER else None),
        key=_key(trades_at, settings.venue),
        fees_by=options.fees_by,
    )


def _trades_at(endpoint: str | None, *, is_live: bool) -> TradesAt:
    if endpoint is None:
        if is_live and os.environ.get(_VENUE_ENDPOINT):
            raise ConfigError(f"{_VENUE_ENDPOINT}: it is not allowed beside --live: nothing is re-routed there")
        return TradesAt.LIVE if is_live else TradesAt.PAPER
    address = urlsplit(endpoint)
    if is_live:
        raise ConfigError("--endpoint: it is not allowed beside --live, which trades at the venue itself")
    if address.scheme != "http" or address.hostname not in _LOOPBACK:
        raise ConfigError(f"--endpoint: {endpoint} is not allowed: http on this machine, such as http://127.0.0.1:8080")
    return TradesAt.ENDPOINT


_STAGES = MappingProxyType({TradesAt.PAPER: Stage.PAPER, TradesAt.ENDPOINT: Stage.LOCAL, TradesAt.LIVE: Stage.LIVE})


def _settings(
    options: GuideOptions | FileOptions, trades_at: TradesAt, interval_s: int | None
) -> tuple[Deployment, AccountSettings]:
    if isinstance(options, GuideOptions):
        deployment = guide_deployment(options, _STAGES[trades_at], 10 if interval_s is None else interval_s)
        return deployment, next(iter(deployment.accounts.values()))
    chosen = choose_market(options.deployment, options.market, Changes(preset=options.preset, interval_s=interval_s))
    deployment = chosen.deployment
    account = deployment.accounts[chosen.account]
    if trades_at is TradesAt.LIVE and not (deployment.stage is Stage.LIVE and deployment.armed):
        raise ConfigError(
            f'--live: {options.deployment} is not allowed: a file with stage = "live" and armed = true, and no preset '
            "put over it"
        )
    if trades_at is TradesAt.PAPER and chosen.account not in deployment.paper:
        raise ConfigError(
            f"{options.deployment}: accounts.{account.name}.paper: it is required to trade on paper, in a file with "
            'stage = "paper"; or trade at a local exchange with --endpoint'
        )
    return deployment, replace(account, markets=(account.market(chosen.symbol),))


def _key(trades_at: TradesAt, venue: str) -> VenueKey | None:
    """Read the key from the environment; a local exchange takes its own where there is none."""
    if trades_at is TradesAt.PAPER:
        return None
    api_key, secret = os.environ.get(KEY), os.environ.get(SECRET)
    if trades_at is TradesAt.ENDPOINT and not api_key and not secret:
        own_key, own_secret = _LOCAL_PAIRS.get(venue, _LOCAL_PAIR)
        return VenueKey(api_key=own_key, secret=own_secret)
    for name, value in ((KEY, api_key), (SECRET, secret)):
        if not value:
            raise ConfigError(f"{name}: nothing is not allowed: the key to trade with, from the environment alone")
    return entered_key({"api_key": api_key, "secret": secret})


@dataclass(frozen=True, slots=True)
class _Told:
    """Implements `Alerts`: each is told as it comes."""

    tell: Callable[[Alert], None]

    def send(self, alert: Alert) -> None:
        """Tell one alert."""
        if alert.kind != _HALT:
            self.tell(alert)


@contextmanager
def open_run(prepared: Prepared, tell: Callable[[Alert], None]) -> Iterator[Desk]:
    """Connect to the venue; state, ledger and prices are in memory, and gone with the process.

    Raises:
        ConfigError: the venue cannot be spoken to yet.
        Refused: the key may withdraw, or may not trade.
        MarketMakerError: the venue refuses the key, or did not answer.
    """
    settings, clock = prepared.settings, SystemClock()
    reached = CcxtVenue(_login(prepared), clock)
    others = {name: CcxtVenue(_login(prepared, name), clock) for name in sorted(settings.venues - {settings.venue})}
    try:
        venue = _on_paper(prepared, reached) if prepared.trades_at is TradesAt.PAPER else reached
        yield Desk(
            settings=settings,
            venue=venue,
            store=InMemoryStore(),
            prices=InMemoryPrices(),
            versions=DeployedOnly(deployed=SettingsText(version=settings.config_hash, text=""), settings=settings),
            alerts=_Told(tell),
            telemetry=CountingTelemetry(),
            clock=clock,
            alongside=AtOnce(),
            references=others,
            egress=None if prepared.endpoint else PublicEgress(None),
        )
    finally:
        for each in (reached, *others.values()):
            each.close()


def _login(prepared: Prepared, venue: str | None = None) -> VenueLogin:
    """Log in at the market's venue; at another one without a key, for its public books."""
    clocks, key = prepared.deployment.clocks, prepared.key if venue is None else None
    return VenueLogin(
        read_key=None if key is None else lambda: key,
        key=key,
        request_timeout_ms=clocks.request_timeout_ms,
        request_ttl_ms=clocks.request_ttl_ms,
        endpoint=prepared.endpoint,
        venue=venue or prepared.settings.venue,
    )


def _on_paper(prepared: Prepared, public: CcxtVenue) -> Venue:
    """Play the orders on paper; imported here, so that nothing else loads a matching engine."""
    from marketmaker.adapters.memory.paper import InMemoryPaperStore
    from marketmaker.adapters.paper_venue import PaperLogin, PaperVenue

    settings = prepared.settings
    return PaperVenue(
        PaperLogin(
            account=settings.name,
            opening=prepared.deployment.paper[settings.name],
            fees={market.symbol: market.fees for market in settings.markets},
        ),
        public=public,
        store=InMemoryPaperStore(),
        clock=SystemClock(),
        telemetry=CountingTelemetry(),
    )


def require_safe_key(desk: Desk) -> str | None:
    """Refuse a key that may withdraw or may not trade; returns what the venue cannot tell of it (R26)."""
    deadline = Deadline(at_ms=desk.clock.now_ms() + _PREVIEW_TIMEOUT_MS, clock=desk.clock)
    permissions = desk.venue.key_permissions(deadline)
    if isinstance(permissions, Unknown):
        return f"the venue cannot tell whether the key may withdraw; look it up there ({permissions.reason})"
    if permissions.withdraws:
        raise Refused(f"{KEY}: {WITHDRAWS}")
    if not permissions.trades:
        raise Refused(f"{KEY}: {CANNOT_TRADE}")
    return None


def price_of(desk: Desk) -> tuple[RunPreview, str | None]:
    """Preview a run at the market's price of now, and say what kept it from being known."""
    market = desk.settings.markets[0]
    deadline = Deadline(at_ms=desk.clock.now_ms() + _PREVIEW_TIMEOUT_MS, clock=desk.clock)
    try:
        desk.ensure_metadata(deadline)
        book = desk.venue.read_books(desk.settings.symbols, deadline)[market.symbol]
        price: Decimal | None = book.mid if isinstance(book, Book) else None
        problem = book.reason if isinstance(book, Unknown) else None if price else "the book lacks a side"
        return preview(market, price, desk.venue.instrument(market.symbol).tick_size), problem
    except MarketMakerError as error:
        return preview(market, None), str(error)
