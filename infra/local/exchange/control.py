"""The `/local` routes: the exchange's own state, faults, price jumps and keys."""

from collections.abc import Callable
from decimal import Decimal, DecimalException
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException

from infra.local.exchange import state
from infra.local.exchange.arming import parse_fault, refuse_unknown
from infra.local.exchange.dialect import ApiLogin, Dialect
from infra.local.exchange.market import Json
from infra.local.exchange.perpetual import PerpetualListing
from infra.local.exchange.venue import Venue

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
        armed = _allowed(partial(parse_fault, venue.dialect), body)
        venue.arm(armed)
        return state.describe_fault(armed)

    @router.delete("/faults")
    async def clear_faults() -> Json:
        venue.clear_faults()
        return state.describe_faults(venue.faults)

    @router.post("/prices")
    async def jump_prices(body: JsonBody) -> Json:
        shift_bps = _allowed(parse_shift, body)
        venue.catch_up()
        engine = venue.listing.engine
        _allowed(lambda shift: engine.jump(shift, engine.now_us), shift_bps)
        return {"shift_bps": str(shift_bps), "factor": str(engine.feed.factor)}

    @router.post("/funding")
    async def change_funding(body: JsonBody) -> Json:
        rate = _allowed(partial(parse_amount, "rate"), body)
        venue.catch_up()
        _allowed(partial(setattr, _perpetual(venue).engine.funding, "rate"), rate)
        return {"rate": str(rate)}

    @router.post("/mark")
    async def feed_mark(body: JsonBody) -> Json:
        price = _allowed(partial(parse_amount, "price"), body)
        venue.catch_up()
        _allowed(_perpetual(venue).engine.feed_mark, price)
        return {"price": str(price)}

    @router.post("/keys")
    async def change_key(body: JsonBody) -> Json:
        login = _allowed(partial(parse_login, venue.dialect), body)
        venue.change_login(login)
        return {"api_key": login.api_key, "withdrawals": login.may_withdraw}

    return router


def parse_amount(name: str, body: Json) -> Decimal:
    """Read the one number of a JSON body, or its text."""
    refuse_unknown(body, (name,))
    try:
        amount = Decimal(str(body.get(name)))
    except DecimalException as error:
        raise ValueError(f"{name} {body.get(name)!r}; allowed: a number") from error
    if not amount.is_finite():
        raise ValueError(f"{name} {amount}; allowed: a number")
    return amount


def parse_shift(body: Json) -> Decimal:
    """Read a price jump from JSON: a number of basis points, or its text."""
    refuse_unknown(body, ("shift_bps",))
    try:
        shift = Decimal(str(body.get("shift_bps")))
    except DecimalException as error:
        raise ValueError(f"shift_bps {body.get('shift_bps')!r}; allowed: a number of basis points") from error
    if not shift.is_finite():
        raise ValueError(f"shift_bps {shift}; allowed: a number of basis points")
    return shift


def parse_login(dialect: Dialect[Any, Any], body: Json) -> ApiLogin[Any]:
    """Read the key to accept from JSON: its two texts, and whether it may withdraw."""
    refuse_unknown(body, ("api_key", "api_secret", "withdrawals"))
    for name in ("api_key", "api_secret"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise ValueError(f"{name}; allowed: a text that is not empty")
    may_withdraw = body.get("withdrawals", False)
    if type(may_withdraw) is not bool:
        raise ValueError(f"withdrawals {may_withdraw!r}; allowed: true or false")
    return dialect.login(str(body["api_key"]), str(body["api_secret"]), may_withdraw=may_withdraw)


def _perpetual(venue: Venue) -> PerpetualListing:
    if not isinstance(venue.listing, PerpetualListing):
        raise HTTPException(status_code=422, detail=f"{venue.dialect.name} trades no perpetuals")
    return venue.listing


def _allowed[Value, Result](parse: Callable[[Value], Result], value: Value) -> Result:
    try:
        return parse(value)
    except ValueError as error:
        raise HTTPException(status_code=422, detail=str(error)) from error
