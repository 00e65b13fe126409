"""Whatever the market and the client do: money conserves, reduce-only never turns, only the short are liquidated."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO
from marketmaker.simulation.account import FeeAsset, FeeRates
from marketmaker.simulation.events import Event, Level, Quote, Trade
from marketmaker.simulation.orders import AccountOrder, OrderRequest, OrderType, Rejection, TimeInForce
from marketmaker.simulation.perpetual import MarginAccount, PerpetualEngine
from tests.unit.simulation.perpetual_market import HOUR_US, INSTRUMENT, perpetual, request

D = Decimal

type Step = Event | OrderRequest | int

ticks = st.integers(900, 1100)
sizes = st.integers(1, 2_000).map(lambda lots: lots * INSTRUMENT.lot_size)
sides = st.sampled_from(Side)
rates = st.sampled_from([D("-0.0002"), D(0), D("0.0001"), D("0.00033"), D("0.001")])
fees = st.builds(FeeRates, maker=rates, taker=rates, asset=st.just(FeeAsset.QUOTE))


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    prices = sorted(draw(st.sets(ticks, min_size=2, max_size=6)))
    split = draw(st.integers(0, len(prices)))
    levels = [Level(tick * INSTRUMENT.tick_size, draw(sizes)) for tick in prices]
    return Quote(time_us=0, bids=tuple(reversed(levels[:split])), asks=tuple(levels[split:]))


@st.composite
def requests(draw: st.DrawFn) -> OrderRequest:
    kind = draw(st.sampled_from(OrderType))
    return request(
        draw(sides),
        str(draw(sizes)),
        None if kind is OrderType.MARKET else str(draw(ticks) * INSTRUMENT.tick_size),
        kind=kind,
        reduce_only=draw(st.booleans()),
        time_in_force=draw(st.sampled_from(TimeInForce)) if kind is OrderType.LIMIT else TimeInForce.GTC,
        client_id=f"c{draw(st.integers(0, 30))}",
    )


trades = st.builds(
    lambda side, tick, size: Trade(time_us=0, taker_side=side, price=tick * INSTRUMENT.tick_size, size_base=size),
    sides,
    ticks,
    sizes,
)
steps = st.lists(st.one_of(quotes(), trades, requests(), requests(), st.integers(1, 2 * HOUR_US)), max_size=40)


class Watched(PerpetualEngine):
    """An engine that checks at every liquidation that the margin balance was below maintenance."""

    liquidations = 0

    def _take(self, order: AccountOrder) -> None:
        account = self.account
        if order.is_liquidation:
            self.liquidations += 1
            assert account.margin_balance_quote < account.maintenance_margin_quote
        before = account.position.size_base
        super()._take(order)
        if order.request.reduce_only:
            assert_shrank(before, account.position.size_base)

    def _fill_resting(self, order: AccountOrder, available: Decimal) -> Decimal:
        before = self.account.position.size_base
        filled = super()._fill_resting(order, available)
        if order.request.reduce_only:
            assert_shrank(before, self.account.position.size_base)
        return filled


def assert_shrank(before: Decimal, after: Decimal) -> None:
    assert before * after >= ZERO, "a reduce-only order turned the position"
    assert abs(after) <= abs(before), "a reduce-only order grew the position"


def check_books(account: MarginAccount, mark: Decimal) -> None:
    """Compare the account's books with the cash and coins that its trades moved."""
    bought = sum((trade.side.sign * trade.size_base for trade in account.trades), ZERO)
    cash = sum((-trade.side.sign * trade.notional_quote for trade in account.trades), ZERO)
    assert bought == account.position.size_base
    received = account.funding_quote + account.insured_quote - account.commission_quote
    assert account.commission_quote == sum((trade.commission for trade in account.trades), ZERO)
    assert abs(account.initial_quote + cash + bought * mark + received - account.margin_balance_quote) < D("1E-18")
    assert account.realised_quote == sum(account.realised_by_trade.values(), ZERO)
    assert account.available_quote >= ZERO
    for side in Side:
        for order in account.open_orders(side):
            assert not order.request.reduce_only or account.fillable(order) > ZERO


def play(engine: PerpetualEngine, step: Step, now_us: int) -> int:
    account = engine.account
    if isinstance(step, int):
        engine.advance(now_us + step)
        return now_us + step
    if isinstance(step, OrderRequest):
        free, needed = account.margin_balance_quote, account.initial_margin_quote
        outcome = engine.submit(step, now_us)
        if isinstance(outcome, Rejection) or step.reduce_only or step.type is OrderType.MARKET:
            return now_us
        assert outcome.executed_base or account.initial_margin_quote <= max(free, needed)
        return now_us
    event = Quote(time_us=now_us, bids=step.bids, asks=step.asks) if isinstance(step, Quote) else step
    engine.play(event)
    return now_us


@settings(max_examples=150, deadline=None)
@given(steps=steps, rate=fees, collateral=st.integers(1, 3000), leverage=st.integers(1, 50), funding=rates)
def test_money_conserves_and_the_rules_hold(
    steps: list[Step], rate: FeeRates, collateral: int, leverage: int, funding: Decimal
) -> None:
    plain = perpetual(collateral=str(collateral), leverage=str(leverage), fees=rate, rate=str(funding))
    engine = Watched(account=plain.account, feed=plain.feed, funding=plain.funding)
    engine.play(Quote(time_us=0, bids=(Level(D(99), D(5)),), asks=(Level(D(101), D(5)),)))
    now_us = 0
    for step in steps:
        now_us = play(engine, step, now_us)
        account = engine.account
        assert account.mark is not None
        check_books(account, account.mark)
        assert engine.liquidations == len([each for each in account.orders.values() if each.is_liquidation])
        if account.must_be_liquidated:
            side = Side.BUY if account.position.size_base > ZERO else Side.SELL
            assert not engine.book.levels(side), "a position below maintenance stood while there was a book"
