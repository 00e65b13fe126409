"""Whether a hook took what it was told: a 200 alone says so for none of the robots."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, assert_never
from urllib.parse import unquote

from marketmaker.adapters.hooks.transport import HookAnswer
from marketmaker.domain.hooks import HookKind, HookSecret

_SHOWN = 200
_TELLING = 6
"""So many characters of a secret in a row are not shown."""
_TEMPORARY_CODES = frozenset({-1, 45009, 130101, 410100})
"""Busy, or too many messages a minute: WeCom's and DingTalk's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a hook did not take a message; a temporary one may be gone at the next attempt."""

    text: str
    is_temporary: bool


def problem_of(kind: HookKind, answer: HookAnswer, secret: HookSecret) -> Problem | None:
    """Judge an answer; None if the message was taken."""
    said = harmless(answer.text, secret)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = answer.retry_after if answer.retry_after and answer.retry_after.isdecimal() else None
        text = f"too many messages{f', again in {wait[:6]} s' if wait else ''}"
        return Problem(text=text, is_temporary=True)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(text=f"answered {answer.status}: {said}", is_temporary=True)
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return Problem(text=f"answered {answer.status}: a redirect, which is not followed", is_temporary=False)
    if not _is_taken(kind, answer):
        return Problem(text=f"answered {answer.status}: {said}", is_temporary=_code(answer) in _TEMPORARY_CODES)
    return None


def harmless(text: str, secret: HookSecret) -> str:
    """Return the start of an answer on one line, or none of it where it repeats a part of the secret.

    A robot's page of errors may well quote the address that was asked for.
    """
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    folded = {line.casefold(), unquote(line).casefold()}
    for hidden in secret.texts:
        for form in {hidden.casefold(), unquote(hidden).casefold()}:
            size = min(_TELLING, len(form))
            pieces = (form[start : start + size] for start in range(len(form) - size + 1))
            if any(piece in each for piece in pieces for each in folded):
                return "(a text that repeats the hook's secret; not shown)"
    return line[:_SHOWN] or "(nothing)"


def _is_taken(kind: HookKind, answer: HookAnswer) -> bool:
    match kind:
        case HookKind.DINGTALK | HookKind.WECOM:
            return answer.status == HTTPStatus.OK and _code(answer) == 0
        case HookKind.SLACK:
            return answer.status == HTTPStatus.OK and answer.text.strip() == "ok"
        case HookKind.TELEGRAM:
            return answer.status == HTTPStatus.OK and _object(answer).get("ok") is True
        case HookKind.WEBHOOK:
            return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
        case _:
            assert_never(kind)


def _code(answer: HookAnswer) -> int | None:
    code = _object(answer).get("errcode")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _object(answer: HookAnswer) -> Mapping[str, Any]:
    try:
        content = json.loads(answer.text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
