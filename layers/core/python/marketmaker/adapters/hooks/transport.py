"""One POST to a hook, of whose address no error and no log line shows more than the kind of failure."""

import http.client
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import requests
import urllib3

from marketmaker.errors import Retryable

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 6.0
_MOST_READ = 16 * 1024
_FAILURES = (OSError, ValueError, urllib3.exceptions.HTTPError, http.client.HTTPException)
"""What sending raises; the texts of all of them may hold the address."""
TALKATIVE = tuple(
    f"urllib3.{each}" for each in ("connection", "connectionpool", "poolmanager", "response", "util.retry")
)
"""Loggers that write addresses, one of them as a warning: of an answer with a broken header."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HookRequest:
    """What is sent."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HookAnswer:
    """What came back, its text cut; it may repeat what was sent."""

    status: int
    text: str
    retry_after: str | None


def post(request: HookRequest) -> HookAnswer:
    """Send a request once, follow no redirect, and read a little of the answer.

    Raises:
        Retryable: no whole answer came; whether the message arrived is unknown, and sending it again is harmless.
    """
    for name in TALKATIVE:
        logging.getLogger(name).disabled = True
    try:
        return _post(request)
    except _FAILURES as error:
        failure = type(error).__name__
    # Raised outside the handler: as its context, the error would carry the address.
    raise Retryable(f"no answer: {failure}")


def _post(request: HookRequest) -> HookAnswer:
    with requests.Session() as session:
        session.trust_env = False  # no .netrc, no proxy: the address goes to the receiver alone
        with session.post(
            request.url,
            data=request.body,
            headers={"user-agent": "marketmaker", "accept-encoding": "identity", **request.headers},
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,
            stream=True,
        ) as response:
            text = response.raw.read(_MOST_READ).decode("utf-8", errors="replace")
            return HookAnswer(status=response.status_code, text=text, retry_after=response.headers.get("retry-after"))
