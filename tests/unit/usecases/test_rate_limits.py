"""What the venue said about its request limit outlives the invocation, and a ban halts the account (R10)."""

from marketmaker.domain.state import Mode
from marketmaker.usecases.reports import TickOutcome
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
    assert (at.control.blocked_until_ms, at.control.is_banned) == (0, False)
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
    assert not at.control.is_banned
