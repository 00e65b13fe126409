"""Domain values with defaults, so that a test states only what it is about; amounts may be written as text."""

from collections.abc import Iterable
from decimal import Decimal

from marketmaker.domain.accounts import AccountSettings, Clocks, RiskSettings
from marketmaker.domain.distances import QuoteDistance
from marketmaker.domain.inventory import Inventory, OpeningRow
from marketmaker.domain.klines import Kline
from marketmaker.domain.markets import (
    AbsoluteBand,
    CapitalShare,
    FeeSchedule,
    Instrument,
    MarketSettings,
    PriceBand,
    ReplaceTolerance,
)
from marketmaker.domain.models import BothSidesBand, FairPriceModel, HalfSpread, InventoryBand, ShiftBand
from marketmaker.domain.orders import DeploymentTag, Fee, Fill, NewOrder, Order, OrderIdentity, Side
from marketmaker.domain.pricing import Book, BookLevel
from marketmaker.domain.quoting import MarketView, Quote, Quotes
from marketmaker.domain.risk import LedgerDifference
from marketmaker.domain.state import Control, Lease, MarketState, Mode, TradeCursor, UnresolvedOrder
from marketmaker.domain.units import ONE, ZERO, AccountName, Asset, ClientOrderId, Symbol, TradeId, VenueOrderId

Amount = Decimal | str | int

SYMBOL = Symbol("PAXG/USDT")
PAXG = Asset("PAXG")
USDT = Asset("USDT")
BNB = Asset("BNB")
ACCOUNT = AccountName("main")
TAG = DeploymentTag(text="abc")
OTHER_TAG = DeploymentTag(text="xyz")
SLOT_MS = 1_700_000_000_000


def instrument(
    *,
    symbol: str = SYMBOL,
    base: str = PAXG,
    quote: str = USDT,
    tick_size: Amount = "0.01",
    lot_size: Amount = "0.0001",
    min_size_base: Amount = "0.0001",
    min_notional_quote: Amount = "5",
    has_post_only: bool = True,
) -> Instrument:
    """Return the rules of PAXG/USDT as the large venues have them."""
    return Instrument(
        symbol=Symbol(symbol),
        base=Asset(base),
        quote=Asset(quote),
        tick_size=Decimal(tick_size),
        lot_size=Decimal(lot_size),
        min_size_base=Decimal(min_size_base),
        min_notional_quote=Decimal(min_notional_quote),
        has_post_only=has_post_only,
    )


def fees(*, maker_bps: Amount = "1", taker_bps: Amount = "5") -> FeeSchedule:
    """Return the fees of S1: 0.01 % for a maker."""
    return FeeSchedule(maker_bps=Decimal(maker_bps), taker_bps=Decimal(taker_bps))


def shift_band(
    *,
    min_ratio: Amount = "0.2",
    max_ratio: Amount = "0.5",
    max_shift_share: Amount = "0.5",
    ramp_ratio: Amount = "0.1",
) -> ShiftBand:
    """Return the default inventory policy inside the guide's 20–50 % (S2)."""
    return ShiftBand(
        min_ratio=Decimal(min_ratio),
        max_ratio=Decimal(max_ratio),
        max_shift_share=Decimal(max_shift_share),
        ramp_ratio=Decimal(ramp_ratio),
    )


def both_sides_band(
    *, min_ratio: Amount = "0.2", max_ratio: Amount = "0.5", below: Amount = "0.4", above: Amount = "0.6"
) -> BothSidesBand:
    """Return the guide's own code: ± 0.4 below the band, ± 0.6 above it (S2)."""
    return BothSidesBand(
        min_ratio=Decimal(min_ratio),
        max_ratio=Decimal(max_ratio),
        half_spread_below=QuoteDistance(quote=Decimal(below)),
        half_spread_above=QuoteDistance(quote=Decimal(above)),
    )


def absolute_band(low: Amount = "1800", high: Amount = "2000") -> AbsoluteBand:
    """Return the price band of S3."""
    return AbsoluteBand(low=Decimal(low), high=Decimal(high))


def tolerance(
    *, price_share: Amount = "0.25", size_share: Amount = "0.5", max_age_ms: int = 600_000
) -> ReplaceTolerance:
    """Return the deployment file's default tolerance (C2)."""
    return ReplaceTolerance(price_share=Decimal(price_share), size_share=Decimal(size_share), max_age_ms=max_age_ms)


