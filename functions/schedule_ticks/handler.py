"""Put the next minute's ticks of every account into its queue; fired by a schedule, once a minute."""

from typing import Any

from marketmaker.bootstrap.ticks import plain_values, tick_scheduler


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own shapes
    """Send the slots of the next whole minute, counted from the wall clock; `event` does not matter."""
    return {"schedule": plain_values(tick_scheduler()())}
