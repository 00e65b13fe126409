"""The next minute's ticks, from the wall clock (architecture, "The way through")."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.accounts import Clocks
from marketmaker.domain.units import AccountName
from marketmaker.errors import Fatal, MarketMakerError, Retryable
from marketmaker.ports import DelayedTick
from marketmaker.usecases.schedule_ticks import schedule_ticks
from tests.fakes.clock import ManualClock
from tests.fakes.sinks import RecordingTelemetry

MAIN, OTHER = AccountName("main"), AccountName("other")
NOON_MS = 1_795_348_800_000


class RecordingQueue:
    """Implements `TickQueue`; a test can make one account's queue fail."""

    def __init__(self) -> None:
        self.sent: dict[AccountName, Sequence[DelayedTick]] = {}
        self.failures: dict[AccountName, MarketMakerError] = {}

    def send(self, account: AccountName, ticks: Sequence[DelayedTick]) -> None:
        if account in self.failures:
            raise self.failures[account]
        self.sent[account] = ticks


def clocks(interval_ms: int = 5_000) -> Clocks:
    return Clocks(interval_ms=interval_ms, request_timeout_ms=2_000, request_ttl_ms=2_000, function_timeout_ms=8_000)


def test_a_run_within_a_minute_sends_the_whole_next_minute() -> None:
    queue = RecordingQueue()
    report = schedule_ticks({MAIN: clocks()}, queue, ManualClock(NOON_MS + 20_400), RecordingTelemetry())
    assert report.minute_ms == NOON_MS + 60_000
    assert report.sent == {MAIN: 12}
    assert [(tick.slot_ms - NOON_MS, tick.delay_s) for tick in queue.sent[MAIN]][:2] == [(60_000, 40), (65_000, 45)]
    assert [tick.slot_ms - NOON_MS for tick in queue.sent[MAIN]] == list(range(60_000, 120_000, 5_000))


def test_every_account_has_its_own_interval() -> None:
    queue = RecordingQueue()
    report = schedule_ticks(
        {MAIN: clocks(5_000), OTHER: clocks(20_000)}, queue, ManualClock(NOON_MS), RecordingTelemetry()
    )
    assert report.sent == {MAIN: 12, OTHER: 3}


@given(first=st.integers(0, 59_999), second=st.integers(0, 59_999))
def test_two_runs_in_one_minute_send_the_same_slots(first: int, second: int) -> None:  # C3
    sent = []
    for offset_ms in (first, second):
        queue = RecordingQueue()
        schedule_ticks({MAIN: clocks()}, queue, ManualClock(NOON_MS + offset_ms), RecordingTelemetry())
        sent.append([tick.slot_ms for tick in queue.sent[MAIN]])
    assert sent[0] == sent[1]


@given(offset_ms=st.integers(0, 59_999), interval_s=st.sampled_from([1, 2, 5, 10, 30, 60]))
def test_no_tick_arrives_before_its_slot_nor_a_second_after(offset_ms: int, interval_s: int) -> None:
    queue = RecordingQueue()
    clock = ManualClock(NOON_MS + offset_ms)
    schedule_ticks({MAIN: clocks(interval_s * 1000)}, queue, clock, RecordingTelemetry())
    for tick in queue.sent[MAIN]:
        assert 0 <= clock.now_ms() + tick.delay_s * 1000 - tick.slot_ms < 1000
        assert tick.delay_s <= 900


@pytest.mark.parametrize("error", [Retryable("3 of 10 not taken"), Fatal("no such queue")])
def test_one_accounts_broken_queue_fills_the_others_and_is_raised(error: MarketMakerError) -> None:
    queue = RecordingQueue()
    queue.failures[MAIN] = error
    telemetry = RecordingTelemetry()
    with pytest.raises(type(error)):
        schedule_ticks({MAIN: clocks(), OTHER: clocks()}, queue, ManualClock(NOON_MS), telemetry)
    assert list(queue.sent) == [OTHER]
    ((event, fields),) = telemetry.lines
    assert (event, fields["failures"], fields["sent"]) == ("schedule", [str(error)], {OTHER: 12})
    assert telemetry.counted == {"ticks_scheduled": 12}
