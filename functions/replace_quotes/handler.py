"""Work the ticks of one account: each message of its tick queue is one tick."""

from typing import Any

from marketmaker.bootstrap.desks import account_desk, plain_values, read_tick, replace_quotes


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own shapes
    """Replace quotes for each tick in an SQS event; every tick that is understood returns normally."""
    desk = account_desk("trade")
    ticks = [read_tick(record["body"], desk) for record in event["Records"]]
    reports = [replace_quotes(tick, desk, owner=context.aws_request_id) for tick in ticks]
    desk.telemetry.flush()
    return {"ticks": [plain_values(report.summary()) for report in reports]}
