"""What a deployment file may say: its tables, their keys, defaults and ranges; a market's stand in `market_schema`.

Money has no default: capital, order size, half-spread, fees and price band are always written down. What a newcomer
need not know has one, and it stands here and nowhere else.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from marketmaker.config.alert_schema import AlertsTable
from marketmaker.config.market_schema import NO_CAPITAL, MarketTable, PerpetualTable, ShareTable
from marketmaker.config.model_schema import PublicVenue
from marketmaker.config.ranges import (
    Allowed,
    Amount,
    AssetText,
    DeploymentName,
    NameOfAccount,
    Region,
    TagText,
    whole,
)
from marketmaker.config.risk_schema import PortfolioTable, RiskTable
from marketmaker.config.tables import Contradiction, Table, index_label
from marketmaker.config.venue_rules import misplaced
from marketmaker.domain.positions import MarginMode
from marketmaker.domain.units import ONE, ZERO, plain
from marketmaker.domain.venues import ClientIds, MarketKind, TestEnvironment, trading_at

Megabytes = Annotated[int, whole(128, 10_240)]


class VenueName(StrEnum):
    """The venues that an account may name."""

    BINANCE = "binance"
    BINANCE_USDM = "binanceusdm"
    BACKPACK = "backpack"


class Stage(StrEnum):
    """How far a deployment has come (S6): against what it quotes, and whether it can lose money."""

    LOCAL = "local"
    PAPER = "paper"
    TESTNET = "testnet"
    LIVE = "live"


class Egress(StrEnum):
    """From which address the venue is called: any of AWS's, or one that the venue can allow-list."""

    DYNAMIC = "dynamic"
    STATIC = "static"


class AccountTable(Table, frozen=True, kw_only=True):
    """One venue login with its markets; by default the login is not ours alone.

    `accept_unverified_key` says that a human has looked at the venue whether its keys may withdraw, where it does not
    tell (R26).
    `paper` is what the account opens with in the paper stage, an amount of each asset of its markets. It opens once:
    from then on the account is what its orders made of it.
    """

    venue: VenueName
    dedicated: bool = False
    accept_unverified_key: bool = False
    paper: Mapping[AssetText, Amount] | None = None
    risk: RiskTable = msgspec.field(default_factory=RiskTable)
    markets: tuple[MarketTable, ...]

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse what the venue does not allow, symbols and numbers twice, and more than there is of an asset (S2a)."""
        yield from misplaced(self.markets, self.venue)
        if trading_at(self.venue).client_ids is ClientIds.UINT32 and not self.dedicated:
            allowed = f"true at {self.venue}: an order id of 32 bits cannot tell our orders from a stranger's for sure"
            yield Contradiction(key="dedicated", value="false", allowed=allowed)
        yield from self._repeated("symbol")
        yield from self._repeated("number")
        yield from self._own_references()
        yield from self._unopened()
        claims: dict[str, list[tuple[str, Decimal]]] = {}
        for asset, symbol, share in self._shares():
            claims.setdefault(asset, []).append((symbol, share))
        for asset, shares in claims.items():
            total = sum((share for _, share in shares), ZERO)
            if total > ONE:
                parts = ", ".join(f"{symbol} {plain(share)}" for symbol, share in shares)
                yield Contradiction(
                    key="markets",
                    value=f"a sum of {asset} shares of {plain(total)} ({parts})",
                    allowed="at most 1 of an asset over all markets of an account",
                )

    @property
    def located(self) -> "AccountTable":
        """The account with what follows from its venue written out, and presets as what they say."""
        markets = (msgspec.structs.replace(_settled(self._locate(each)), preset=None) for each in self.markets)
        return msgspec.structs.replace(self, markets=tuple(markets))

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets that its markets own, each once: of a perpetual its collateral alone."""
        owned = (market.assets if market.kind is MarketKind.SPOT else market.assets[1:] for market in self.markets)
        return tuple(dict.fromkeys(asset for assets in owned for asset in assets))

    def _locate(self, market: MarketTable) -> MarketTable:
        reference = market.reference
        if reference is None or reference.venue is not None:
            return market
        here = msgspec.structs.replace(reference, venue=PublicVenue(self.venue.value))
        return msgspec.structs.replace(market, reference=here)

    def _own_references(self) -> Iterator[Contradiction]:
        """Refuse a market that is its own reference: its own orders would make its fair price."""
        for index, market in enumerate(self.markets):
            reference = self._locate(market).reference
            if reference is not None and (reference.symbol, str(reference.venue)) == (market.symbol, str(self.venue)):
                key = f"markets{index_label(index, market.symbol)}.reference.symbol"
                allowed = f"another market than this one at {self.venue}, or another venue"
                yield Contradiction(key=key, value=reference.symbol, allowed=allowed)

    def _unopened(self) -> Iterator[Contradiction]:
        """Refuse a paper account that opens without an asset of its markets, or with another one."""
        if self.paper is None:
            return
        for asset in self.assets:
            if asset not in self.paper:
                allowed = "it is required, a number, 0 or more: what the account opens with"
                yield Contradiction(key=f"paper.{asset}", value="a missing key", allowed=allowed)
        for asset, amount in self.paper.items():
            if asset not in self.assets:
                allowed = f"an asset of the account's markets, which are {', '.join(self.assets)}"
                yield Contradiction(key=f"paper.{asset}", value=plain(amount), allowed=allowed)

    def _repeated(self, key: str) -> Iterator[Contradiction]:
        first: dict[object, str] = {}
        for index, market in enumerate(self.markets):
            value, here = getattr(market, key), f"markets{index_label(index, market.symbol)}"
            if value in first:
                allowed = f"each {key} once in an account, and {first[value]} has it"
                yield Contradiction(key=f"{here}.{key}", value=str(value), allowed=allowed)
            first.setdefault(value, here)

    def _shares(self) -> Iterator[tuple[str, str, Decimal]]:
        for market in self.markets:
            for asset, capital in zip(market.assets, (market.capital_base, market.capital_quote), strict=True):
                if isinstance(capital, ShareTable):
                    yield asset, market.symbol, capital.share


