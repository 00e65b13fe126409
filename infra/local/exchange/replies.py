"""What goes back to the client, and the faults of the way there and back."""

import json
from dataclasses import dataclass, field, replace
from decimal import Decimal, DecimalException
from typing import Any, assert_never

from infra.local.exchange.dialect import ApiError, Dialect
from infra.local.exchange.market import Answer
from marketmaker.simulation.faults import (
    EmptyReply,
    Maintenance,
    MalformedReply,
    RefusalFault,
    ReplyFault,
    ServerError,
    TooManyRequests,
    TruncatedReply,
    WrongType,
    WrongTypes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back to the client."""

    status: int
    content: str
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A reply and the seconds it is late; no reply means that the connection ends without one, or is reset."""

    reply: Reply | None
    delay_s: float = 0.0
    is_reset: bool = False


def answered(answer: Answer) -> Reply:
    """Write an answer down; none is an empty body."""
    return Reply(status=200, content="" if answer is None else _written(answer))


def refused(dialect: Dialect[Any, Any], error: ApiError) -> Reply:
    """Write a refusal down."""
    return Reply(
        status=error.status,
        content=_written(dialect.body_of(error)),
        headers=dict(error.headers),
    )


def refused_at_the_door(dialect: Dialect[Any, Any], fault: RefusalFault, now_ms: int) -> Reply:
    """Write down what answers in the venue's place."""
    match fault:
        case ServerError():
            return Reply(status=fault.status, content="Service unavailable.", media_type="text/plain")
        case TooManyRequests():
            return refused(dialect, dialect.too_many_requests(fault.status, fault.retry_after_s, now_ms))
        case Maintenance():
            return refused(dialect, dialect.maintenance())
        case _:
            assert_never(fault)


def spoiled(reply: Reply, fault: ReplyFault) -> Reply:
    """Return what arrives of a true reply."""
    match fault:
        case MalformedReply() | EmptyReply():
            return replace(reply, status=200, content=fault.body)
        case TruncatedReply():
            kept = int(len(reply.content) * fault.kept_share)
            return replace(reply, status=200, content=reply.content[:kept])
        case WrongTypes():
            answer = _mistyped(json.loads(reply.content or "null"), fault, is_meant=fault.key is None)
            return replace(reply, content=_written(answer))
        case _:
            assert_never(fault)


def _mistyped(value: object, fault: WrongTypes, *, is_meant: bool) -> object:
    if isinstance(value, dict):
        return {key: _mistyped(each, fault, is_meant=is_meant or key == fault.key) for key, each in value.items()}
    if isinstance(value, list):
        return [_mistyped(each, fault, is_meant=is_meant) for each in value]
    return _wrong(value, fault.to) if is_meant else value


def _wrong(value: object, to: WrongType) -> object:
    match to:
        case WrongType.NULL:
            return None
        case WrongType.TEXT:
            return "wrong"
        case WrongType.NUMBER:
            return _number(value)
        case WrongType.LIST:
            return [value]
        case _:
            assert_never(to)


def _number(value: object) -> float:
    try:
        number = Decimal(str(value))
    except DecimalException:
        return 0
    if not number.is_finite():
        return 0
    return int(number) if number == int(number) else float(number)


def _written(body: object) -> str:
    return json.dumps(body, separators=(",", ":"))
