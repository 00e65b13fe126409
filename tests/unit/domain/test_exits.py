"""Exits: when a holding must shrink, to what, how the order escalates, and what comes after (S9, P5, P6)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.exit_quotes import exit_quote
from marketmaker.domain.exits import (
    MAX_REPEATS,
    NO_EXIT,
    Exit,
    ExitCause,
    ExitState,
    ExitStyle,
    Marked,
    exit_side,
    follow_exit,
    open_size,
)
from marketmaker.domain.inventory import Inventory
from marketmaker.domain.models import NO_EXITS, CostBasis, ExitSettings, FallStop
from marketmaker.domain.orders import EXIT_LEVEL, Side
from marketmaker.domain.units import BPS, ZERO
from tests.builders import SLOT_MS, book, instrument, market_view

D = Decimal
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
FALL = ExitSettings(stop_loss=FallStop(fall_share=D("0.05"), basis=CostBasis.AVERAGE_COST, stop_share=D("0.5")))
OPEN = ExitSettings(stop_loss=FallStop(fall_share=D("0.05"), basis=CostBasis.DAY_OPEN, stop_share=D("0.5")))
AMOUNTS = ExitSettings(stop_loss=D(100), take_profit_quote=D(200))
GRID = instrument()


def held(base: str = "10", cost: str = "1900") -> Inventory:
    return Inventory(base=D(base), quote=D(10_000), cost_basis_quote=D(base) * D(cost))


def marked(price: str, inventory: Inventory | None = None, at_ms: int = SLOT_MS) -> Marked:
    return Marked(inventory=inventory or held(), price=D(price), now_ms=at_ms)


def follow(state: ExitState, at: Marked, settings: ExitSettings = FALL) -> ExitState:
    return follow_exit(state, at, settings, GRID)


# Stop loss of the spot guide (S9)


def test_half_is_sold_once_the_price_is_more_than_five_percent_below_the_average_cost() -> None:
    assert follow(NO_EXIT, marked("1805")) == NO_EXIT, "exactly 5 % is not more"
    state = follow(NO_EXIT, marked("1804.9"))
    assert state.current is not None
    assert (state.current.cause, state.current.target_base, state.stopped_at) == (
        ExitCause.STOP_LOSS,
        D(5),
        D("1804.9"),
    )
    assert state.current.reason == "the price fell 5.01% below 1900, 50% of the base is sold"


def test_it_is_armed_again_only_after_a_further_fall_of_five_percent() -> None:
    stopped = follow(follow(NO_EXIT, marked("1800")), marked("1800", held("5")))
    assert (stopped.current, stopped.stopped_at) == (None, D(1800))
    assert follow(stopped, marked("1710", held("5"))).current is None
    again = follow(stopped, marked("1709", held("5"))).current
    assert again is not None
    assert again.target_base == D("2.5")


def test_a_recovery_above_the_cost_arms_it_as_at_first() -> None:
    stopped = ExitState(stopped_at=D(1800))
    assert follow(stopped, marked("1899")) == stopped
    recovered = follow(stopped, marked("1900"))
    assert recovered.stopped_at is None
    assert follow(recovered, marked("1804")).current is not None


def test_a_fall_can_be_counted_from_the_open_of_the_utc_day() -> None:
    day_ms = SLOT_MS // DAY_MS * DAY_MS
    cheap = held(cost="1000")
    opened = follow(NO_EXIT, marked("2000", cheap, day_ms), OPEN)
    assert (opened.day_open, opened.current) == (D(2000), None)
    assert follow(opened, marked("1950", cheap, day_ms + HOUR_MS), OPEN) == opened
    assert follow(opened, marked("1899", cheap, day_ms + HOUR_MS), OPEN).current is not None
    tomorrow = follow(replace(opened, stopped_at=D(1899)), marked("1899", cheap, day_ms + DAY_MS), OPEN)
    assert (tomorrow.day_open, tomorrow.stopped_at, tomorrow.current) == (D(1899), None, None)


@pytest.mark.parametrize("base", ["0", "-10"])
def test_without_base_nothing_can_be_sold(base: str) -> None:
    assert follow(NO_EXIT, marked("1000", held(base))) == NO_EXIT


# Stop loss and take profit of the perpetual guide (P5, P6)


@pytest.mark.parametrize(
    ("base", "price", "cause"),
    [
        ("10", "1890", ExitCause.STOP_LOSS),
        ("10", "1890.1", None),
        ("-10", "1910", ExitCause.STOP_LOSS),
        ("10", "1920", ExitCause.TAKE_PROFIT),
        ("10", "1919.9", None),
        ("-10", "1880", ExitCause.TAKE_PROFIT),
        ("0", "1000", None),
    ],
)
def test_a_gain_or_loss_that_is_not_realised_closes_the_position(
    base: str, price: str, cause: ExitCause | None
) -> None:
    current = follow(NO_EXIT, marked(price, held(base)), AMOUNTS).current
    assert (None if current is None else (current.cause, current.target_base)) == (
        None if cause is None else (cause, ZERO)
    )


def test_without_rules_no_loss_closes_anything() -> None:  # P6
    assert follow(NO_EXIT, marked("1"), NO_EXITS) == NO_EXIT
    assert not NO_EXITS.has_rules
    assert AMOUNTS.has_rules
    assert ExitSettings(take_profit_quote=D(1)).has_rules


# An exit under way


def test_an_exit_escalates_attempt_by_attempt_until_its_target_is_reached() -> None:
    state, styles = NO_EXIT, []
    for _ in range(4):
        state = follow(state, marked("1800"))
        assert state.current is not None
        styles.append(state.current.style)
    assert styles == [ExitStyle.LIMIT, ExitStyle.IMMEDIATE, ExitStyle.MARKET, ExitStyle.MARKET]
    assert follow(state, marked("1800", held("5"))).current is None


def test_an_exit_goes_on_when_the_price_has_come_back() -> None:
    begun = follow(NO_EXIT, marked("1800"))
    assert follow(begun, marked("1950")).current is not None


@pytest.mark.parametrize(
    ("base", "target", "size"),
    [
        ("10", "5", "5"),
        ("-10", "0", "10"),
        ("5", "5", "0"),
        ("4", "5", "0"),
        ("-1", "5", "0"),
        ("1", "-5", "0"),
        ("10", "9.99999", "0"),
        ("10", "9.9985", "0"),
    ],
)
def test_what_is_left_is_never_more_than_what_leads_to_the_target(base: str, target: str, size: str) -> None:
    current = Exit(cause=ExitCause.STOP_LOSS, started_ms=0, target_base=D(target), reason="")
    assert open_size(current, marked("1800", held(base)), GRID) == D(size)


def test_a_rule_that_finds_only_dust_ends_nothing_and_cools_nothing_down() -> None:
    state = follow(NO_EXIT, marked("1800", held("0.0001")))
    assert (state.current, state.resume_ms, state.ended_ms) == (None, 0, None)


def test_the_cool_down_doubles_while_exits_repeat_within_an_hour_and_the_fifth_is_one_too_many() -> None:
    flat, state, at_ms, waits = held("0"), NO_EXIT, SLOT_MS, []
    for _ in range(MAX_REPEATS + 2):
        assert not state.is_exhausted
        begun = follow(state, marked("1890", at_ms=at_ms), AMOUNTS)
        state = follow(begun, marked("1890", flat, at_ms), AMOUNTS)
        waits.append((state.resume_ms - at_ms) // MINUTE_MS)
        at_ms += HOUR_MS - 1
    assert waits == [5, 10, 20, 40, 80]
    assert state.is_exhausted
    calm = follow(state, marked("1890", at_ms=at_ms + 1), AMOUNTS)
    assert not follow(calm, marked("1890", flat, at_ms + 1), AMOUNTS).is_exhausted


# Its orders


@pytest.mark.parametrize(
    ("attempts", "sell", "buy"), [(1, "1799.00", "1801.00"), (2, "1790.01", "1810.00"), (3, "1781.01", "1819.01")]
)
def test_each_attempt_goes_further_from_the_live_touch_and_never_past_the_bound(
    attempts: int, sell: str, buy: str
) -> None:
    view = replace(
        market_view(),
        book=book(bids=[("1799", "1")], asks=[("1801", "1")]),
        available_base=D(10),
        available_quote=D(100_000),
    )
    for base, price, side in (("10", sell, Side.SELL), ("-10", buy, Side.BUY)):
        current = Exit(cause=ExitCause.STOP_LOSS, started_ms=0, target_base=ZERO, reason="", attempts=attempts)
        quote = exit_quote(current, marked("1800", held(base)), view, GRID, D(100))
        assert quote is not None
        assert (quote.side, quote.price, quote.size_base, quote.level) == (side, D(price), D(10), EXIT_LEVEL)


@pytest.mark.parametrize(("usable", "size"), [("3.00004", "3"), ("0.0001", None), ("0.001", None)])
def test_what_others_reserve_is_not_sold(usable: str, size: str | None) -> None:
    view = replace(market_view(), available_base=D(usable))
    current = Exit(cause=ExitCause.STOP_LOSS, started_ms=0, target_base=ZERO, reason="", attempts=1)
    quote = exit_quote(current, marked("1900"), view, GRID, D(100))
    assert (None if quote is None else quote.size_base) == (None if size is None else D(size))


amounts = st.decimals("-20", "20", places=3)


@given(base=amounts, target=amounts, filled=st.decimals("0", "1", places=2), price=st.decimals("100", "3000", places=2))
def test_an_exit_never_trades_past_its_target_whatever_fills_of_it(
    base: Decimal, target: Decimal, filled: Decimal, price: Decimal
) -> None:
    current = Exit(cause=ExitCause.STOP_LOSS, started_ms=0, target_base=target, reason="", attempts=3)
    inventory = Inventory(base=base)
    at = Marked(inventory=inventory, price=price, now_ms=0)
    size = open_size(current, at, GRID)
    after = base + exit_side(current, inventory).sign * size * filled
    assert abs(after - target) <= abs(base - target)
    assert (after - target) * (base - target) >= ZERO
    assert abs(after) <= abs(base)


@given(bid=st.integers(100, 300_000), bps=st.decimals("0.1", "500", places=1), attempts=st.integers(1, 5))
def test_no_attempt_is_priced_past_its_bound(bid: int, bps: Decimal, attempts: int) -> None:
    best_bid, best_ask = D(bid) / 100, D(bid + 7) / 100
    view = replace(
        market_view(),
        book=book(bids=[(best_bid, "1")], asks=[(best_ask, "1")]),
        available_base=D(10**6),
        available_quote=D(10**12),
    )
    for base in (D(1000), D(-1000)):
        current = Exit(cause=ExitCause.STOP_LOSS, started_ms=0, target_base=ZERO, reason="", attempts=attempts)
        quote = exit_quote(current, Marked(inventory=Inventory(base=base), price=best_bid, now_ms=0), view, GRID, bps)
        assert quote is not None
        if quote.side is Side.SELL:
            assert best_bid * (1 - bps * BPS) <= quote.price <= best_bid
        else:
            assert best_ask <= quote.price <= best_ask * (1 + bps * BPS)
