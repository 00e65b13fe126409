"""What each venue can do, as far as anybody here has to know: looked up instead of asking which venue it is.

Facts are those of the venue's own API as ccxt reaches it. A venue that only lends its public books has no `trading`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from marketmaker.domain.orders import MAX_MARKET_NUMBER
from marketmaker.domain.positions import MarginMode

_UINT32_MARKET_BITS = 4
"""What an id of 32 bits has left for the market: tag 6, market 4, slot 17, side 1, level 3, attempt 1."""


class MarketKind(StrEnum):
    """What a market trades: the asset itself, or a perpetual contract on it."""

    SPOT = "spot"
    PERPETUAL = "perpetual"

    @classmethod
    def of(cls, symbol: str) -> Self:
        """Tell a market's kind by its symbol: a perpetual's names what it settles in, as in SOL/USDC:USDC."""
        return cls.PERPETUAL if ":" in symbol else cls.SPOT


class TestEnvironment(StrEnum):
    """Where orders can be tried without money."""

    __test__ = False  # no class of tests, whatever its name

    SANDBOX = "sandbox"
    DEMO = "demo"
    NONE = "none"


class Amending(StrEnum):
    """What changing a resting order does: keep its id, cancel and create in one request, or not exist."""

    IN_PLACE = "in place"
    REPLACES = "cancels and creates"
    NONE = "none"


class DeadMansSwitch(StrEnum):
    """How the venue itself can be told to cancel when nothing is heard: by ccxt's own method, the venue's, or not."""

    UNIFIED = "unified"
    IMPLICIT = "implicit"
    NONE = "none"


class LeverageScope(StrEnum):
    """For what a leverage is set."""

    MARKET = "market"
    ACCOUNT = "account"
    NONE = "none"


class ClientIds(StrEnum):
    """What a client order id may be."""

    TEXT_36 = "text of 36"
    UINT32 = "uint32"

    @property
    def max_market_number(self) -> int:
        """The highest market number that an id can carry."""
        return (1 << _UINT32_MARKET_BITS) - 1 if self is ClientIds.UINT32 else MAX_MARKET_NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """What orders and positions can be at a venue.

    `maker_bps` and `taker_bps` are the fees of an account without volume or discounts, as this release knows them: no
    venue publishes them with its markets. A batch of 1 is none. A signed request dies at the latest
    `max_request_ttl_ms` after it was signed. `margin_modes` is empty on spot. Where `has_hedge_mode`, a login may keep
    long and short apart, and is then refused.
    """

    maker_bps: Decimal
    taker_bps: Decimal
    has_post_only: bool = True
    has_immediate_or_cancel: bool = True
    has_reduce_only: bool
    create_batch: int = 1
    cancel_batch: int = 1
    amending: Amending
    dead_mans_switch: DeadMansSwitch = DeadMansSwitch.NONE
    test_environment: TestEnvironment = TestEnvironment.NONE
    client_ids: ClientIds = ClientIds.TEXT_36
    max_request_ttl_ms: int = 60_000
    has_hedge_mode: bool = False
    leverage: LeverageScope = LeverageScope.NONE
    margin_modes: frozenset[MarginMode] = frozenset()
    tells_key_permissions: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """One venue: what is traded there, how much may be asked of it, and what orders can be; None where only read.

    Its shortest klines are of `kline_ms`.
    """

    name: str
    kinds: frozenset[MarketKind]
    request_weight_a_minute: int
    trading: Trading | None
    kline_ms: int = 1_000


_ALL = (
    Venue(
        name="binance",
        kinds=frozenset({MarketKind.SPOT}),
        request_weight_a_minute=6_000,
        trading=Trading(
            maker_bps=Decimal(10),
            taker_bps=Decimal(10),
            has_reduce_only=False,
            amending=Amending.REPLACES,
            test_environment=TestEnvironment.SANDBOX,
            tells_key_permissions=True,
        ),
    ),
    Venue(name="binanceus", kinds=frozenset({MarketKind.SPOT}), request_weight_a_minute=1_200, trading=None),
    Venue(
        name="binanceusdm",
        kinds=frozenset({MarketKind.PERPETUAL}),
        kline_ms=60_000,
        request_weight_a_minute=2_400,
        trading=Trading(
            maker_bps=Decimal(2),
            taker_bps=Decimal(5),
            has_reduce_only=True,
            create_batch=5,
            cancel_batch=10,
            amending=Amending.IN_PLACE,
            dead_mans_switch=DeadMansSwitch.IMPLICIT,
            test_environment=TestEnvironment.DEMO,
            has_hedge_mode=True,
            leverage=LeverageScope.MARKET,
            margin_modes=frozenset(MarginMode),
            tells_key_permissions=False,
        ),
    ),
    Venue(
        name="backpack",
        kinds=frozenset({MarketKind.PERPETUAL}),
        kline_ms=60_000,
        request_weight_a_minute=2_000,
        trading=Trading(
            maker_bps=Decimal(2),
            taker_bps=Decimal(5),
            has_reduce_only=True,
            create_batch=20,
            amending=Amending.NONE,
            client_ids=ClientIds.UINT32,
            leverage=LeverageScope.ACCOUNT,
            margin_modes=frozenset({MarginMode.CROSS}),
            tells_key_permissions=False,
        ),
    ),
)
VENUES: Mapping[str, Venue] = MappingProxyType({venue.name: venue for venue in _ALL})
"""Every venue by its name."""


def trading_at(venue: str) -> Trading:
    """Return what orders can be at a venue that an account may name.

    Raises:
        ValueError: only its public books are read.
    """
    found = VENUES[venue].trading
    if found is None:
        raise ValueError(f"{venue} is not traded at; allowed: {', '.join(each.name for each in _ALL if each.trading)}")
    return found
