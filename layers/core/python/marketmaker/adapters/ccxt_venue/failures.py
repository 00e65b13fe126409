"""ccxt's exceptions → what the caller does (see the table in each function); nothing of ccxt passes this module."""

import re

import ccxt
import requests

from marketmaker.errors import (
    AccountRefused,
    MarketClosed,
    MarketMakerError,
    OffGrid,
    OrderGone,
    Refused,
    Retryable,
    Unresolved,
    WouldTake,
)

NOT_EXECUTED = (ccxt.RateLimitExceeded, ccxt.DDoSProtection, ccxt.InvalidNonce, ccxt.OnMaintenance)
_OFF_GRID = re.compile(
    r"Filter failure: (PRICE_FILTER|LOT_SIZE|MIN_NOTIONAL|NOTIONAL)\b|-1111\b"
    r'|"code":\s*-(400[1-5]|401[34]|4023|4029|4030|4164)\b'
    r"|decimal too long|below the minimum order size|\bINVALID_QUANTITY\b"
)
"""The venues' words for an order that is off a grid or below a minimum: what its metadata tells."""
_CLOSED = re.compile(r'"code":\s*-(4108|4140|4141)\b')
"""Its codes for a perpetual that takes no orders now: before, at or after its settlement."""
_NO_MATTER_OF_THE_KEY = re.compile(r'"code":\s*-(4087|4202|4203|4205|4206|4400|4401|4403)\b')
"""Its codes for a limit on opening positions or on leverage, which ccxt calls a lack of permission.

What reduces a position is still taken then: an account that may do nothing else must not be halted.
"""


def read_failure(error: Exception) -> MarketMakerError:
    """Translate a failed read: refused accounts are fatal, an order not found is gone, all else waits for a tick."""
    if isinstance(error, MarketMakerError) and not isinstance(error, Unresolved):
        return error
    text = describe(error)
    if is_refused_key(error):
        return AccountRefused(text)
    if isinstance(error, ccxt.OrderNotFound):
        return OrderGone(text)
    if isinstance(error, ccxt.BadSymbol | ccxt.BadRequest | ccxt.ArgumentsRequired | ccxt.NotSupported):
        return Refused(text)
    return Retryable(text)


def write_failure(error: Exception) -> MarketMakerError:
    """Translate a failed create or cancel.

    | ccxt | meaning |
    |---|---|
    | rate limit, wrong clock, maintenance | certainly not executed: `Retryable` |
    | authentication, permission | `AccountRefused` |
    | order not found | `OrderGone` |
    | would match at once | `WouldTake` |
    | a filter that the metadata tells of | `OffGrid` |
    | market closed or not listed | `MarketClosed` |
    | any other answer of the venue | `Refused` |
    | timeout, broken connection, 5xx, odd body, a defect of ccxt's parsers | `Unresolved` |
    """
    if isinstance(error, MarketMakerError):
        return error
    text = describe(error)
    if isinstance(error, NOT_EXECUTED):
        return Retryable(text)
    if is_refused_key(error):
        return AccountRefused(text)
    if isinstance(error, ccxt.OrderNotFound):
        return OrderGone(text)
    if isinstance(error, ccxt.OrderImmediatelyFillable | ccxt.OrderNotFillable):
        return WouldTake(text)
    is_closed = isinstance(error, ccxt.ExchangeError) and _CLOSED.search(text)
    if is_closed or isinstance(error, ccxt.MarketClosed | ccxt.BadSymbol):
        return MarketClosed(text)
    if isinstance(error, ccxt.InvalidOrder | ccxt.BadRequest) and _OFF_GRID.search(text):
        return OffGrid(text)
    if isinstance(error, ccxt.ExchangeError) and not isinstance(error.__cause__, requests.exceptions.SSLError):
        return Refused(text)
    return Unresolved(text)


def is_wrong_clock(error: Exception) -> bool:
    """Tell whether the venue refused our timestamp (R8)."""
    return isinstance(error, ccxt.InvalidNonce)


def is_rate_limit(error: Exception) -> bool:
    """Tell whether the venue refused a request because there were too many."""
    return isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection)


def is_refused_key(error: Exception) -> bool:
    """Tell whether the venue refused the key or its signature: whatever was asked for certainly did not happen."""
    return isinstance(error, ccxt.AuthenticationError) and not _NO_MATTER_OF_THE_KEY.search(str(error))


def is_broken_connection(error: Exception) -> bool:
    """Tell whether a read may be sent again at once: the connection was gone, the venue was not slow."""
    return isinstance(error, ccxt.NetworkError) and not isinstance(
        error,
        ccxt.RequestTimeout | ccxt.RateLimitExceeded | ccxt.DDoSProtection | ccxt.OnMaintenance | ccxt.InvalidNonce,
    )


def describe(error: Exception) -> str:
    """Write an error on one line without the signed query, which holds the signature."""
    text = str(error).split("?", 1)[0] if "signature=" in str(error) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())[:300]}"
