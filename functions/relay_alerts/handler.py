"""Deliver alerts to one hook, a chat robot or a program; an error has Lambda try again, and keep what fails."""

from typing import Any

from marketmaker.bootstrap.hooks import alert_relay, plain_values


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own shapes
    """Deliver the messages of the event and report which."""
    report = alert_relay()(event)
    return {"relay": plain_values(report.summary())}
