"""Stop one account, with a venue key of its own."""

from typing import Any

from marketmaker.bootstrap.desks import account_desk, halt, invocation_deadline, plain_values, read_halt_requests


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own shapes
    """Halt the account for each request in the event and report what is verified; an alarm that ended asks nothing."""
    desk = account_desk("risk")
    deadline = invocation_deadline(desk, context.get_remaining_time_in_millis())
    reports = [halt(request, desk, deadline) for request in read_halt_requests(event, desk)]
    desk.telemetry.flush()
    return {"halt": plain_values(reports[-1].summary()) if reports else None}