def market_settings(
    *,
    symbol: str = SYMBOL,
    number: int = 0,
    fee_schedule: FeeSchedule | None = None,
    fair_price: FairPriceModel = FairPriceModel.MID,
    half_spread: HalfSpread | None = None,
    order_size_base: Amount = "0.1",
    inventory_band: InventoryBand | None = None,
    price_band: PriceBand | None = None,
    replace_tolerance: ReplaceTolerance | None = None,
    max_book_age_ms: int = 30_000,
    opening_cost_quote: Amount | None = None,
    post_only: bool = True,
    assumed_volatility: Amount = "0.1",
) -> MarketSettings:
    """Return the settings of the guide's worked example: ± 0.5 round the mid, 0.1 PAXG a side (S1).

    Gold moves by a tenth a year: its cadence costs 0.03 USDT, and with the fees of S1 the half-spread is 0.22 at least.
    """
    return MarketSettings(
        symbol=Symbol(symbol),
        number=number,
        capital_base=CapitalShare(share=ONE),
        capital_quote=CapitalShare(share=ONE),
        opening_cost_quote=None if opening_cost_quote is None else Decimal(opening_cost_quote),
        fees=fee_schedule or fees(),
        fair_price=fair_price,
        half_spread=half_spread or QuoteDistance(quote=Decimal("0.5")),
        order_size_base=Decimal(order_size_base),
        inventory_band=inventory_band or shift_band(),
        price_band=price_band or absolute_band(),
        tolerance=replace_tolerance or tolerance(),
        max_book_age_ms=max_book_age_ms,
        post_only=post_only,
        assumed_volatility=Decimal(assumed_volatility),
    )


def clocks(
    *,
    interval_ms: int = 5_000,
    request_timeout_ms: int = 2_000,
    request_ttl_ms: int = 5_000,
    function_timeout_ms: int = 15_000,
) -> Clocks:
    """Return the clocks of a market quoted every 5 s (S4)."""
    return Clocks(
        interval_ms=interval_ms,
        request_timeout_ms=request_timeout_ms,
        request_ttl_ms=request_ttl_ms,
        function_timeout_ms=function_timeout_ms,
    )


def account_settings(*markets: MarketSettings, dedicated: bool = False) -> AccountSettings:
    """Return an account with these markets, or with the worked example alone."""
    return AccountSettings(
        name=ACCOUNT,
        venue="binance",
        tag=TAG,
        dedicated=dedicated,
        markets=markets or (market_settings(),),
        clocks=clocks(),
        risk=RiskSettings(),
        config_hash="0123456789abcdef",
    )


def levels(*pairs: tuple[Amount, Amount]) -> tuple[BookLevel, ...]:
    """Return book levels from (price, size) pairs."""
    return tuple(BookLevel(price=Decimal(price), size_base=Decimal(size)) for price, size in pairs)


def book(
    *,
    bids: Iterable[tuple[Amount, Amount]] = (("1899.9", "5"),),
    asks: Iterable[tuple[Amount, Amount]] = (("1900.1", "5"),),
    symbol: str = SYMBOL,
    update_id: int = 1,
) -> Book:
    """Return a book round 1900 from (price, size) pairs, best first."""
    return Book(symbol=Symbol(symbol), bids=levels(*bids), asks=levels(*asks), update_id=update_id)


def kline(open_ms: int = SLOT_MS, *, interval_ms: int = 1_000, close: Amount = "1900") -> Kline:
    """Return a closed kline round 1900."""
    return Kline(
        open_ms=open_ms,
        interval_ms=interval_ms,
        open=Decimal("1899.5"),
        high=Decimal("1901.25"),
        low=Decimal(1899),
        close=Decimal(close),
        volume_base=Decimal("0.125"),
    )


def inventory(
    *, base: Amount = "5", quote: Amount = "19000", cost_quote: Amount = "1900", unpriced_fees: tuple[Fee, ...] = ()
) -> Inventory:
    """Return an inventory as it was opened; by default a third of 28,500 USDT is in PAXG, inside the band."""
    base_amount, quote_amount, cost = Decimal(base), Decimal(quote), Decimal(base) * Decimal(cost_quote)
    return Inventory(
        base=base_amount,
        quote=quote_amount,
        deposited_quote=quote_amount + cost,
        cost_basis_quote=cost,
        unpriced_fees=unpriced_fees,
    )


def opening_row(
    *, base: Amount = "5", quote: Amount = "19000", cost_quote: Amount = "1900", time_ms: int = SLOT_MS
) -> OpeningRow:
    """Return a market's first ledger row."""
    return OpeningRow(
        symbol=SYMBOL, time_ms=time_ms, base=Decimal(base), quote=Decimal(quote), cost_quote=Decimal(cost_quote)
    )


def identity(
    side: Side = Side.BUY,
    *,
    level: int = 0,
    market_number: int = 0,
    slot_ms: int = SLOT_MS,
    attempt: int = 0,
    owner: DeploymentTag = TAG,
) -> OrderIdentity:
    """Return who an own order is."""
    return OrderIdentity(
        tag=owner, market_number=market_number, slot_ms=slot_ms, side=side, level=level, attempt=attempt
    )


def order(
    side: Side = Side.BUY,
    price: Amount = "1899.5",
    size_base: Amount = "0.1",
    *,
    level: int = 0,
    executed_base: Amount = "0",
    created_ms: int = SLOT_MS,
    venue_id: str = "1",
    client_id: str | None = None,
    symbol: str = SYMBOL,
    is_live: bool = True,
) -> Order:
    """Return one of our own resting orders; its client id follows from side and level unless it is given."""
    return Order(
        venue_id=VenueOrderId(venue_id),
        client_id=identity(side, level=level).encode() if client_id is None else ClientOrderId(client_id),
        symbol=Symbol(symbol),
        side=side,
        price=Decimal(price),
        size_base=Decimal(size_base),
        executed_base=Decimal(executed_base),
        created_ms=created_ms,
        is_live=is_live,
    )


