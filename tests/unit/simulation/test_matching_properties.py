"""Whatever the market and the client do: balances conserve, nothing trades twice, price and time rule."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, Asset, ClientOrderId, Symbol
from marketmaker.simulation.account import Account, FeeAsset, FeeRates
from marketmaker.simulation.events import Event, Level, Quote, Trade, is_better
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import AccountOrder, OrderRequest, OrderType, TimeInForce
from marketmaker.simulation.wallet import Wallet

D = Decimal
BASE, QUOTE = Asset("SOL"), Asset("USDC")
INITIAL = {BASE: D(40), QUOTE: D(4_000)}
INSTRUMENT = Instrument(
    symbol=Symbol("SOL/USDC"),
    base=BASE,
    quote=QUOTE,
    tick_size=D("0.1"),
    lot_size=D("0.01"),
    min_size_base=D("0.01"),
    min_notional_quote=D(1),
)

type Step = Event | OrderRequest | int

ticks = st.integers(980, 1020)
sizes = st.integers(1, 900).map(lambda lots: lots * INSTRUMENT.lot_size)
sides = st.sampled_from(Side)


def price(tick: int) -> Decimal:
    return tick * INSTRUMENT.tick_size


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    prices = sorted(draw(st.sets(ticks, min_size=2, max_size=8)))
    split = draw(st.integers(0, len(prices)))
    levels = [Level(price(tick), draw(sizes)) for tick in prices]
    return Quote(time_us=0, bids=tuple(reversed(levels[:split])), asks=tuple(levels[split:]))


@st.composite
def requests(draw: st.DrawFn) -> OrderRequest:
    kind = draw(st.sampled_from([OrderType.LIMIT_MAKER, OrderType.LIMIT_MAKER, OrderType.LIMIT, OrderType.MARKET]))
    return OrderRequest(
        client_id=ClientOrderId(f"c{draw(st.integers(0, 30))}"),
        side=draw(sides),
        type=kind,
        size_base=draw(sizes),
        price=None if kind is OrderType.MARKET else price(draw(ticks)),
        time_in_force=draw(st.sampled_from(TimeInForce)) if kind is OrderType.LIMIT else TimeInForce.GTC,
    )


trades = st.builds(
    lambda side, tick, size: Trade(time_us=0, taker_side=side, price=price(tick), size_base=size), sides, ticks, sizes
)
steps = st.lists(st.one_of(quotes(), trades, trades, requests(), requests(), st.integers(1, 20)), max_size=40)
rates = st.sampled_from([D("-0.0002"), D(0), D("0.0001"), D("0.00033"), D("0.001")])
fees = st.builds(FeeRates, maker=rates, taker=rates, asset=st.sampled_from(FeeAsset))


def play(engine: Engine, step: Step, moment: int) -> None:
    """Let one thing happen: an event, an order, or a cancel by order id."""
    if isinstance(step, OrderRequest):
        engine.submit(step, moment)
    elif isinstance(step, int):
        engine.cancel(step, moment)
    else:
        engine.advance(moment)


def run(plan: list[Step], rate: FeeRates) -> Engine:
    events = [
        step.__class__(**{name: getattr(step, name) for name in step.__slots__} | {"time_us": moment})
        for moment, step in enumerate(plan)
        if isinstance(step, Quote | Trade)
    ]
    feed = MarketFeed(events, tick_size=INSTRUMENT.tick_size)
    return Engine(account=Account(instrument=INSTRUMENT, fees=rate, wallet=Wallet(INITIAL)), feed=feed)


def open_orders(engine: Engine) -> list[AccountOrder]:
    return [order for side in Side for order in engine.account.open_orders(side)]


@settings(deadline=None, max_examples=150)
@given(plan=steps, rate=fees)
def test_balances_are_what_was_there_plus_trades_less_fees(plan: list[Step], rate: FeeRates) -> None:
    engine = run(plan, rate)
    account, wallet = engine.account, engine.account.wallet
    for moment, step in enumerate(plan):
        play(engine, step, moment)
        expected = dict(INITIAL)
        for trade in account.trades:
            expected[BASE] += trade.side.sign * trade.size_base
            expected[QUOTE] -= trade.side.sign * trade.price * trade.size_base
            expected[trade.commission_asset] -= trade.commission
        assert {asset: wallet.total(asset) for asset in wallet.assets} == expected
        assert all(wallet.free(asset) >= 0 and wallet.locked(asset) >= 0 for asset in wallet.assets)
        for side in Side:
            held = sum((order.reserved for order in account.open_orders(side)), ZERO)
            assert wallet.locked(account.reserve_asset(side)) == held


@settings(deadline=None, max_examples=150)
@given(plan=steps, rate=fees)
def test_orders_never_trade_more_than_their_size_nor_past_their_limit(plan: list[Step], rate: FeeRates) -> None:
    engine = run(plan, rate)
    for moment, step in enumerate(plan):
        play(engine, step, moment)
        for order in engine.account.orders.values():
            mine = [trade for trade in engine.account.trades if trade.order_id == order.order_id]
            assert order.executed_base == sum((trade.size_base for trade in mine), ZERO) <= order.request.size_base
            if order.request.price is not None:
                assert not any(is_better(order.request.side, trade.price, order.limit) for trade in mine)
            if order.request.type is OrderType.LIMIT_MAKER:
                assert all(trade.is_maker for trade in mine)


@settings(deadline=None, max_examples=150)
@given(plan=steps)
def test_a_trade_is_shared_once_by_price_and_time(plan: list[Step]) -> None:
    engine = run(plan, FeeRates(maker=ZERO, taker=ZERO))
    for moment, step in enumerate(plan):
        before, resting = len(engine.account.trades), open_orders(engine)
        play(engine, step, moment)
        if not isinstance(step, Trade):
            continue
        ours = engine.account.trades[before:]
        assert sum((trade.size_base for trade in ours), ZERO) <= step.size_base
        filled = {trade.order_id for trade in ours}
        for order in resting:
            behind = [
                other
                for other in resting
                if other.request.side is order.request.side
                and other.order_id in filled
                and (
                    is_better(order.request.side, order.limit, other.limit)
                    or (order.limit == other.limit and order.order_id < other.order_id)
                )
            ]
            assert not behind or not order.status.is_open


@settings(deadline=None, max_examples=150)
@given(plan=steps)
def test_the_shown_book_is_never_crossed_and_its_id_follows_its_changes(plan: list[Step]) -> None:
    engine = run(plan, FeeRates(maker=ZERO, taker=ZERO))
    shown = engine.depth(50)
    for moment, step in enumerate(plan):
        play(engine, step, moment)
        depth = engine.depth(50)
        assert not (depth.bids and depth.asks) or depth.bids[0].price < depth.asks[0].price
        assert depth.update_id >= shown.update_id
        if (depth.bids, depth.asks) != (shown.bids, shown.asks):
            assert depth.update_id > shown.update_id
        shown = depth


@settings(deadline=None, max_examples=100)
@given(plan=steps, rate=fees)
def test_the_same_happenings_give_the_same_trades(plan: list[Step], rate: FeeRates) -> None:
    first, second = run(plan, rate), run(plan, rate)
    for moment, step in enumerate(plan):
        play(first, step, moment)
        play(second, step, moment)
    assert first.account.trades == second.account.trades
    assert first.depth(50) == second.depth(50)
