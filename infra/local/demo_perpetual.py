"""What happens in the demo of a perpetual: a position that is only filled into, its funding, the stop that ends it."""

from decimal import Decimal
from typing import Any

from infra.local.demo_script import HALT_AT, Script

GROW_AT = 0.15
"""When the market first moves through our quotes, as a part of the run."""
GROW_BPS = -20
"""Through both of our bids: the guide's direction is never chosen, only filled into (P1)."""
CRASH_BPS = -200
"""More than the stop loss allows on what is held by then."""
FUNDED_TIMEOUT_S = 60.0
BOOKING_TICKS = 3
"""After a payment, which the first of them may be too early to see listed."""


def play_perpetual(script: Script) -> dict[str, Any]:
    """Play all acts; returns the exchange's account of the moment before the halt."""
    script.begin()
    script.quote_until(GROW_AT)
    grow(script)
    be_paid_for(script)
    lose(script)
    script.quote_until(HALT_AT)
    before_halt = script.stack.exchange()
    script.halt_and_resume()
    script.quote_until(1.0)
    script.end()
    return before_halt


def grow(script: Script) -> None:
    """Let the market fall through our bids: we are long, and the quotes lean against it."""
    script.stack.shift_prices(GROW_BPS)
    script.wait("filled into a position", lambda: _held(script) != 0)
    script.wait("the quotes lean against it", lambda: script.progress.skewed_ticks > 0)


def be_paid_for(script: Script) -> None:
    """Hold it over a funding time, until the payment can be booked."""
    script.wait(
        "holding over a funding time", lambda: bool(script.stack.exchange()["funding_payments"]), FUNDED_TIMEOUT_S
    )
    booked = script.progress.ticks + BOOKING_TICKS
    script.wait("the payment is booked", lambda: script.progress.ticks >= booked)


def lose(script: Script) -> None:
    """Let the market fall further: the stop loss closes the position, and the quotes return after its cool-down."""
    script.progress.most_held_base = abs(_held(script))
    script.stack.shift_prices(CRASH_BPS)
    script.wait("the stop loss fires", lambda: script.is_told("exit", "critical"))
    script.wait("the position is closed", lambda: _held(script) == 0)
    script.progress.flat_after_stop = True
    script.wait("cooling down", lambda: script.is_told("exit", "info"), FUNDED_TIMEOUT_S)


def _held(script: Script) -> Decimal:
    return Decimal(script.stack.exchange()["margin"]["size"])
