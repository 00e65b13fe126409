"""Look at one account a second time, with a venue key of its own; fired by a schedule, once a minute."""

from typing import Any

from marketmaker.bootstrap.desks import Deadline, account_desk, check_risk, halt_requests, plain_values


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own shapes
    """Check every limit of the account and answer those that broke; `event` does not matter."""
    desk = account_desk("risk")
    at_ms = desk.clock.now_ms() + context.get_remaining_time_in_millis()
    report = check_risk(desk, halt_requests(), Deadline(at_ms=at_ms, clock=desk.clock))
    desk.telemetry.flush()
    return {"risk": plain_values(report.summary())}
