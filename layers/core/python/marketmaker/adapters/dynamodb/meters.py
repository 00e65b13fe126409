"""What ticks counted of a market: the running hours as one text of the control item, the others in an item a day."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.failures import RawItem
from marketmaker.domain.metering import DAY_MS, HOUR_MS, Counts, Hour, Meter, Standing
from marketmaker.domain.units import Symbol, plain

_PREFIX = "hour"
"""An hour has an attribute of its own, named by its number in the day: writing it twice changes nothing."""


def meters_text(meters: Mapping[Symbol, Meter]) -> str:
    """Write running hours; two hundred bytes a market."""
    return _dump({symbol: _meter_values(meter) for symbol, meter in meters.items()})


def meters_from(text: str) -> dict[Symbol, Meter]:
    """Read running hours back; nothing of a text that another version wrote: counting starts anew."""
    try:
        return {Symbol(symbol): _meter_from(values) for symbol, values in json.loads(text or "{}").items()}
    except (ValueError, TypeError, KeyError, ArithmeticError):
        return {}


def hour_action(hour: Hour) -> Action:
    """Write an hour into the item of its day."""
    number = hour.start_ms % DAY_MS // HOUR_MS
    return Path(f"{_PREFIX}{number:02d}").set({"S": _dump(_hour_values(hour))})


def hours_from(raw: RawItem) -> Iterator[Hour]:
    """Read a day's item back."""
    for name in sorted(each for each in raw if each.startswith(_PREFIX)):
        yield _hour_from(json.loads(raw[name]["S"]))


def day_key(symbol: Symbol, time_ms: int) -> str:
    """Name the item of a moment's day."""
    return keys.compliance_key(symbol, time_ms - time_ms % DAY_MS)


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _hour_values(hour: Hour) -> dict[str, object]:
    """Write what was counted by its name; what another version counts besides, or not, is nothing of ours."""
    counts = {each.name: getattr(hour.counts, each.name) for each in fields(Counts)}
    told = {name: plain(value) if isinstance(value, Decimal) else value for name, value in counts.items() if value}
    return {"start_ms": hour.start_ms, "since_ms": hour.since_ms, **told}


def _hour_from(values: Mapping[str, Any]) -> Hour:
    told: dict[str, Any] = {
        each.name: Decimal(value) if isinstance(value, str) else value
        for each in fields(Counts)
        if (value := values.get(each.name)) is not None
    }
    return Hour(start_ms=values["start_ms"], since_ms=values["since_ms"], counts=Counts(**told))


def _meter_values(meter: Meter) -> list[object]:
    stood = meter.standing
    standing = None if stood is None else [plain(stood.spread_bps), plain(stood.depth_quote)]
    return [_hour_values(meter.hour), meter.seen_ms, standing]


def _meter_from(values: list[Any]) -> Meter:
    hour, seen_ms, stood = values
    standing = None if stood is None else Standing(spread_bps=Decimal(stood[0]), depth_quote=Decimal(stood[1]))
    return Meter(hour=_hour_from(hour), seen_ms=seen_ms, standing=standing)
