"""An operator stores venue keys and asks whether they are fit to run with."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from marketmaker.domain.keys import VenueKey
from marketmaker.errors import AccountRefused, Fatal, Refused, Retryable
from marketmaker.ports import Deadline, KeyPermissions, Unknown
from marketmaker.usecases.keys import (
    ACCEPTED,
    CANNOT_TRADE,
    SHARED,
    WITHDRAWS,
    KeyDesk,
    KeyReport,
    KeyVerdict,
    check_keys,
    set_key,
)
from tests.builders import ACCOUNT, PAXG, SLOT_MS, USDT, instrument
from tests.fakes.clock import ManualClock
from tests.fakes.keys import InMemoryKeys
from tests.fakes.venue import BALANCES, OPEN_ORDERS, FakeVenue

TRADE = VenueKey(api_key="trade-key", secret="trade-secret")
RISK = VenueKey(api_key="risk-key", secret="risk-secret")
GOOD = KeyPermissions(trades=True, withdraws=False, is_ip_bound=True)


@dataclass
class At:
    """A key desk whose venue answers each key in its own way."""

    keys: InMemoryKeys = field(default_factory=lambda: InMemoryKeys(trade=TRADE, risk=RISK))
    clock: ManualClock = field(default_factory=lambda: ManualClock(SLOT_MS))
    venues: dict[str, FakeVenue] = field(default_factory=dict)
    accepts_unverified: bool = False

    def venue(self, key: VenueKey) -> FakeVenue:
        if key.api_key not in self.venues:
            self.venues[key.api_key] = FakeVenue(self.clock, [instrument()], {PAXG: Decimal(5), USDT: Decimal(19_000)})
        return self.venues[key.api_key]

    @property
    def desk(self) -> KeyDesk:
        return KeyDesk(
            account=ACCOUNT,
            wants_password=False,
            keys=self.keys,
            venue_with=self.venue,
            clock=self.clock,
            accepts_unverified=self.accepts_unverified,
        )

    @property
    def deadline(self) -> Deadline:
        return Deadline(at_ms=self.clock.now_ms() + 10_000, clock=self.clock)

    def check(self) -> tuple[KeyReport, KeyReport]:
        trade, risk = check_keys(self.desk, self.deadline)
        assert (trade.purpose, risk.purpose) == ("trade", "risk")
        return trade, risk


def test_two_keys_that_the_venue_takes_and_that_cannot_withdraw_are_good() -> None:
    for report in At().check():
        assert report.verdict is KeyVerdict.GOOD
        assert report.is_accepted
        assert report.permissions == GOOD
        assert (report.clock_offset_ms, report.problems, report.doubts, report.notes) == (0, (), (), ())


def test_a_key_that_may_withdraw_is_bad_though_the_venue_takes_it() -> None:  # R26
    at = At()
    at.venue(TRADE).permissions = KeyPermissions(trades=True, withdraws=True, is_ip_bound=True)
    trade, risk = at.check()
    assert (trade.verdict, trade.problems, trade.is_accepted) == (KeyVerdict.BAD, (WITHDRAWS,), True)
    assert risk.verdict is KeyVerdict.GOOD


def test_a_key_that_may_not_trade_is_bad() -> None:
    at = At()
    at.venue(RISK).permissions = KeyPermissions(trades=False, withdraws=False, is_ip_bound=True)
    _, risk = at.check()
    assert (risk.verdict, risk.problems) == (KeyVerdict.BAD, (CANNOT_TRADE,))


def test_a_key_of_which_the_venue_cannot_tell_is_unproven_never_good() -> None:  # R7, R26
    at = At()
    at.venue(TRADE).permissions = Unknown(reason="no such route")
    trade, _ = at.check()
    assert trade.verdict is KeyVerdict.UNPROVEN
    assert trade.is_accepted
    (doubt,) = trade.doubts
    assert "cannot tell whether it may withdraw" in doubt
    assert "no such route" in doubt


def test_what_a_human_has_looked_up_is_no_doubt_but_a_note() -> None:  # R26
    at = At(accepts_unverified=True)
    at.venue(TRADE).permissions = Unknown(reason="no such route")
    trade, risk = at.check()
    assert (trade.verdict, trade.doubts, trade.notes) == (KeyVerdict.GOOD, (), (ACCEPTED,))
    assert risk.notes == ()
    at.venue(TRADE).permissions = KeyPermissions(trades=True, withdraws=True, is_ip_bound=True)
    assert at.check()[0].verdict is KeyVerdict.BAD


def test_a_refused_key_is_bad_and_says_what_to_look_at() -> None:  # R26
    at = At()
    at.venue(TRADE).faults.fail_always("observe", AccountRefused("Invalid API-key, IP, or permissions for action"))
    trade, risk = at.check()
    assert (trade.verdict, trade.is_accepted, trade.permissions) == (KeyVerdict.BAD, False, None)
    (problem,) = trade.problems
    assert problem.startswith("the venue refuses it: Invalid API-key")
    assert "IP addresses" in problem
    assert risk.verdict is KeyVerdict.GOOD


def test_a_key_refused_at_its_last_question_is_not_accepted() -> None:
    at = At()
    at.venue(TRADE).faults.fail_always("key_permissions", AccountRefused("revoked meanwhile"))
    trade, _ = at.check()
    assert (trade.verdict, trade.is_accepted) == (KeyVerdict.BAD, False)


@pytest.mark.parametrize("part", [OPEN_ORDERS, BALANCES])
def test_a_key_whose_signed_read_went_unanswered_is_unproven(part: str) -> None:  # R7
    at = At()
    at.venue(TRADE).faults.fail_always(part, Retryable("busy"))
    trade, _ = at.check()
    assert (trade.verdict, trade.is_accepted) == (KeyVerdict.UNPROVEN, False)
    assert trade.doubts == ("the venue did not answer a signed read: busy",)


def test_a_venue_that_is_down_proves_nothing() -> None:
    at = At()
    at.venue(TRADE).faults.fail_always("time_ms", Retryable("no route to host"))
    trade, _ = at.check()
    assert (trade.verdict, trade.is_accepted, trade.clock_offset_ms) == (KeyVerdict.UNPROVEN, False, None)
    assert trade.doubts == ("the venue could not be asked: no route to host",)


@pytest.mark.parametrize(("offset_ms", "is_told"), [(1_000, False), (-1_000, False), (1_001, True), (-1_001, True)])
def test_a_clock_that_is_off_by_more_than_a_second_is_told(offset_ms: int, *, is_told: bool) -> None:  # R8
    at = At()
    at.venue(TRADE).clock_offset_ms = offset_ms
    trade, _ = at.check()
    assert trade.clock_offset_ms == offset_ms
    assert trade.verdict is KeyVerdict.GOOD
    assert (trade.notes == ("this machine's clock is 1001 ms off the venue's",)) is is_told


def test_half_of_the_round_trip_is_allowed_for() -> None:
    at = At()
    venue = at.venue(TRADE)
    venue.clock_offset_ms = 200
    venue.faults.before("time_ms", lambda: at.clock.advance(400))
    trade, _ = at.check()
    assert trade.clock_offset_ms == 200 + 400 // 2  # the fake reads its clock at the end of the trip


def test_a_missing_secret_is_bad_and_one_that_could_not_be_read_unproven() -> None:
    at = At(keys=InMemoryKeys(trade=TRADE))
    _, risk = at.check()
    assert (risk.verdict, risk.problems, risk.is_accepted) == (KeyVerdict.BAD, ("secret risk does not exist",), False)
    at.keys.failures["risk"] = Retryable("throttled")
    _, risk = at.check()
    assert (risk.verdict, risk.doubts, risk.is_accepted) == (KeyVerdict.UNPROVEN, ("throttled",), False)
    assert at.check()[0].verdict is KeyVerdict.GOOD


def test_one_key_for_both_is_allowed_but_said() -> None:
    at = At(keys=InMemoryKeys(trade=TRADE, risk=TRADE))
    for report in at.check():
        assert (report.verdict, report.notes) == (KeyVerdict.GOOD, (SHARED,))


def test_a_summary_has_no_permission_where_nobody_could_tell() -> None:
    at = At()
    at.venue(RISK).permissions = Unknown(reason="no such route")
    trade, risk = (report.summary() for report in at.check())
    assert (trade["may_trade"], trade["may_withdraw"], trade["ip_bound"]) == (True, False, True)
    assert (risk["may_trade"], risk["may_withdraw"], risk["ip_bound"]) == (None, None, None)
    assert (trade["verdict"], risk["verdict"]) == ("good", "unproven")
    assert "secret" not in f"{trade} {risk}"


def test_a_key_is_kept_with_what_the_venue_says_of_it() -> None:
    at = At(keys=InMemoryKeys(risk=RISK))
    first = set_key(at.desk, "trade", TRADE, at.deadline)
    assert at.keys.kept["trade"] == TRADE
    assert (first.is_first, first.notes) == (True, ())
    assert first.report is not None
    assert first.report.verdict is KeyVerdict.GOOD
    second = VenueKey(api_key="second", secret="x")
    assert not set_key(at.desk, "trade", second, at.deadline).is_first
    assert at.keys.kept["trade"] == second


def test_a_key_that_may_withdraw_replaces_nothing() -> None:  # R26
    at = At()
    dangerous = VenueKey(api_key="dangerous", secret="x")
    at.venue(dangerous).permissions = KeyPermissions(trades=True, withdraws=True, is_ip_bound=True)
    with pytest.raises(Refused, match="IT MAY WITHDRAW"):
        set_key(at.desk, "trade", dangerous, at.deadline)
    assert at.keys.kept["trade"] == TRADE


def test_a_key_that_the_venue_refuses_from_here_is_kept_and_reported() -> None:
    at = At(keys=InMemoryKeys())
    at.venue(TRADE).faults.fail_always("observe", AccountRefused("this IP is not on the list"))
    kept = set_key(at.desk, "trade", TRADE, at.deadline)
    assert at.keys.kept["trade"] == TRADE
    assert kept.report is not None
    assert kept.report.verdict is KeyVerdict.BAD


def test_a_key_is_kept_without_asking_the_venue_where_that_is_not_wanted() -> None:
    at = At()
    kept = set_key(at.desk, "risk", VenueKey(api_key="new", secret="x"), None)
    assert kept.report is None
    assert at.venues == {}


def test_storing_the_other_purposes_key_is_allowed_but_said() -> None:
    at = At()
    assert set_key(at.desk, "risk", TRADE, None).notes == (SHARED,)
    at.keys.failures["trade"] = Fatal("not readable")
    assert set_key(at.desk, "risk", TRADE, None).notes == ()


def test_a_key_that_cannot_be_written_is_the_writers_error() -> None:
    at = At()
    at.keys.failures["risk"] = Fatal("access denied")
    with pytest.raises(Fatal, match="access denied"):
        set_key(at.desk, "risk", RISK, None)
