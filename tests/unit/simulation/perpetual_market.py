"""A small perpetual market and account for tests: SOL at 100, ticks of 0.1, lots of 0.01."""

from collections.abc import Sequence
from decimal import Decimal

from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Asset, ClientOrderId, Symbol
from marketmaker.simulation.account import FeeAsset, FeeRates
from marketmaker.simulation.events import Event, Level, Quote, Trade
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.orders import AccountOrder, OrderRequest, OrderType, Rejection, TimeInForce
from marketmaker.simulation.perpetual import FundingSchedule, MarginAccount, MarginTerms, PerpetualEngine

D = Decimal
HOUR_US = 3_600_000_000
INSTRUMENT = Instrument(
    symbol=Symbol("SOL/USDC:USDC"),
    base=Asset("SOL"),
    quote=Asset("USDC"),
    tick_size=D("0.1"),
    lot_size=D("0.01"),
    min_size_base=D("0.01"),
    min_notional_quote=D(5),
)
TERMS = MarginTerms(max_leverage=D(50), maintenance_rate=D("0.05"), liquidation_fee_rate=D("0.01"))
FREE = FeeRates(maker=D(0), taker=D(0), asset=FeeAsset.QUOTE)


def quote(time_us: int = 0, bid: str = "99", ask: str = "101", size: str = "100") -> Quote:
    """Make a book of one level a side; the mark is its middle."""
    return Quote(time_us=time_us, bids=(Level(D(bid), D(size)),), asks=(Level(D(ask), D(size)),))


def trade(time_us: int, taker_side: Side, price: str, size: str) -> Trade:
    """Make a trade between others."""
    return Trade(time_us=time_us, taker_side=taker_side, price=D(price), size_base=D(size))


def perpetual(
    events: Sequence[Event] = (),
    *,
    collateral: str = "1000",
    leverage: str = "10",
    fees: FeeRates = FREE,
    rate: str = "0",
    terms: MarginTerms = TERMS,
) -> PerpetualEngine:
    """Build an engine that stands at its first book, 99 / 101; funding is due every hour."""
    account = MarginAccount(
        instrument=INSTRUMENT, fees=fees, collateral_quote=D(collateral), terms=terms, leverage=D(leverage)
    )
    engine = PerpetualEngine(
        account=account,
        feed=MarketFeed([quote(), *events], tick_size=INSTRUMENT.tick_size),
        funding=FundingSchedule(rate=D(rate), interval_us=HOUR_US),
    )
    engine.advance(0)
    return engine


def request(
    side: Side,
    size: str,
    price: str | None = None,
    *,
    reduce_only: bool = False,
    kind: OrderType | None = None,
    time_in_force: TimeInForce = TimeInForce.GTC,
    client_id: str = "",
) -> OrderRequest:
    """Make an order; without a price it is a market order."""
    return OrderRequest(
        client_id=ClientOrderId(client_id or f"{side}{size}{price}{reduce_only}"),
        side=side,
        type=kind or (OrderType.MARKET if price is None else OrderType.LIMIT),
        size_base=D(size),
        price=None if price is None else D(price),
        time_in_force=time_in_force,
        reduce_only=reduce_only,
    )


def accepted(outcome: AccountOrder | Rejection) -> AccountOrder:
    """Return an order that must have been accepted."""
    assert isinstance(outcome, AccountOrder), outcome
    return outcome
