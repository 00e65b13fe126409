"""What survives between ticks: who may create, and from where trades are read again (R5, R15)."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.state import ActiveSettings, Control, Lease, Mode, Restriction, TradeCursor
from marketmaker.domain.units import Symbol
from tests.builders import SYMBOL, control

OVERLAP_MS = 60_000
LEASE = Lease(owner="a", expires_ms=10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One read of trades: how much later than the one before, and how many new trades it shows."""

    wait_ms: int
    new_trades: int


reads = st.lists(st.builds(Read, wait_ms=st.integers(0, 90_000), new_trades=st.integers(0, 5)), min_size=1, max_size=30)


def test_modes_grow_stronger_and_are_labelled_as_people_write_them() -> None:
    assert Mode.QUOTING < Mode.REDUCE_ONLY < Mode.CANCEL_ONLY < Mode.HALTED
    assert [mode.label for mode in Mode] == ["quoting", "reduce_only", "cancel_only", "halted"]


@pytest.mark.parametrize("mode", [Mode.CANCEL_ONLY, Mode.HALTED])
def test_only_an_account_that_quotes_or_reduces_may_create(mode: Mode) -> None:  # R5
    assert control(mode=Mode.QUOTING, epoch=3, lease=LEASE).may_create(3, "a", 9_999)
    assert control(mode=Mode.REDUCE_ONLY, epoch=3, lease=LEASE).may_create(3, "a", 9_999)
    assert not control(mode=mode, epoch=3, lease=LEASE).may_create(3, "a", 9_999)


@pytest.mark.parametrize("lease", [None, Lease(owner="b", expires_ms=10_000), Lease(owner="a", expires_ms=9_999)])
def test_who_has_lost_the_lease_or_outlived_it_may_not_create(lease: Lease | None) -> None:  # R25
    assert not control(epoch=3, lease=lease).may_create(3, "a", 9_999)


def test_a_halt_that_came_and_went_still_stops_the_tick_that_began_before_it() -> None:  # R5
    assert not control(mode=Mode.QUOTING, epoch=4, lease=LEASE).may_create(3, "a", 9_999)


def test_a_new_control_item_has_seen_nothing() -> None:
    fresh = control()
    assert (fresh.mode, fresh.lease, fresh.unreachable_ticks) == (Mode.QUOTING, None, 0)
    assert (fresh.blocked_until_ms, fresh.is_banned) == (0, False)
    assert (fresh.deployed, fresh.settings) == (None, None)
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
    assert replace(control(epoch=4, lease=LEASE), restrictions={SYMBOL: own}).may_create(4, "a", 9_999)


def applied(version: str, *, base: str = "file", previous: str = "file") -> Control:
    active = ActiveSettings(version=version, base=base, previous=previous, since_ms=1, reason="narrower")
    return replace(control(), settings=active)


def test_deployed_file_rules_until_others_are_applied_over_it() -> None:  # R28
    assert control().applied_over("file") == ()
    assert applied("v1").applied_over("file") == ("v1",)


def test_newly_deployed_file_ends_what_was_applied_over_the_one_before() -> None:  # R28
    assert applied("v1").applied_over("newer file") == ()


def test_file_applied_over_itself_is_the_deployed_file_again() -> None:
    assert applied("file").applied_over("file") == ()


def test_what_was_in_force_before_is_the_second_choice_where_it_is_another() -> None:  # R28
    assert applied("v2", previous="v1").applied_over("file") == ("v2", "v1")
    assert applied("v2", previous="v2").applied_over("file") == ("v2",)


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
