"""How much of the venue's request limit is left; what is not goes nowhere (R10).

A venue counts the requests of an address, whoever sends them, and some tell the count with each answer. There reads and
creates stop below the limit: the rest of the minute belongs to cancels, and to the list that a halt cancels by.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf

from marketmaker.adapters.ccxt_venue.capabilities import (
    BANNED,
    DEFAULT_BLOCK_S,
    TOO_MANY_REQUESTS,
)
from marketmaker.errors import RateLimited
from marketmaker.ports import Clock, RateLimit

_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and headers of an answer."""

    status: int
    headers: Mapping[str, str]


class Need(Enum):
    """What a request is for: the share of a minute's weight up to which it may be sent."""

    QUOTE = 0.85
    SWEEP = 0.99
    CANCEL = inf


class RateBudget:
    """Shared by a login's threads. Minutes are those of our clock.

    Of a venue without a `used_header` nothing is known before it refuses: no share is counted, since others may use the
    same address.
    """

    def __init__(self, clock: Clock, weight_a_minute: int, used_header: str | None) -> None:
        self._clock = clock
        self._weight_a_minute = weight_a_minute
        self._used_header = used_header
        self._lock = threading.Lock()
        self._blocked_until_ms = 0
        self._banned_until_ms = 0
        self._minute = 0
        self._used_weight = 0

    def check(self, need: Need) -> None:
        """Let a request pass: a cancel unless we are banned, any other unless we are blocked or its share is used up.

        Raises:
            RateLimited: it must not be sent now.
        """
        now_ms = self._clock.now_ms()
        with self._lock:
            if now_ms < self._banned_until_ms:
                raise self._refusal("the venue has banned this address", self._banned_until_ms, is_ban=True)
            if need is Need.CANCEL:
                return
            if now_ms < self._blocked_until_ms:
                raise self._refusal("the venue refuses more requests", self._blocked_until_ms)
            share = self._used_share(now_ms)
            if share > need.value:
                until_ms = (now_ms // _MINUTE_MS + 1) * _MINUTE_MS
                raise self._refusal(f"{share:.0%} of this minute's weight is used, the rest is for cancels", until_ms)

    def note(self, answer: Answer | None, sent_ms: int) -> None:
        """Learn the used weight from an answer; from one that came in another minute than it was sent, nothing."""
        now_ms = self._clock.now_ms()
        used = "" if answer is None or self._used_header is None else answer.headers.get(self._used_header, "")
        if not used.isdecimal() or sent_ms // _MINUTE_MS != now_ms // _MINUTE_MS:
            return
        with self._lock:
            minute = now_ms // _MINUTE_MS
            self._used_weight = max(self._used_weight, int(used)) if minute == self._minute else int(used)
            self._minute = minute

    def refused(self, answer: Answer | None, reason: str) -> RateLimited:
        """Learn from a refusal for too many requests until when to wait, and return the error that says so."""
        is_ban = answer is not None and answer.status == BANNED
        wait_s = DEFAULT_BLOCK_S[BANNED if is_ban else TOO_MANY_REQUESTS]
        stated = "" if answer is None else answer.headers.get("Retry-After", "")
        if stated.isdecimal():
            wait_s = int(stated)
        until_ms = self._clock.now_ms() + 1000 * wait_s
        self.block_until(until_ms, is_ban=is_ban)
        return self._refusal(reason, until_ms, is_ban=is_ban)

    def block_until(self, until_ms: int, *, is_ban: bool) -> None:
        """Block until a moment; an earlier one shortens nothing."""
        with self._lock:
            if is_ban:
                self._banned_until_ms = max(self._banned_until_ms, until_ms)
            else:
                self._blocked_until_ms = max(self._blocked_until_ms, until_ms)

    def rate_limit(self) -> RateLimit:
        """Tell what is known now."""
        now_ms = self._clock.now_ms()
        with self._lock:
            until_ms = max(self._blocked_until_ms, self._banned_until_ms)
            return RateLimit(
                blocked_until_ms=until_ms if now_ms < until_ms else 0,
                is_ban=now_ms < self._banned_until_ms,
                used_share=self._used_share(now_ms),
            )

    def _used_share(self, now_ms: int) -> float:
        return self._used_weight / self._weight_a_minute if now_ms // _MINUTE_MS == self._minute else 0.0

    def _refusal(self, reason: str, until_ms: int, *, is_ban: bool = False) -> RateLimited:
        wait_s = -(-max(0, until_ms - self._clock.now_ms()) // 1000)
        return RateLimited(f"{reason}; no request before {wait_s} s have passed", until_ms=until_ms, is_ban=is_ban)
