"""The perpetual guide's parameters (P2) as a deployment of one market, read by the ordinary schema.

What the guide does not name is stated here: fees as the table of venues knows them, a price band round the price at the
start, and no capital but what the venue reports.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from marketmaker.config import Deployment, Preset, Stage, parse_deployment
from marketmaker.domain.units import BPS, ONE, ZERO, clamp, plain
from marketmaker.domain.venues import VENUES, ClientIds, MarketKind, trading_at
from marketmaker.errors import ConfigError

ACCOUNT = "run"
FILE = "mm run"
PAPER_CAPITAL_QUOTE = 100_000.0
PRICE_BAND_BPS = 2_000
_TTL_MARGIN_MS = 200
_MOST_TTL_MS = 2_000
EXCHANGES = tuple(each.name for each in VENUES.values() if each.trading is not None)
_ALIASES = MappingProxyType({"binance-usdm": "binanceusdm"})
_QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD1", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY")
"""What a symbol written in one word, such as SOLUSDT, may end with."""
_OPTIONS = MappingProxyType(
    {
        "half_spread": "--spread",
        "order_size_base": "--quantity",
        "ladder": "--max-orders",
        "inventory.target_base": "--target-position",
        "inventory.max_base": "--max-position",
        "inventory.threshold_base": "--position-threshold",
        "stop_loss": "--stop-loss",
        "take_profit": "--take-profit",
        "clocks": "--interval",
        "capital_quote": "--capital",
        "fees": "--maker-bps or --taker-bps",
        ".preset": "--preset",
        ".symbol": "--symbol",
    }
)
"""Which option a key of the schema comes from, for errors."""


class MarketType(StrEnum):
    """The guide's words for what a market trades."""

    SPOT = "spot"
    PERP = "perp"

    @property
    def kind(self) -> MarketKind:
        """The product's word for it."""
        return MarketKind.SPOT if self is MarketType.SPOT else MarketKind.PERPETUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideOptions:
    """The guide's parameters as they were typed; None is one that was not, which a preset or a default then decides.

    `spread` is a fraction, stop and profit are in quote currency with any sign. `capital_quote` is how much of the
    quote currency the market may use, all of it without; on paper it is what the account opens with.
    """

    exchange: str
    market_type: MarketType
    symbol: str
    spread: float | None = None
    quantity: float | None = None
    max_orders: int | None = None
    target_position: float | None = None
    max_position: float | None = None
    position_threshold: float | None = None
    inventory_skew: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    preset: Preset | None = None
    capital_quote: float | None = None
    maker_bps: float | None = None
    taker_bps: float | None = None

    @property
    def fees_by(self) -> str:
        """Say where the fees are from."""
        typed = {"--maker-bps": self.maker_bps, "--taker-bps": self.taker_bps}
        missing = " and ".join(name for name, value in typed.items() if value is None)
        known = f"a new account's at {self.venue} as this release knows them, not told by the venue"
        return f"{known}; type your own by {missing}" if missing else "as typed"

    @property
    def venue(self) -> str:
        """The venue's name as the rest of the product writes it."""
        return _ALIASES.get(self.exchange, self.exchange)


def guide_deployment(options: GuideOptions, stage: Stage, interval_s: int) -> Deployment:
    """Read the guide's parameters as a deployment of one account with one market.

    Raises:
        ConfigError: one of them is not allowed; it is named.
    """
    try:
        return parse_deployment(guide_text(options, stage, interval_s), file=FILE)
    except ConfigError as error:
        option = next((each for key, each in _OPTIONS.items() if key in str(error)), None)
        if option is None:
            raise
        raise ConfigError(f"{option}: {str(error).removeprefix(f'{FILE}: ')}") from error


def guide_text(options: GuideOptions, stage: Stage, interval_s: int) -> str:
    """Write the guide's parameters as a deployment file; what a venue does not tell of a key, the start says.

    Raises:
        ConfigError: there is no such exchange, market or number.
    """
    _require_venue(options)
    symbol, target = read_symbol(options), _number("--target-position", options.target_position)
    is_numbered = trading_at(options.venue).client_ids is ClientIds.UINT32
    ttl_ms = min(_MOST_TTL_MS, interval_s * 1000 - _TTL_MARGIN_MS)
    lines = [
        'name = "run"',
        'tag = "run"',
        f'stage = "{stage}"',
        f"armed = {str(stage is Stage.LIVE).lower()}",
        f"clocks = {{ interval_s = {interval_s}, request_ttl_ms = {ttl_ms} }}",
        f"[accounts.{ACCOUNT}]",
        f'venue = "{options.venue}"',
        f"dedicated = {str(is_numbered).lower()}",
        f"accept_unverified_key = {str(not trading_at(options.venue).tells_key_permissions).lower()}",
        *_paper(options, symbol, stage, target),
        f"[[accounts.{ACCOUNT}.markets]]",
        f'symbol = "{symbol}"',
        "number = 1",
        f"capital_quote = {_capital(options)}",
        f"price_band = {{ bps = {PRICE_BAND_BPS} }}",
        *_chosen(options),
    ]
    if options.market_type is MarketType.SPOT:
        lines.append(f"capital_base = {{ amount = {plain(target or ZERO)} }}")
    return "\n".join(lines) + "\n"


