"""Protective exits: when a holding must shrink, to what, and with which order next (S9, P5, P6).

An exit is kept in the market's item before its first order is sent, so that whoever works the next tick goes on with
it. Each order's size follows from what is held, never from what was sent: an exit that is interrupted or repeated
neither turns the position round nor closes it twice. Every price is bounded from the live touch, read again for each
attempt; the price band does not gate exits (S3).
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from marketmaker.domain.inventory import Inventory
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import CostBasis, ExitSettings, FallStop
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ONE, ZERO, plain

MAX_REPEATS = 3
"""Exits in a row, each within an hour of the last, after the first; the next one halts (P5)."""
_DAY_MS = 86_400_000
_REPEAT_MS = 3_600_000


class ExitCause(StrEnum):
    """Why a holding must shrink."""

    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    CLOSE = "close"
    LIMIT = "limit"


class ExitStyle(StrEnum):
    """How an exit's order trades; none of them is post-only.

    A limit at the touch first, which takes what is there and rests with the remainder; then immediate-or-cancel within
    half of the bound; then within all of it. No venue bounds a market order, so the last is the market order of P5.
    """

    LIMIT = "limit"
    IMMEDIATE = "immediate"
    MARKET = "market"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """One exit on its way to `target_base`; `attempts` counts the ticks that worked on it."""

    cause: ExitCause
    started_ms: int
    target_base: Decimal
    reason: str
    attempts: int = 0

    @property
    def style(self) -> ExitStyle:
        """How the order of this attempt trades."""
        return {1: ExitStyle.LIMIT, 2: ExitStyle.IMMEDIATE}.get(self.attempts, ExitStyle.MARKET)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitState:
    """What a market remembers of its exits.

    `stopped_at` is the price at which a fall was last answered: only a further fall from there is answered again (S9).
    Until `resume_ms` nothing is quoted; `repeats` counts the exits in a row, each within an hour of the one before.
    """

    current: Exit | None = None
    stopped_at: Decimal | None = None
    ended_ms: int | None = None
    resume_ms: int = 0
    repeats: int = 0
    day: int | None = None
    day_open: Decimal | None = None

    @property
    def is_exhausted(self) -> bool:
        """Tell whether exits repeated so often that only a human should go on (P5)."""
        return self.repeats > MAX_REPEATS


NO_EXIT = ExitState()


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What an exit is judged by: what is held, and the price that it is worth now."""

    inventory: Inventory
    price: Decimal
    now_ms: int


def follow_exit(state: ExitState, marked: Marked, settings: ExitSettings, instrument: Instrument) -> ExitState:
    """Begin an exit that is due, go on with the one under way, or end it once what is left cannot be traded."""
    state = _at_this_day(state, marked, settings)
    is_new = state.current is None
    if is_new:
        state = _begin(state, marked, settings)
    current = state.current
    if current is None:
        return state
    if not open_size(current, marked, instrument):
        return replace(state, current=None) if is_new else _end(state, marked.now_ms, settings)
    return replace(state, current=replace(current, attempts=current.attempts + 1))


def ordered_exit(state: ExitState, marked: Marked, target_base: Decimal, reason: str) -> ExitState:
    """Begin the exit that a broken limit orders, unless one is under way or no more than that is held."""
    held = marked.inventory.base
    if state.current is not None or held * target_base < ZERO or abs(held) <= abs(target_base):
        return state
    ordered = Exit(cause=ExitCause.LIMIT, started_ms=marked.now_ms, target_base=target_base, reason=reason)
    return replace(state, current=ordered)


def exit_side(current: Exit, inventory: Inventory) -> Side:
    """Return the side that leads from what is held to the target."""
    return Side.SELL if inventory.base > current.target_base else Side.BUY


def open_size(current: Exit, marked: Marked, instrument: Instrument) -> Decimal:
    """Return what is still to be traded, down to the lot; zero where the target is reached or the rest is dust.

    Nothing is left either where the holding went past the target, or to the other side of zero.
    """
    held, target = marked.inventory.base, current.target_base
    if held * target < ZERO or abs(held) <= abs(target):
        return ZERO
    left = abs(held - target)
    size = left - left % instrument.lot_size
    is_dust = size < instrument.min_size_base or size * marked.price < instrument.min_notional_quote
    return ZERO if is_dust else size


def _at_this_day(state: ExitState, marked: Marked, settings: ExitSettings) -> ExitState:
    """Keep the first price of each UTC day where falls are counted from it."""
    stop, day = settings.stop_loss, marked.now_ms // _DAY_MS
    if not isinstance(stop, FallStop) or stop.basis is not CostBasis.DAY_OPEN or state.day == day:
        return state
    return replace(state, day=day, day_open=marked.price, stopped_at=None)


def _begin(state: ExitState, marked: Marked, settings: ExitSettings) -> ExitState:
    inventory, price = marked.inventory, marked.price
    if isinstance(settings.stop_loss, FallStop):
        state = _answer_fall(state, marked, settings.stop_loss)
        if state.current is not None:
            return state
    if not inventory.base:
        return state
    gain = inventory.unrealised_quote(price)
    if isinstance(settings.stop_loss, Decimal) and gain <= -settings.stop_loss:
        reason = f"{_money(-gain)} lost and not realised, {plain(settings.stop_loss)} or more closes the position"
        return replace(state, current=_close(ExitCause.STOP_LOSS, reason, marked))
    if settings.take_profit_quote is not None and gain >= settings.take_profit_quote:
        reason = (
            f"{_money(gain)} gained and not realised, {plain(settings.take_profit_quote)} or more closes the position"
        )
        return replace(state, current=_close(ExitCause.TAKE_PROFIT, reason, marked))
    return state


def _close(cause: ExitCause, reason: str, marked: Marked) -> Exit:
    return Exit(cause=cause, started_ms=marked.now_ms, target_base=ZERO, reason=reason)


def _answer_fall(state: ExitState, marked: Marked, stop: FallStop) -> ExitState:
    """Sell a part of what is held once the price fell far enough, and again only after a further such fall (S9)."""
    held, price = marked.inventory.base, marked.price
    basis = state.day_open if stop.basis is CostBasis.DAY_OPEN else marked.inventory.average_cost_quote
    if held <= ZERO or basis is None:
        return state
    if price >= basis:
        return state if state.stopped_at is None else replace(state, stopped_at=None)
    counted_from = basis if state.stopped_at is None else min(basis, state.stopped_at)
    if price >= counted_from * (ONE - stop.fall_share):
        return state
    fall = ONE - price / counted_from
    reason = f"the price fell {fall:.2%} below {_money(counted_from)}, {stop.stop_share:.0%} of the base is sold"
    sold = Exit(
        cause=ExitCause.STOP_LOSS,
        started_ms=marked.now_ms,
        target_base=held * (ONE - stop.stop_share),
        reason=reason,
    )
    return replace(state, current=sold, stopped_at=price)


def _end(state: ExitState, now_ms: int, settings: ExitSettings) -> ExitState:
    """Cool down: for twice as long as the last time where that was less than an hour ago (P5)."""
    is_repeat = state.ended_ms is not None and now_ms - state.ended_ms < _REPEAT_MS
    repeats = state.repeats + 1 if is_repeat else 0
    resume_ms = now_ms + settings.cool_down_ms * 2**repeats
    return replace(state, current=None, ended_ms=now_ms, resume_ms=resume_ms, repeats=repeats)


def _money(amount: Decimal) -> str:
    return plain(Decimal(f"{amount:.8g}"))
