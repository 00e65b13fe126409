"""A tap on every request that a process sends, to the venue or to the tables: each is a numbered point of the work.

A point is named by what is asked and how often it was asked before, not by its place in time: requests of one parallel
round have the same names in every run. A client id counts by its place (side, level, attempt) only, since the rest of
it is the slot.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

_TOLD = ("side", "orderId", "fromId", "limit")
_IDS = ("origClientOrderId",)
_PLACE = 3


class Phase(StrEnum):
    """Where a request is: not sent yet, sent and not answered, answered."""

    BEFORE = "before"
    ON_THE_WIRE = "on_the_wire"
    AFTER = "after"


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One request of a piece of work."""

    asked: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.asked} #{self.occurrence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A request as it goes over the wire, so that somebody else can deliver it."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


type Meet = Callable[[Point, Phase, Letter], None]
"""Called at each phase of each point, in the thread that sends."""


class Tap:
    """Numbers the points of this process, and calls `meet` at each of their phases."""

    def __init__(self, meet: Meet) -> None:
        self.points: list[Point] = []
        self._meet = meet
        self._asked: Counter[str] = Counter()
        self._lock = Lock()

    def clear(self) -> None:
        """Number from the start again."""
        self.points, self._asked = [], Counter()

    def open(self, patch: pytest.MonkeyPatch) -> None:
        """Let every request of this process pass through here."""
        send_to_venue, send_to_tables = HTTPAdapter.send, URLLib3Session.send

        def to_venue(adapter: HTTPAdapter, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
            letter = _venue_letter(request)
            return self._pass(_venue_point(letter), letter, lambda: send_to_venue(adapter, request, *args, **kwargs))

        def to_tables(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            letter = _tables_letter(request)
            return self._pass(_tables_point(letter), letter, lambda: send_to_tables(session, request))

        patch.setattr(HTTPAdapter, "send", to_venue)
        patch.setattr(URLLib3Session, "send", to_tables)

    def _pass[T](self, asked: str, letter: Letter, send: Callable[[], T]) -> T:
        with self._lock:
            self._asked[asked] += 1
            point = Point(asked, self._asked[asked])
            self.points.append(point)
        self._meet(point, Phase.BEFORE, letter)
        self._meet(point, Phase.ON_THE_WIRE, letter)
        answer = send()
        self._meet(point, Phase.AFTER, letter)
        return answer


def _venue_letter(request: PreparedRequest) -> Letter:
    body = request.body.encode() if isinstance(request.body, str) else request.body
    return Letter(
        method=str(request.method), url=str(request.url), headers=dict(cast("Any", request.headers)), body=body
    )


def _tables_letter(request: AWSPreparedRequest) -> Letter:
    sent = cast("Mapping[str, str | bytes]", request.headers)
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in sent.items()}
    return Letter(method=request.method, url=request.url, headers=headers, body=cast("bytes | None", request.body))


def _venue_point(letter: Letter) -> str:
    url = urlsplit(letter.url)
    sent = parse_qs(url.query) | parse_qs((letter.body or b"").decode())
    told = [f"{name}={sent[name][0]}" for name in _TOLD if name in sent]
    told += [f"{name}=…{sent[name][0][-_PLACE:]}" for name in _IDS if name in sent]
    return " ".join([f"{letter.method} {url.path}", *told])


def _tables_point(letter: Letter) -> str:
    operation = letter.headers["X-Amz-Target"].rpartition(".")[2]
    body = json.loads(letter.body or b"{}")
    named = body.get("Key") or body.get("Item") or {}
    key = named.get("item", {}).get("S") or named.get("row", {}).get("S")
    return " ".join(part for part in (operation, body.get("TableName"), key) if part)