def foreign_order(side: Side = Side.BUY, price: Amount = "1899.5", *, venue_id: str = "foreign") -> Order:
    """Return an order without a client id, such as a human placed by hand."""
    return Order(
        venue_id=VenueOrderId(venue_id),
        client_id=None,
        symbol=SYMBOL,
        side=side,
        price=Decimal(price),
        size_base=ONE,
        executed_base=ZERO,
        created_ms=SLOT_MS,
    )


def new_order(
    side: Side = Side.BUY, price: Amount = "1899.5", size_base: Amount = "0.1", *, level: int = 0
) -> NewOrder:
    """Return an order about to be sent."""
    return NewOrder(
        client_id=identity(side, level=level).encode(),
        symbol=SYMBOL,
        side=side,
        price=Decimal(price),
        size_base=Decimal(size_base),
    )


def fee(amount: Amount = "0.19", asset: str = USDT) -> Fee:
    """Return a fee; negative for a rebate."""
    return Fee(amount=Decimal(amount), asset=Asset(asset))


def fill(
    side: Side = Side.BUY,
    price: Amount = "1900",
    size_base: Amount = "0.1",
    *,
    charged: Fee | None = None,
    trade_id: str = "1",
    venue_order_id: str = "1",
    symbol: str = SYMBOL,
    time_ms: int = SLOT_MS,
    is_maker: bool = True,
) -> Fill:
    """Return one trade of ours; without `charged` the venue did not report its fee."""
    return Fill(
        trade_id=TradeId(trade_id),
        venue_order_id=VenueOrderId(venue_order_id),
        symbol=Symbol(symbol),
        side=side,
        price=Decimal(price),
        size_base=Decimal(size_base),
        fee=charged,
        time_ms=time_ms,
        is_maker=is_maker,
    )


def market_view(
    *,
    market_book: Book | None = None,
    book_age_ms: int = 0,
    last_price: Amount | None = "1900",
    owned: Inventory | None = None,
    reference_price: Amount = "1900",
    available_base: Amount | None = None,
    available_quote: Amount | None = None,
    ledger_difference: LedgerDifference | None = None,
) -> MarketView:
    """Return what a decision sees at 1900 with a balanced inventory, all of it available."""
    held = owned or inventory()
    return MarketView(
        book=market_book or book(),
        book_age_ms=book_age_ms,
        last_price=None if last_price is None else Decimal(last_price),
        inventory=held,
        reference_price=Decimal(reference_price),
        available_base=held.base if available_base is None else Decimal(available_base),
        available_quote=held.quote if available_quote is None else Decimal(available_quote),
        ledger_difference=ledger_difference,
    )


def quote(side: Side = Side.BUY, price: Amount = "1899.5", size_base: Amount = "0.1", *, level: int = 0) -> Quote:
    """Return a price and size we want to rest."""
    return Quote(side=side, level=level, price=Decimal(price), size_base=Decimal(size_base))


def quotes(
    *wanted: Quote,
    reducing_side: Side = Side.BUY,
    half_spread: Amount = "0.5",
    highest_bid: Amount = "1000000",
    lowest_ask: Amount = "0",
) -> Quotes:
    """Return quotes round 1900, without a fee floor; without any given, those of S1."""
    return Quotes(
        fair=Decimal(1900),
        half_spread=Decimal(half_spread),
        floor=ZERO,
        highest_bid=Decimal(highest_bid),
        lowest_ask=Decimal(lowest_ask),
        ratio=Decimal("0.35"),
        reducing_side=reducing_side,
        quotes=wanted or (quote(Side.BUY, "1899.5"), quote(Side.SELL, "1900.5")),
        skipped=(),
        stages=(),
    )


def control(*, mode: Mode = Mode.QUOTING, epoch: int = 0, lease: Lease | None = None, last_slot_ms: int = 0) -> Control:
    """Return an account's control item."""
    return Control(account=ACCOUNT, mode=mode, epoch=epoch, lease=lease, last_slot_ms=last_slot_ms)


def market_state(
    *,
    symbol: str = SYMBOL,
    version: int = 1,
    owned: Inventory | None = None,
    reference_price: Amount = "1900",
    cursor: TradeCursor | None = None,
    working: tuple[Order, ...] = (),
    unresolved: tuple[UnresolvedOrder, ...] = (),
    not_before_ms: int = 0,
) -> MarketState:
    """Return an opened market's item."""
    return MarketState(
        symbol=Symbol(symbol),
        version=version,
        inventory=owned or inventory(),
        reference_price=Decimal(reference_price),
        cursor=cursor or TradeCursor(),
        working=working,
        unresolved=unresolved,
        not_before_ms=not_before_ms,
    )
