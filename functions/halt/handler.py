"""Stop one account, with a venue key of its own."""

from typing import Any

from marketmaker.bootstrap.desks import Deadline, account_desk, halt, plain_values, read_halt_requests


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own shapes
    """Halt the account for each request in the event and report what is verified; an alarm that ended asks nothing."""
    desk = account_desk("risk")
    at_ms = desk.clock.now_ms() + context.get_remaining_time_in_millis()
    reports = [
        halt(request, desk, Deadline(at_ms=at_ms, clock=desk.clock)) for request in read_halt_requests(event, desk)
    ]
    desk.telemetry.flush()
    return {"halt": plain_values(reports[-1].summary()) if reports else None}
