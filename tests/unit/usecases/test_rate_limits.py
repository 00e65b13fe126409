"""What the venue said about its request limit outlives the invocation, and a ban halts the account (R10)."""

from marketmaker.domain.state import Mode
from marketmaker.errors import Retryable
from marketmaker.ports import HaltRequest
from marketmaker.usecases.halt import halt
from marketmaker.usecases.reports import TickOutcome
from marketmaker.usecases.risk_report import RiskOutcome
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import FakeVenue

BLOCK_MS, INTERVAL_MS = 60_000, 5_000


def blocked(*, is_ban: bool = False) -> Bench:
    """Quote, then let the venue refuse more requests for a minute in the midst of the next tick."""
    at = bench()
    at.tick()
    until_ms = at.clock.now_ms() + INTERVAL_MS + BLOCK_MS
    at.venue.faults.before("observe", lambda: at.venue.block_until(until_ms, is_ban=is_ban))
    at.tick()
    return at


def another_process(at: Bench) -> None:
    """Forget what only this process knew."""
    at.venue.limit = type(at.venue.limit)()


def asked(venue: FakeVenue) -> int:
    return sum(each not in {"block_until", "knows"} for each in venue.methods())


def test_a_block_outlives_the_invocation_that_was_told_of_it() -> None:  # R10
    at = blocked()
    another_process(at)
    before = asked(at.venue)
    report = at.tick()
    assert report.outcome is TickOutcome.RATE_LIMITED
    assert report.detail.startswith("the venue refuses more requests until ")
    assert asked(at.venue) == before
    assert at.control.blocked_until_ms == at.venue.limit.blocked_until_ms > 0


def test_quoting_goes_on_by_itself_once_the_block_is_over() -> None:  # R10
    at = blocked()
    report = at.tick(BLOCK_MS // INTERVAL_MS)
    assert report.outcome is TickOutcome.DONE
    assert at.control.blocked_until_ms <= at.clock.now_ms()
    assert at.control.mode is Mode.QUOTING


def test_a_block_that_lasts_is_told_once() -> None:  # R10
    at = blocked()
    at.tick(6)
    assert at.alerts.kinds() == ["venue_unreachable"]
    at.tick(BLOCK_MS // INTERVAL_MS)
    assert at.alerts.kinds() == ["venue_unreachable", "venue_unreachable"]


def test_a_block_lets_the_heart_miss_its_beat() -> None:
    at = blocked()
    assert at.tick().counts()["heartbeat"] == 0


def test_a_ban_halts_the_account_and_says_what_to_do() -> None:  # R10
    at = blocked(is_ban=True)
    assert at.control.mode is Mode.HALTED
    assert at.control.mode_reason.startswith("the venue has banned our address for too many requests, until ")
    (alert,) = at.alerts.sent
    assert alert.kind == "venue_banned"
    assert "cancel them by hand from elsewhere" in alert.text
    assert at.control.is_banned


def test_a_ban_that_is_known_is_not_halted_for_again() -> None:
    at = blocked(is_ban=True)
    at.store.resume(at.account, reason="drill", now_ms=at.clock.now_ms())
    assert at.tick().detail.startswith("the venue banned this address until ")
    assert at.control.mode is Mode.QUOTING
    assert at.alerts.kinds() == ["venue_banned"]


def test_a_ban_is_over_with_the_first_tick_after_it() -> None:
    at = blocked(is_ban=True)
    at.store.resume(at.account, reason="drill", now_ms=at.clock.now_ms())
    assert at.tick(BLOCK_MS // INTERVAL_MS).outcome is TickOutcome.DONE
    assert at.alerts.kinds().count("venue_banned") == 2
    assert at.control.mode is Mode.QUOTING


def test_a_ban_after_the_last_one_halts_again() -> None:  # R10
    at = blocked(is_ban=True)
    at.store.resume(at.account, reason="drill", now_ms=at.clock.now_ms())
    at.tick(BLOCK_MS // INTERVAL_MS)
    ban(at)
    at.tick()
    assert at.control.mode is Mode.HALTED


# --- what the functions of an account tell each other ---------------------------------------------------------------


def ban(at: Bench, *, call: str = "observe", is_ban: bool = True) -> int:
    """Let the venue refuse more in the midst of the next call; returns until when."""
    until_ms = at.clock.now_ms() + BLOCK_MS
    at.venue.faults.before(call, lambda: at.venue.block_until(until_ms, is_ban=is_ban))
    return until_ms


def test_a_check_heeds_what_a_tick_was_told() -> None:  # R10
    at = blocked()
    another_process(at)
    before = len(at.venue.calls)
    at.check()
    assert [each.method for each in at.venue.calls[before:]][:1] == ["block_until"]
    assert at.venue.limit.blocked_until_ms == at.control.blocked_until_ms


def test_a_check_that_was_told_tells_the_ticks() -> None:  # R10
    at = bench()
    at.tick()
    until_ms = ban(at, is_ban=False)
    at.check()
    assert (at.control.blocked_until_ms, at.control.mode) == (until_ms, Mode.QUOTING)
    another_process(at)
    assert at.tick().outcome is TickOutcome.RATE_LIMITED


def test_a_ban_that_a_check_meets_halts() -> None:  # R10
    at = bench()
    at.tick()
    ban(at)
    at.check()
    assert (at.control.mode, at.control.is_banned) == (Mode.HALTED, True)
    assert at.alerts.kinds() == ["venue_banned"]


def test_a_known_ban_is_not_halted_for_again_by_a_check() -> None:
    at = blocked(is_ban=True)
    at.store.resume(at.account, reason="drill", now_ms=at.clock.now_ms())
    at.check()
    assert at.control.mode is Mode.QUOTING


def test_a_check_looks_though_the_state_does_not_tell() -> None:  # R34
    at = bench()
    at.tick()
    at.store.faults.fail_once("read_control", Retryable("DynamoDB is down"))
    assert at.check().outcome is RiskOutcome.DONE


def test_a_block_that_cannot_be_noted_is_a_problem_and_no_failure() -> None:
    at = bench()
    at.tick()
    ban(at, is_ban=False)
    at.store.faults.fail_once("note_block", Retryable("DynamoDB is down"))
    assert at.check().problems == ("the venue's limit could not be noted: DynamoDB is down",)


def test_a_halt_that_was_told_tells_the_others() -> None:  # R10
    at = bench()
    at.tick()
    until_ms = ban(at, call="open_orders", is_ban=False)
    report = halt(HaltRequest(account=at.account, reason="drill", requested_by="test"), at.desk, at.deadline(20_000))
    assert report.problems == ()
    assert at.control.blocked_until_ms == until_ms


def test_a_halt_says_that_it_could_not_tell_them() -> None:
    at = bench()
    at.tick()
    ban(at, call="open_orders", is_ban=False)
    at.store.faults.fail_once("note_block", Retryable("DynamoDB is down"))
    report = halt(HaltRequest(account=at.account, reason="drill", requested_by="test"), at.desk, at.deadline(20_000))
    assert report.problems == ("the venue's limit could not be noted: DynamoDB is down",)
