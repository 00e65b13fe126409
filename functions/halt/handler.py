"""Stop one account, with a venue key of its own."""

from typing import Any

from marketmaker.bootstrap import Deadline, HaltRequest, account_desk, halt, plain_values


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own shapes
    """Halt the account and report what is verified; `event` says `reason` and `requested_by`."""
    desk = account_desk("risk")
    request = HaltRequest(account=desk.settings.name, reason=event["reason"], requested_by=event["requested_by"])
    at_ms = desk.clock.now_ms() + context.get_remaining_time_in_millis()
    report = halt(request, desk, Deadline(at_ms=at_ms, clock=desk.clock))
    desk.telemetry.flush()
    return {"halt": plain_values(report.summary())}
