"""What survives between ticks: who may create, and from where trades are read again (R5, R15)."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.state import Mode, Restriction, TradeCursor
from marketmaker.domain.units import Symbol
from tests.builders import SYMBOL, control

OVERLAP_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One read of trades: how much later than the one before, and how many new trades it shows."""

    wait_ms: int
    new_trades: int


reads = st.lists(st.builds(Read, wait_ms=st.integers(0, 90_000), new_trades=st.integers(0, 5)), min_size=1, max_size=30)


def test_modes_grow_stronger_and_are_labelled_as_people_write_them() -> None:
    assert Mode.QUOTING < Mode.REDUCE_ONLY < Mode.CANCEL_ONLY < Mode.HALTED
    assert [mode.label for mode in Mode] == ["quoting", "reduce_only", "cancel_only", "halted"]


@pytest.mark.parametrize("mode", [Mode.REDUCE_ONLY, Mode.CANCEL_ONLY, Mode.HALTED])
def test_only_a_quoting_account_may_create(mode: Mode) -> None:  # R5
    assert control(mode=Mode.QUOTING, epoch=3).may_create(3)
    assert not control(mode=mode, epoch=3).may_create(3)


def test_a_halt_that_came_and_went_still_stops_the_tick_that_began_before_it() -> None:  # R5
    assert not control(mode=Mode.QUOTING, epoch=4).may_create(3)


def test_a_new_control_item_has_seen_nothing() -> None:
    fresh = control()
    assert (fresh.mode, fresh.lease, fresh.unreachable_ticks) == (Mode.QUOTING, None, 0)
    assert (dict(fresh.book_marks), dict(fresh.foreign), dict(fresh.differing)) == ({}, {}, {})
    assert (dict(fresh.restrictions), dict(fresh.peaks)) == ({}, {})


def test_a_market_may_do_what_both_account_and_restriction_allow() -> None:  # R5
    own = Restriction(mode=Mode.CANCEL_ONLY, reason="fair price is outside", since_ms=7)
    for mode, strongest in (
        (Mode.QUOTING, Mode.CANCEL_ONLY),
        (Mode.REDUCE_ONLY, Mode.CANCEL_ONLY),
        (Mode.CANCEL_ONLY, Mode.CANCEL_ONLY),
        (Mode.HALTED, Mode.HALTED),
    ):
        restricted = replace(control(mode=mode), restrictions={SYMBOL: own})
        assert restricted.mode_of(SYMBOL) is strongest
        assert restricted.mode_of(Symbol("BTC/USDT")) is mode


def test_what_stops_a_market_is_told_with_the_reason_of_the_stronger() -> None:
    own = Restriction(mode=Mode.CANCEL_ONLY, reason="fair price is outside", since_ms=7)
    restricted = replace(control(), restrictions={SYMBOL: own})
    assert restricted.limit_of(SYMBOL) == own
    halted = replace(restricted, mode=Mode.HALTED, mode_reason="drill", mode_since_ms=9)
    assert halted.limit_of(SYMBOL) == Restriction(mode=Mode.HALTED, reason="drill", since_ms=9)


def test_a_restricted_market_does_not_stop_the_creates_of_the_others() -> None:
    own = Restriction(mode=Mode.CANCEL_ONLY, reason="fair price is outside", since_ms=7)
    assert replace(control(epoch=4), restrictions={SYMBOL: own}).may_create(4)


@given(reads)
def test_trades_listed_within_the_overlap_are_always_read_again(history: list[Read]) -> None:  # R15
    cursor, now_ms, newest = TradeCursor(), 1_700_000_000_000, -1
    first_seen_ms: dict[int, int] = {}
    for read in history:
        now_ms += read.wait_ms
        for trade_id in range(newest + 1, newest + 1 + read.new_trades):
            first_seen_ms[trade_id] = now_ms
        newest += read.new_trades
        before = cursor
        cursor = cursor.after(newest if newest >= 0 else None, now_ms, OVERLAP_MS)
        assert before.reread_id <= cursor.reread_id <= cursor.next_id <= newest + 1
        assert cursor.read_ms == now_ms
        passed = [trade_id for trade_id in first_seen_ms if trade_id < cursor.reread_id]
        assert all(now_ms - first_seen_ms[trade_id] >= OVERLAP_MS for trade_id in passed)


@given(reads)
def test_trades_older_than_two_overlaps_are_not_read_for_ever(history: list[Read]) -> None:
    cursor, now_ms, newest = TradeCursor(), 1_700_000_000_000, -1
    for read in history:
        now_ms += read.wait_ms
        newest += read.new_trades
        cursor = cursor.after(newest if newest >= 0 else None, now_ms, OVERLAP_MS)
    for _ in range(2):
        now_ms += OVERLAP_MS
        cursor = cursor.after(newest if newest >= 0 else None, now_ms, OVERLAP_MS)
    assert cursor.reread_id == newest + 1


def test_reading_often_does_not_bring_the_re_read_point_closer_to_the_newest_trade() -> None:  # R15
    start = TradeCursor(next_id=10, reread_id=10, reread_since_ms=0, read_ms=0)
    late = start.after(99, 59_000, OVERLAP_MS).after(100, 60_000, OVERLAP_MS)
    assert late.reread_id == 10
    assert late.after(101, 120_000, OVERLAP_MS).reread_id == 101


def test_a_read_without_trades_never_moves_the_cursor_back() -> None:
    start = TradeCursor(next_id=10, reread_id=5, reread_since_ms=0, read_ms=0)
    assert start.after(None, 60_000, OVERLAP_MS) == TradeCursor(
        next_id=10, reread_id=10, reread_since_ms=60_000, read_ms=60_000
    )
    assert start.after(3, 60_000, OVERLAP_MS).next_id == 10