class ClocksTable(Table, frozen=True, kw_only=True):
    """The clocks that everything else is derived from (architecture, "Safety rules")."""

    interval_s: Annotated[
        int,
        Allowed(
            text="whole seconds from 1 to 60 that divide 60 evenly",
            holds=lambda value: 1 <= value <= 60 and 60 % value == 0,
        ),
    ] = 5
    request_timeout_ms: Annotated[int, whole(1, 60_000)] = 2_000
    request_ttl_ms: Annotated[int, whole(1, 60_000)] = 2_000
    function_timeout_s: Annotated[int, whole(1, 900)] = 8

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse requests that outlive their tick, and functions that cannot finish two of them."""
        if self.request_ttl_ms >= self.interval_s * 1000:
            yield Contradiction(
                allowed=f"request_ttl_ms ({self.request_ttl_ms}) below the interval ({self.interval_s * 1000} ms)"
            )
        if self.function_timeout_s * 1000 < 2 * self.request_timeout_ms:
            yield Contradiction(
                allowed=f"function_timeout_s ({self.function_timeout_s}) of at least 2 request timeouts "
                f"(2 x {self.request_timeout_ms} ms)"
            )


class MemoryTable(Table, frozen=True, kw_only=True):
    """Memory of each function in MB; its share of a CPU grows with it, and 512 MB is about a third of one."""

    replace_quotes: Megabytes = 1024
    check_risk: Megabytes = 1024
    halt: Megabytes = 1024
    fetch_prices: Megabytes = 1024
    schedule_ticks: Megabytes = 256
    relay_alerts: Megabytes = 256


class DeploymentTable(Table, frozen=True, kw_only=True):
    """The whole file; by default in Tokyo, near the venues and outside the regions that Binance refuses.

    A live deployment quotes only once `armed` says so; until then it is deployed without ticks. So is the standby of
    another deployment, whose tag and accounts it has, until `mm takeover` (S13).
    """

    name: DeploymentName
    tag: TagText
    stage: Stage
    armed: bool = False
    standby_of: DeploymentName | None = None
    region: Region = "ap-northeast-1"
    egress: Egress = Egress.DYNAMIC
    alerts: AlertsTable = msgspec.field(default_factory=AlertsTable)
    memory_mb: MemoryTable = msgspec.field(default_factory=MemoryTable)
    clocks: ClocksTable = msgspec.field(default_factory=ClocksTable)
    portfolio: PortfolioTable | None = None
    accounts: Mapping[NameOfAccount, AccountTable]

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse to arm what cannot lose money, balances that do not belong to the stage, and baselines with money."""
        if self.armed and self.stage is not Stage.LIVE:
            yield Contradiction(
                key="armed", value="true", allowed=f"only in a live deployment, and this is {self.stage}"
            )
        yield from self._not_a_standby()
        yield from self._mistold()
        for name, account in self.accounts.items():
            yield from self._unreachable(f"accounts.{name}.venue", account.venue)
            yield from self._unverified(f"accounts.{name}", account)
            key = f"accounts.{name}.paper"
            if self.stage is Stage.PAPER and account.paper is None:
                example = ", ".join(f"{asset} = ..." for asset in account.assets)
                allowed = f"it is required in the paper stage, {{ {example} }}"
                yield Contradiction(key=key, value="a missing key", allowed=allowed)
            if self.stage is not Stage.PAPER and account.paper is not None:
                allowed = f"only in the paper stage, and this is {self.stage}"
                yield Contradiction(key=key, value="an opening balance", allowed=allowed)
            if self.stage is Stage.PAPER:
                yield from _isolated(f"accounts.{name}", account)
            if self.stage not in {Stage.LOCAL, Stage.PAPER}:
                yield from _baselines(f"accounts.{name}", account)

    def _not_a_standby(self) -> Iterator[Contradiction]:
        """Refuse a standby of itself, one that quotes before it took over, and one that has nothing to take over."""
        if self.standby_of is None:
            return
        if self.standby_of == self.name:
            yield Contradiction(key="standby_of", value=self.name, allowed="the name of another deployment")
        if self.armed:
            allowed = "false in a standby: `mm takeover` arms it"
            yield Contradiction(key="armed", value="true", allowed=allowed)
        if self.stage is Stage.PAPER:
            allowed = "another stage: on paper there are no orders to take over"
            yield Contradiction(key="standby_of", value="a standby in the paper stage", allowed=allowed)

    def _mistold(self) -> Iterator[Contradiction]:
        """Refuse hooks that could not tell of themselves, or whose secret would have the name of a venue key's."""
        symbols = {name: tuple(each.symbol for each in account.markets) for name, account in self.accounts.items()}
        yield from self.alerts.unknown(symbols)
        if self.stage is not Stage.LOCAL:
            yield from self.alerts.untold()
        if self.alerts.hooks and "hooks" in self.accounts:
            allowed = "another name beside alerts.hooks, whose secrets are named like an account's of this name"
            yield Contradiction(key="accounts.hooks", value='"hooks"', allowed=allowed)

    def _unreachable(self, key: str, venue: VenueName) -> Iterator[Contradiction]:
        """Refuse a stage that the venue has not."""
        if self.stage is Stage.TESTNET and trading_at(venue).test_environment is TestEnvironment.NONE:
            allowed = f'another stage: {venue} has no test environment; try it with stage = "paper" or "local"'
            yield Contradiction(key=key, value=f'"{venue}" in the testnet stage', allowed=allowed)

    def _unverified(self, key: str, account: AccountTable) -> Iterator[Contradiction]:
        """Want a human's word where nobody can tell whether a key with money behind it may withdraw (R26)."""
        is_told, is_accepted = trading_at(account.venue).tells_key_permissions, account.accept_unverified_key
        if is_told and is_accepted:
            allowed = f"only where the venue does not tell what a key may do; {account.venue} does, and is asked"
            yield Contradiction(key=f"{key}.accept_unverified_key", value="true", allowed=allowed)
        if self.stage in {Stage.TESTNET, Stage.LIVE} and not is_told and not is_accepted:
            allowed = (
                f"true, once you have seen at {account.venue} that neither key of the account may withdraw: "
                "it does not tell"
            )
            yield Contradiction(key=f"{key}.accept_unverified_key", value="false", allowed=allowed)


