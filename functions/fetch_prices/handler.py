"""Keep klines, volumes and metadata of every market, and look round triangles; fired by a schedule, once a minute."""

from typing import Any

from marketmaker.bootstrap.prices import plain_values, price_fetcher


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own shapes
    """Fetch what the venues published since the last run; `event` does not matter."""
    fetch = price_fetcher()
    return {"prices": plain_values(fetch(context.get_remaining_time_in_millis()).summary())}
