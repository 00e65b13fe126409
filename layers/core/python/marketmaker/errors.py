"""What a caller does about a failure; every adapter translates its vendor's errors into these."""


class MarketMakerError(Exception):
    """Root of the product's own errors."""


class Retryable(MarketMakerError):
    """Nothing happened; leave it to the next tick."""


class Refused(MarketMakerError):
    """The request was understood and rejected; sending the same again will not help."""


class Unresolved(MarketMakerError):
    """The outcome is unknown; look it up, never resend it."""


class Fatal(MarketMakerError):
    """Nothing can work until a human acts: halt and alert."""


class AccountRefused(Fatal):
    """The venue refuses the login, or does not list one of its markets; every further request would be refused too."""


class StateUnreachable(Retryable):
    """The store did not answer; what it holds is unknown."""


class OrderGone(Refused):
    """The order named by a cancel or a lookup is not live: filled, cancelled or never accepted."""


class WouldTake(Refused):
    """A post-only order would have traded at once; expected in a moving market."""


class Conflict(MarketMakerError):
    """A conditional write lost against another writer; read again before deciding."""


class ConfigError(MarketMakerError):
    """A deployment file that cannot be used; names file, key path, value and what is allowed."""