def _settled(market: MarketTable) -> MarketTable:
    """Write what a perpetual leaves to its defaults."""
    if market.kind is MarketKind.SPOT:
        return market
    held = market.perpetual or PerpetualTable()
    return msgspec.structs.replace(market, capital_base=NO_CAPITAL, perpetual=held)


def _isolated(key: str, account: AccountTable) -> Iterator[Contradiction]:
    """Refuse on paper what a paper account does not model."""
    for index, market in enumerate(account.markets):
        held = market.perpetual
        if held is not None and held.margin_mode is MarginMode.ISOLATED:
            yield Contradiction(
                key=f"{key}.markets{index_label(index, market.symbol)}.perpetual.margin_mode",
                value=f'"{held.margin_mode}"',
                allowed=f'"{MarginMode.CROSS}" in the paper stage: there all is held on cross margin',
            )


def _baselines(key: str, account: AccountTable) -> Iterator[Contradiction]:
    """Refuse what is only there to be compared with."""
    for index, market in enumerate(account.markets):
        if market.baseline_key is not None:
            yield Contradiction(
                key=f"{key}.markets{index_label(index, market.symbol)}.{market.baseline_key}",
                value="a baseline",
                allowed="only in a local or paper deployment, or a backtest: it loses money that the product keeps",
            )