def _require_venue(options: GuideOptions) -> None:
    if options.venue not in EXCHANGES:
        known = ", ".join((*EXCHANGES, *_ALIASES))
        raise ConfigError(f"--exchange: {options.exchange} is not allowed: one of {known}")
    kinds = VENUES[options.venue].kinds
    if options.market_type.kind not in kinds:
        allowed = " or ".join(each for each in MarketType if each.kind in kinds)
        others = [name for name in EXCHANGES if options.market_type.kind in VENUES[name].kinds]
        raise ConfigError(
            f"--market-type: {options.market_type} is not allowed: {allowed} at {options.venue}; "
            f"{options.market_type} is traded at {', '.join(others)}"
        )


def read_symbol(options: GuideOptions) -> str:
    """Return the market in our notation: from the venue's own, SOL_USDC_PERP or SOLUSDT, or as it is.

    Raises:
        ConfigError: it cannot be read, or it is no market of the wanted type.
    """
    text, is_perpetual = options.symbol.upper(), options.market_type is MarketType.PERP
    pair, _, settled = text.partition(":")
    says_perpetual = bool(settled) or pair.endswith("_PERP")
    base, slash, quote = pair.removesuffix("_PERP").replace("_", "/", 1).partition("/")
    if not slash:
        quote = next((each for each in _QUOTES if pair.endswith(each) and pair != each), "")
        base = pair.removesuffix(quote)
    if not base or not quote or (says_perpetual and not is_perpetual):
        shape = "SOL_USDC_PERP, SOLUSDT or SOL/USDC:USDC" if is_perpetual else "SOLUSDT or SOL/USDT"
        raise ConfigError(f"--symbol: {options.symbol} is not allowed: a {options.market_type} market, such as {shape}")
    return f"{base}/{quote}:{settled or quote}" if is_perpetual else f"{base}/{quote}"


def _paper(options: GuideOptions, symbol: str, stage: Stage, target: Decimal | None) -> list[str]:
    if stage is not Stage.PAPER:
        return []
    base, _, quote = symbol.partition(":")[0].partition("/")
    capital = _number("--capital", options.capital_quote or PAPER_CAPITAL_QUOTE) or ZERO
    opening = {base: target or ZERO, quote: capital} if options.market_type is MarketType.SPOT else {quote: capital}
    return [f"paper = {{ {', '.join(f'{asset} = {plain(amount)}' for asset, amount in opening.items())} }}"]


def _capital(options: GuideOptions) -> str:
    amount = _number("--capital", options.capital_quote)
    return "{ share = 1 }" if amount is None else f"{{ amount = {plain(amount)} }}"


def _chosen(options: GuideOptions) -> list[str]:
    """Write what was typed; what was not is left to the preset, or refused by the schema where it has no default."""
    known = trading_at(options.venue)
    typed_maker, typed_taker = _number("--maker-bps", options.maker_bps), _number("--taker-bps", options.taker_bps)
    maker = known.maker_bps if typed_maker is None else typed_maker
    taker = known.taker_bps if typed_taker is None else typed_taker
    lines = [f"fees = {{ maker_bps = {plain(maker)}, taker_bps = {plain(taker)} }}"]
    if options.preset is not None:
        lines.append(f'preset = "{options.preset}"')
    spread = _number("--spread", options.spread)
    if spread is not None:
        lines.append(f"half_spread = {{ bps = {plain(spread / BPS)} }}")
    if options.max_orders is not None:
        lines.append(f"ladder = {{ levels = {options.max_orders} }}")
    lines += _written("order_size_base", "--quantity", options.quantity)
    lines += _position(options)
    loss, gain = _number("--stop-loss", options.stop_loss), _number("--take-profit", options.take_profit)
    lines += [] if loss is None else [f"stop_loss = {{ loss_quote = {plain(abs(loss))} }}"]
    return lines + ([] if gain is None else [f"take_profit_quote = {plain(abs(gain))}"])


def _position(options: GuideOptions) -> list[str]:
    """Write the position policy; the guide's skew is held inside [0, 1] (P2), and does nothing unless it is given.

    The guide bounds a position by its size, so on spot no ratio of the capital is out of band.
    """
    skew = _number("--inventory-skew", options.inventory_skew)
    if skew is None and options.preset is None:
        skew = ZERO
    parts = [
        'policy = "position"',
        *(["min_ratio = 0", "max_ratio = 1"] if options.market_type is MarketType.SPOT else []),
        *_written("target_base", "--target-position", options.target_position),
        *_written("max_base", "--max-position", options.max_position),
        *_written("threshold_base", "--position-threshold", options.position_threshold),
        *([] if skew is None else [f"skew = {plain(clamp(skew, ZERO, ONE))}"]),
    ]
    return [f"inventory = {{ {', '.join(parts)} }}"]


def _written(key: str, option: str, value: float | None) -> list[str]:
    number = _number(option, value)
    return [] if number is None else [f"{key} = {plain(number)}"]


def _number(option: str, value: float | None) -> Decimal | None:
    if value is None:
        return None
    if not math.isfinite(value):
        raise ConfigError(f"{option}: {value} is not allowed: a finite number")
    return Decimal(str(value))
