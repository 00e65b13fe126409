"""Whatever the market and the client do, however often the account is stored: balances conserve, nothing overfills."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from marketmaker.adapters.ccxt_venue import Premium
from marketmaker.adapters.paper_venue.holdings import NOTHING_HELD
from marketmaker.domain.orders import Fill, Order, Side
from marketmaker.domain.positions import FundingRate
from marketmaker.domain.units import ZERO, Asset, Symbol
from marketmaker.ports import Accepted
from tests.builders import PAXG, SLOT_MS, SYMBOL, USDT, instrument
from tests.unit.paper.paper_desk import OPENING, PaperDesk, paper_desk

D = Decimal
PERP = Symbol("PAXG/USDT:USDT")
PERP_OPENING = D(100_000_000)
HOUR_MS = 3_600_000
LOT = instrument().lot_size

ticks = st.integers(189_600, 190_400)
prices = ticks.map(lambda tick: tick * D("0.01"))
sizes = st.integers(26, 60_000).map(lambda lots: lots * LOT)
sides = st.sampled_from(Side)


@st.composite
def books(draw: st.DrawFn) -> tuple[str, str]:
    """Draw two sides, best first, that do not cross; either may be empty."""
    found = sorted(draw(st.sets(prices, min_size=2, max_size=6)))
    split = draw(st.integers(0, len(found)))
    shown = [f"{price}x{draw(sizes)}" for price in found]
    return " ".join(reversed(shown[:split])), " ".join(shown[split:])


type Step = tuple[str, object]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("quote"), books()),
        st.tuples(st.just("trade"), st.tuples(sides, prices, sizes)),
        st.tuples(st.just("trade"), st.tuples(sides, prices, sizes)),
        st.tuples(st.just("place"), st.lists(st.tuples(sides, prices, sizes), min_size=1, max_size=3)),
        st.tuples(st.just("cancel"), st.integers(0, 5)),
        st.tuples(st.just("read"), st.sampled_from(["observe", "open", "fills"])),
    ),
    max_size=30,
)
rates = st.sampled_from(["-1", "0", "1", "7.5"])


def play(desk: PaperDesk, step: Step, placed: dict[str, Order], symbol: Symbol = SYMBOL) -> None:
    """Let one thing happen, each in a process of its own."""
    desk.clock.advance(700)
    desk.venue = desk.another()
    match step:
        case ("quote", (str(bids), str(asks))):
            desk.market.quote(bids, asks, symbol)
        case ("trade", (Side() as side, Decimal() as price, Decimal() as size)):
            desk.market.trade(side, price, size, symbol)
        case ("place", list() as orders):
            for outcome in desk.place(*(desk.new(*order, symbol=symbol) for order in orders)):
                if isinstance(outcome, Accepted):
                    placed[outcome.order.venue_id] = outcome.order
        case ("cancel", int() as index) if placed:
            desk.venue.cancel([list(placed.values())[index % len(placed)]], desk.deadline())
        case (_, "observe"):
            desk.venue.observe([symbol], [], desk.deadline())
        case (_, "open"):
            desk.open_orders()
        case (_, "fills"):
            desk.fills(symbol=symbol)


def checked(desk: PaperDesk, placed: dict[str, Order]) -> list[Fill]:
    """Read the account and compare it with the fills it lists; returns those."""
    fills = list(desk.venue.fills_since(SYMBOL, 0, desk.deadline()))
    kept = desk.kept()
    expected: dict[Asset, Decimal] = dict(OPENING)
    for fill in fills:
        assert fill.fee is not None
        expected[PAXG] += fill.side.sign * fill.size_base
        expected[USDT] -= fill.side.sign * fill.notional_quote
        expected[fill.fee.asset] -= fill.fee.amount
    assert kept.totals == expected
    balances = kept.balances()
    assert all(each.free >= ZERO and each.reserved >= ZERO for each in balances.values())
    assert balances[USDT].reserved == sum((each.notional_quote for each in bids(kept.open_orders())), ZERO)
    for order in placed.values():
        mine = [fill for fill in fills if fill.venue_order_id == order.venue_id]
        found = desk.venue.find_order(SYMBOL, order.venue_id, by_client_id=False, deadline=desk.deadline())
        assert found is not None
        assert found.executed_base == sum((fill.size_base for fill in mine), ZERO) <= order.size_base
        assert all(fill.price == order.price and fill.side is order.side and fill.is_maker for fill in mine)
    return fills


def bids(orders: tuple[Order, ...]) -> list[Order]:
    return [order for order in orders if order.side is Side.BUY]


@settings(deadline=None, max_examples=150)
@given(plan=steps, maker_bps=rates)
def test_balances_are_the_opening_plus_fills_less_fees(plan: list[Step], maker_bps: str) -> None:  # R17
    desk = paper_desk(maker_bps=maker_bps)
    placed: dict[str, Order] = {}
    ids: list[int] = []
    for step in plan:
        play(desk, step, placed)
        fills = checked(desk, placed)
        assert [int(fill.trade_id) for fill in fills][: len(ids)] == ids
        ids = [int(fill.trade_id) for fill in fills]
        assert ids == sorted(set(ids))


@settings(deadline=None, max_examples=100)
@given(plan=steps)
def test_orders_trade_no_more_than_the_market_did_and_showed(plan: list[Step]) -> None:
    desk = paper_desk()
    placed: dict[str, Order] = {}
    for step in plan:
        traded_before, fills_before = len(desk.market.trades[SYMBOL]), len(desk.fills())
        play(desk, step, placed)
        desk.open_orders()
        new = list(desk.venue.fills_since(SYMBOL, 0, desk.deadline()))[fills_before:]
        if step[0] == "trade":
            (trade,) = desk.market.trades[SYMBOL][traded_before:]
            assert sum((fill.size_base for fill in new), ZERO) <= trade.size_base
            assert all(fill.side is trade.taker_side.opposite for fill in new)
            assert all(fill.side.sign * (fill.price - trade.price) >= ZERO for fill in new)
        elif step[0] == "cancel":
            assert new == []


@settings(deadline=None, max_examples=60)
@given(plan=steps, maker_bps=rates)
def test_how_often_the_account_is_looked_at_changes_no_fill_by_trades(plan: list[Step], maker_bps: str) -> None:
    """Reads without a book in between only split what is listed as one trade; they move nothing."""
    eager, lazy = paper_desk(maker_bps=maker_bps), paper_desk(maker_bps=maker_bps)
    placed: dict[str, Order] = {}
    also: dict[str, Order] = {}
    for desk in (eager, lazy):
        desk.open_orders()
    for step in plan:
        play(eager, step, placed)
        eager.open_orders()
        if step[1] not in ("open", "fills"):
            play(lazy, step, also)
        else:
            lazy.clock.advance(700)
    eager.open_orders()
    lazy.open_orders()

    def summed(desk: PaperDesk) -> dict[str, Decimal]:
        total: dict[str, Decimal] = {}
        for fill in desk.venue.fills_since(SYMBOL, 0, desk.deadline()):
            total[fill.venue_order_id] = total.get(fill.venue_order_id, ZERO) + fill.size_base
        return total

    assert summed(eager) == summed(lazy)
    assert eager.kept().totals == lazy.kept().totals
    quiet = [replace(each, updated_us=0) for each in eager.kept().resting]
    assert quiet == [replace(each, updated_us=0) for each in lazy.kept().resting]


# Perpetuals


perp_steps = st.lists(
    st.one_of(
        st.tuples(st.just("quote"), books()),
        st.tuples(st.just("trade"), st.tuples(sides, prices, sizes)),
        st.tuples(st.just("place"), st.lists(st.tuples(sides, prices, sizes), min_size=1, max_size=3)),
        st.tuples(st.just("cancel"), st.integers(0, 5)),
        st.tuples(st.just("read"), st.sampled_from(["observe", "open", "fills"])),
        st.tuples(st.just("publish"), st.tuples(prices, st.integers(-50, 50))),
        st.tuples(st.just("wait"), st.integers(1, 5)),
    ),
    max_size=30,
)


def perpetual_desk(maker_bps: str) -> PaperDesk:
    """Return a desk of a perpetual alone, with collateral that no loss here eats up."""
    desk = paper_desk(instrument(symbol=PERP), maker_bps=maker_bps)
    desk.login = replace(desk.login, opening={USDT: PERP_OPENING})
    desk.venue = desk.another()
    told = FundingRate(symbol=PERP, rate=D("0.0001"), next_ms=SLOT_MS + HOUR_MS)
    desk.market.premium_of[PERP] = Premium(rate=told, mark_price=D(1900))
    return desk


def play_perpetual(desk: PaperDesk, step: Step, placed: dict[str, Order]) -> None:
    """Let one thing happen, or an hour pass, or the venue publish another mark and rate; look at all of it after."""
    match step:
        case ("publish", (Decimal() as mark, int() as rate)):
            next_ms = (desk.clock.now_ms() // HOUR_MS + 1) * HOUR_MS
            told = FundingRate(symbol=PERP, rate=D(rate) / 10_000, next_ms=next_ms)
            desk.market.premium_of[PERP] = Premium(rate=told, mark_price=mark)
        case ("wait", int() as hours):
            desk.clock.advance(hours * HOUR_MS)
        case _:
            play(desk, step, placed, PERP)
    desk.venue = desk.another()
    desk.venue.observe([PERP], [], desk.deadline())


@settings(deadline=None, max_examples=150)
@given(plan=perp_steps, maker_bps=rates)
def test_collateral_is_what_was_traded_paid_and_funded(plan: list[Step], maker_bps: str) -> None:  # R17, R22
    desk = perpetual_desk(maker_bps)
    placed: dict[str, Order] = {}
    for step in plan:
        play_perpetual(desk, step, placed)
        fills = list(desk.venue.fills_since(PERP, 0, desk.deadline()))
        funding = desk.venue.funding_since(PERP, 0, desk.deadline())
        kept = desk.kept()
        held = kept.positions.get(PERP, NOTHING_HELD)
        assert held.size_base == sum((fill.side.sign * fill.size_base for fill in fills), ZERO)
        assert len({each.time_ms for each in funding}) == len(funding)
        cash = PERP_OPENING - sum((fill.side.sign * fill.notional_quote for fill in fills), ZERO)
        cash -= sum((fill.fee.amount for fill in fills if fill.fee is not None), ZERO)
        cash += sum((each.amount_quote for each in funding), ZERO)
        assert abs(kept.totals[USDT] - held.cost_quote - cash) < D("1E-18")
