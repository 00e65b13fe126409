"""A clock that moves only when it is told to."""


class ManualClock:
    """Implements `Clock`: sleeping is what makes time pass."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self.slept_s: list[float] = []

    def now_ms(self) -> int:
        """Return the time as it was last set."""
        return self._now_ms

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once, and remember how long."""
        self.slept_s.append(seconds)
        self.advance(round(seconds * 1000))

    def advance(self, by_ms: int) -> None:
        """Let time pass."""
        self._now_ms += by_ms

    def set(self, now_ms: int) -> None:
        """Move to a moment; time never runs backwards."""
        if now_ms < self._now_ms:
            raise ValueError(f"{now_ms} is before {self._now_ms}")
        self._now_ms = now_ms
