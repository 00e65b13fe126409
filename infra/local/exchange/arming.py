"""Faults read from JSON: `{"fault": "latency", "delay_s": 0.5, "route": "GET /api/v3/depth", "count": 3}`."""

from dataclasses import MISSING, fields
from decimal import Decimal, DecimalException
from enum import StrEnum
from types import NoneType
from typing import Any, get_args

from infra.local.exchange.dialect import Dialect
from infra.local.exchange.market import Json
from marketmaker.simulation.faults import FAULT_KINDS, ArmedFault, Fault, default_count

_PLAIN: dict[object, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    Decimal: ((int, float, str), "a number or its text"),
    str: ((str,), "a text"),
    NoneType: ((NoneType,), "null"),
}
"""The types of fields: what JSON may bring for them, and how that is called."""


def parse_fault(dialect: Dialect[Any, Any], body: Json) -> ArmedFault:
    """Read a fault to arm; whatever is unknown or out of range raises ValueError naming what is allowed."""
    name = body.get("fault")
    kind = FAULT_KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"fault {name!r}; allowed: {', '.join(FAULT_KINDS)}")
    own = {field.name: field for field in fields(kind)}
    refuse_unknown(body, ("fault", "route", "count", *own, "after"))
    route = body.get("route")
    if route is not None and not (isinstance(route, str) and route in dialect.routes):
        raise ValueError(f"route {route!r}; allowed: null or one of {', '.join(dialect.routes)}")
    values: dict[str, Any] = {key: _value(key, body[key], own[key].type) for key in own if key in body}
    absent = [key for key in own if key not in values and own[key].default is MISSING]
    if absent:
        raise ValueError(f"{name} needs {', '.join(f'{key} ({_allowed(own[key].type)})' for key in absent)}")
    fault: Fault = kind(**values)
    return ArmedFault(
        fault=fault,
        route=route,
        parts=dialect.parts,
        count=_whole("count", body["count"], ", or null until cleared") if "count" in body else default_count(kind),
        after=_whole("after", body.get("after", 0)) or 0,
    )


def refuse_unknown(body: Json, allowed: tuple[str, ...]) -> None:
    """Refuse a body with a field that nobody reads."""
    unknown = sorted(set(body) - set(allowed))
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)}; allowed: {', '.join(allowed)}")


def _whole(name: str, value: object, besides: str = "") -> int | None:
    if (value is None and besides) or type(value) is int:
        return value
    raise ValueError(f"{name} {value!r}; allowed: a whole number{besides}")


def _value(name: str, value: object, hint: object) -> object:
    for kind in _kinds(hint):
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            if value in [choice.value for choice in kind]:
                return kind(value)
        elif type(value) in _PLAIN[kind][0]:
            return _money(name, value) if kind is Decimal else value
    raise ValueError(f"{name} {value!r}; allowed: {_allowed(hint)}")


def _money(name: str, value: object) -> Decimal:
    try:
        amount = Decimal(str(value))
    except DecimalException as error:
        raise ValueError(f"{name} {value!r}; allowed: {_allowed(Decimal)}") from error
    if not amount.is_finite():
        raise ValueError(f"{name} {value!r}; allowed: {_allowed(Decimal)}")
    return amount


def _allowed(hint: object) -> str:
    return " or ".join(map(_words, _kinds(hint)))


def _words(kind: object) -> str:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return ", ".join(choice.value for choice in kind)
    return _PLAIN[kind][1]


def _kinds(hint: object) -> tuple[object, ...]:
    return get_args(hint) or (hint,)
