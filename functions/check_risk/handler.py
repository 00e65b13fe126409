"""Look at one account a second time, with a venue key of its own; fired by a schedule, once a minute."""

from typing import Any

from marketmaker.bootstrap.desks import account_desk, check_risk, halt_requests, invocation_deadline, plain_values


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own shapes
    """Check every limit of the account and answer those that broke; `event` does not matter."""
    desk = account_desk("risk")
    deadline = invocation_deadline(desk, context.get_remaining_time_in_millis())
    report = check_risk(desk, halt_requests(), deadline, owner=context.aws_request_id)
    desk.telemetry.flush()
    return {"risk": plain_values(report.summary())}
