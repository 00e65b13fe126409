"""What a caller does about a failure; every adapter translates its vendor's errors into these."""


class MarketMakerError(Exception):
    """Root of the product's own errors."""


class Retryable(MarketMakerError):
    """Nothing happened; leave it to the next tick."""


class RateLimited(Retryable):
    """The venue's request limit, or our own share of it, allows nothing but cancels until a moment.

    A ban (`is_ban`) forbids those too, and grows with every request sent into it (R10).
    """

    def __init__(self, text: str, *, until_ms: int, is_ban: bool = False) -> None:
        super().__init__(text)
        self.until_ms = until_ms
        self.is_ban = is_ban


class Refused(MarketMakerError):
    """The request was understood and rejected; sending the same again will not help."""


class Unresolved(MarketMakerError):
    """The outcome is unknown; look it up, never resend it."""


class Fatal(MarketMakerError):
    """Nothing can work until a human acts: halt and alert."""


class AccountRefused(Fatal):
    """The venue refuses the login, or lists none of its markets; every further request would be refused too."""


class StateUnreachable(Retryable):
    """The store did not answer; what it holds is unknown."""


class OrderGone(Refused):
    """The order named by a cancel or a lookup is not live: filled, cancelled or never accepted."""


class WouldTake(Refused):
    """A post-only order would have traded at once; expected in a moving market."""


class OffGrid(Refused):
    """An order broke a rule of its market that we know otherwise; read the market's metadata anew (R18)."""


class MarketClosed(Refused):
    """The venue does not trade this market, for now or for good; its neighbours are not concerned (R30)."""


class Conflict(MarketMakerError):
    """A conditional write lost against another writer; read again before deciding."""


class LeaseLost(Conflict):
    """Another invocation works the account now, or nobody does: this one writes and creates nothing more (R25)."""


class ConfigError(MarketMakerError):
    """A deployment file that cannot be used; names file, key path, value and what is allowed."""
