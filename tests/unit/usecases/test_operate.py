"""An operator resumes an account."""

from marketmaker.domain.state import Mode
from marketmaker.errors import AccountRefused
from marketmaker.ports import Severity
from marketmaker.usecases.operate import ResumeRequest, resume
from marketmaker.usecases.reports import TickOutcome
from tests.builders import ACCOUNT
from tests.fakes.desk import bench

REQUEST = ResumeRequest(account=ACCOUNT, reason="drill over", requested_by="operator")


def test_resumed_account_quotes_at_the_next_tick() -> None:  # S11
    at = bench()
    at.store.strengthen(ACCOUNT, Mode.HALTED, reason="drill", now_ms=at.clock.now_ms())
    control = resume(REQUEST, at.desk)
    assert (control.mode, control.epoch, control.mode_reason) == (Mode.QUOTING, 2, "drill over (operator)")
    assert at.tick().outcome is TickOutcome.DONE
    assert len(at.venue.live()) == 2
    assert [(each.kind, each.severity) for each in at.alerts.sent] == [("resume", Severity.INFO)]
    assert at.telemetry.lines[0] == ("resume", {"account": ACCOUNT, "reason": "drill over (operator)", "epoch": 2})


def test_resume_after_a_refused_account_lets_the_next_refusal_alert_again() -> None:  # R26, R27
    at = bench()
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    at.tick()
    resume(REQUEST, at.desk)
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    at.tick()
    assert at.alerts.kinds() == ["account_refused", "resume", "account_refused"]
