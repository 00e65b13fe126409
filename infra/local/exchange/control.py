"""The `/local` routes: the exchange's own state, faults, price jumps and keys."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from decimal import Decimal, DecimalException
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException

from infra.local.exchange import state
from infra.local.exchange.dialect import Login
from infra.local.exchange.listing import Json
from infra.local.exchange.venue import ROUTES, Venue
from marketmaker.simulation.faults import FAULT_KINDS, ArmedFault, Fault, Latency

type JsonBody = Annotated[Json, Body()]


def control_routes(venue: Venue) -> APIRouter:
    """Build the routes of one venue."""
    router = APIRouter(prefix="/local")

    @router.get("/state")
    async def show_state() -> Json:
        return state.describe(venue)

    @router.get("/faults")
    async def show_faults() -> Json:
        return state.describe_faults(venue.faults)

    @router.post("/faults")
    async def arm_fault(body: JsonBody) -> Json:
        armed = _allowed(parse_fault, body)
        venue.faults.arm(armed)
        return state.describe_fault(armed)

    @router.delete("/faults")
    async def clear_faults() -> Json:
        venue.faults.clear()
        return state.describe_faults(venue.faults)

    @router.post("/prices")
    async def jump_prices(body: JsonBody) -> Json:
        shift_bps = _allowed(parse_shift, body)
        venue.catch_up()
        engine = venue.listing.engine
        _allowed(lambda shift: engine.jump(shift, engine.now_us), shift_bps)
        return {"shift_bps": str(shift_bps), "factor": str(engine.feed.factor)}

    @router.post("/keys")
    async def change_key(body: JsonBody) -> Json:
        login = _allowed(parse_login, body)
        venue.change_login(login)
        return {"api_key": login.api_key, "withdrawals": login.may_withdraw}

    return router


def parse_fault(body: Json) -> ArmedFault:
    """Read a fault from JSON; whatever is unknown or out of range raises ValueError naming what is allowed."""
    name = body.get("fault")
    kind = FAULT_KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"fault {name!r}; allowed: {', '.join(FAULT_KINDS)}")
    own = {field.name: field for field in fields(kind)}
    _refuse_unknown(body, ("fault", "route", "count", *own))
    route, count = body.get("route"), body.get("count", None if kind is Latency else 1)
    if route is not None and route not in ROUTES:
        raise ValueError(f"route {route!r}; allowed: null or one of {', '.join(ROUTES)}")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool)):
        raise ValueError(f"count {count!r}; allowed: a whole number, or null until cleared")
    values: dict[str, Any] = {key: _value(key, body[key], own[key].type) for key in own if key in body}
    absent = [key for key in own if key not in values and own[key].default is MISSING]
    if absent:
        raise ValueError(f"{name} needs {', '.join(absent)}")
    fault: Fault = kind(**values)
    return ArmedFault(fault=fault, route=None if route is None else str(route), count=count)


def parse_shift(body: Json) -> Decimal:
    """Read a price jump from JSON: a number of basis points, or its text."""
    _refuse_unknown(body, ("shift_bps",))
    try:
        shift = Decimal(str(body.get("shift_bps")))
    except DecimalException as error:
        raise ValueError(f"shift_bps {body.get('shift_bps')!r}; allowed: a number of basis points") from error
    if not shift.is_finite():
        raise ValueError(f"shift_bps {shift}; allowed: a number of basis points")
    return shift


def parse_login(body: Json) -> Login:
    """Read the key to accept from JSON: its two texts, and whether it may withdraw."""
    _refuse_unknown(body, ("api_key", "api_secret", "withdrawals"))
    for name in ("api_key", "api_secret"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise ValueError(f"{name}; allowed: a text that is not empty")
    may_withdraw = body.get("withdrawals", False)
    if type(may_withdraw) is not bool:
        raise ValueError(f"withdrawals {may_withdraw!r}; allowed: true or false")
    return Login(api_key=str(body["api_key"]), api_secret=str(body["api_secret"]), may_withdraw=may_withdraw)


def _allowed[Value, Result](parse: Callable[[Value], Result], value: Value) -> Result:
    try:
        return parse(value)
    except ValueError as error:
        raise HTTPException(status_code=422, detail=str(error)) from error


def _refuse_unknown(body: Json, allowed: tuple[str, ...]) -> None:
    unknown = sorted(set(body) - set(allowed))
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)}; allowed: {', '.join(allowed)}")


def _value(name: str, value: object, kind: object) -> object:
    accepted = {int: (int,), float: (int, float), str: (str,)}
    for allowed, types in accepted.items():
        if kind is allowed and isinstance(value, types) and not isinstance(value, bool):
            return value
    raise ValueError(f"{name} {value!r}; allowed: {getattr(kind, '__name__', kind)}")
