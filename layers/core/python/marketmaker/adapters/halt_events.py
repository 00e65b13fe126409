"""What may ask for a halt: a direct invocation, a message on the halt topic, a CloudWatch alarm on it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from marketmaker.domain.units import AccountName, Symbol
from marketmaker.ports import HaltRequest


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of a request; without an account it is meant for all of them, without a symbol for all their markets."""

    reason: str
    requested_by: str = "unknown"
    account: str | None = None
    symbol: str | None = None


class _Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What CloudWatch publishes of an alarm, as far as it matters."""

    name: str = msgspec.field(name="AlarmName")
    state: str = msgspec.field(name="NewStateValue")
    reason: str = msgspec.field(name="NewStateReason", default="")

    @property
    def is_on(self) -> bool:
        """Tell whether the alarm began, rather than ended or lost its data."""
        return self.state == "ALARM"


class _Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One message as SNS hands it to a function."""

    message_id: str = msgspec.field(name="MessageId")
    message: str = msgspec.field(name="Message")


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    notification: _Notification = msgspec.field(name="Sns")


def read_halt_event(event: Mapping[str, Any], account: AccountName, symbols: Sequence[Symbol]) -> Sequence[HaltRequest]:
    """Read who wants this account halted, or a market of it.

    Every account hears the topic, so messages for other accounts and their markets are left out there; an alarm that
    ends wants nothing. A message that is no JSON halts too, with its text as the reason: somebody was in a hurry.

    Raises:
        ValueError: it is no halt, or a direct invocation for another account or a market that it does not work.
    """
    try:
        if "Records" not in event:
            return [_direct(account, symbols, msgspec.convert(event, _Request))]
        records = msgspec.convert(event["Records"], list[_Record])
        heard = [(record.notification, _read(record.notification.message)) for record in records]
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a halt: {error}") from error
    return [
        _request(account, content, delivery=notification.message_id)
        for notification, content in heard
        if content is not None and content.account in {None, account} and content.symbol in {None, *symbols}
    ]


def _direct(account: AccountName, symbols: Sequence[Symbol], content: _Request) -> HaltRequest:
    if content.account not in {None, account}:
        raise ValueError(f"account: {content.account!r} is not allowed: this function halts {account}")
    if content.symbol not in {None, *symbols}:
        raise ValueError(f"symbol: {content.symbol!r} is not allowed: one of {', '.join(symbols)}")
    return _request(account, content, delivery=None)


def _read(message: str) -> _Request | None:
    """Read a message of the halt topic; None for an alarm that is not one any more."""
    try:
        content = msgspec.json.decode(message)
    except msgspec.DecodeError:
        content = None
    if not isinstance(content, dict):
        return _Request(reason=message.strip() or "no reason given", requested_by="the halt topic")
    if "AlarmName" not in content:
        return msgspec.convert(content, _Request)
    alarm = msgspec.convert(content, _Alarm)
    return _Request(reason=f"alarm {alarm.name}: {alarm.reason}", requested_by="alarm") if alarm.is_on else None


def _request(account: AccountName, content: _Request, *, delivery: str | None) -> HaltRequest:
    return HaltRequest(
        account=account,
        reason=content.reason,
        requested_by=content.requested_by,
        delivery=delivery,
        symbol=None if content.symbol is None else Symbol(content.symbol),
    )
