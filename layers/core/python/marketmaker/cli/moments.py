"""Moments as people write them on the command line."""

import re
from datetime import UTC, datetime

from marketmaker.bootstrap.terminal import ConfigError

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGO = re.compile(r"([0-9]{1,6})([smhd])")


def moment_ms(option: str, text: str, now_ms: int) -> int:
    """Read a moment: so long ago (90s, 30m, 24h, 7d), a day, or a time in ISO 8601; UTC where it names no zone.

    Raises:
        ConfigError: the option's text is none of these, or is still to come.
    """
    ago = _AGO.fullmatch(text)
    allowed = "so long ago (90s, 30m, 24h, 7d), a day (2026-11-01) or a time (2026-11-01T12:00:00Z)"
    if ago is not None:
        return max(0, now_ms - int(ago[1]) * _UNITS_MS[ago[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {text!r} is not allowed: {allowed}") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    moment_ms = int(moment.timestamp() * 1000)
    if moment_ms > now_ms:
        raise ConfigError(f"{option}: {text!r} is still to come; allowed: {allowed}")
    return moment_ms
