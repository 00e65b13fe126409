"""How much of its time on the market an account stood on both sides (R35, S8)."""


class Presence:
    """Time-weighted two-sided presence since the first accepted order; moments must not go back."""

    def __init__(self) -> None:
        self._since_us: int | None = None
        self._marked_us = 0
        self._was_two_sided = False
        self._two_sided_us = 0

    def mark(self, time_us: int, *, is_two_sided: bool) -> None:
        """Record what stands from this moment on; the first call starts the measurement."""
        if self._since_us is None:
            self._since_us = time_us
        self._two_sided_us = self.two_sided_us(time_us)
        self._marked_us, self._was_two_sided = time_us, is_two_sided

    def two_sided_us(self, now_us: int) -> int:
        """Return the time with at least one bid and one ask up to now."""
        return self._two_sided_us + (now_us - self._marked_us if self._was_two_sided else 0)

    def quoting_us(self, now_us: int) -> int:
        """Return the time since the first accepted order."""
        return 0 if self._since_us is None else now_us - self._since_us
