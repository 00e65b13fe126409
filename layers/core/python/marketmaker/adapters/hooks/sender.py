"""Writes notices to hooks."""

from marketmaker.adapters.hooks.answers import problem_of
from marketmaker.adapters.hooks.speech import request_of
from marketmaker.adapters.hooks.transport import post
from marketmaker.domain.hooks import HookKind, HookSecret
from marketmaker.errors import Refused, Retryable
from marketmaker.ports import Clock, Notice


class HttpHookSender:
    """Sends each notice once, signed by the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def send(self, kind: HookKind, secret: HookSecret, notice: Notice) -> None:
        """Deliver one notice.

        Raises:
            Retryable: no answer came, the hook is busy, or it was told too much in too short a time.
            Refused: the hook does not take it.
        """
        try:
            answer = post(request_of(kind, secret, notice, self._clock.now_ms()))
        except Retryable as error:
            raise Retryable(f"{kind} hook: {error}") from error
        problem = problem_of(kind, answer, secret)
        if problem is not None:
            text = f"{kind} hook: {problem.text}"
            raise Retryable(text) if problem.is_temporary else Refused(text)
