"""How a paper exchange's answers read at the `Venue` port."""

from marketmaker.adapters.paper_venue.account import MAX_RESTING
from marketmaker.adapters.paper_venue.exchange import PaperExchange
from marketmaker.domain.orders import NewOrder, Order
from marketmaker.domain.pricing import Book
from marketmaker.ports import (
    Accepted,
    CancelOutcome,
    CancelResult,
    PlaceOutcome,
    Rejected,
    RejectionKind,
    Unknown,
)
from marketmaker.simulation.orders import Rejection, RejectReason

_REJECTIONS = {
    RejectReason.WOULD_TAKE: RejectionKind.WOULD_TAKE,
    RejectReason.OFF_TICK: RejectionKind.OFF_GRID,
    RejectReason.OFF_LOT: RejectionKind.OFF_GRID,
    RejectReason.BELOW_MIN_NOTIONAL: RejectionKind.OFF_GRID,
}


def shown(exchange: PaperExchange, book: Book | Unknown) -> Book | Unknown:
    """Let a book meet the resting orders and add them to it; an unusable one is for the reader to refuse."""
    if isinstance(book, Unknown) or book.symbol not in exchange.before.quoted | exchange.before.held:
        return book
    return book if trouble_with(exchange, book) else exchange.with_own_orders(book)


def trouble_with(exchange: PaperExchange, book: Book | Unknown) -> str | None:
    """Let a book meet the resting orders, or say why it cannot."""
    if isinstance(book, Unknown):
        return book.reason
    try:
        exchange.show(book)
    except ValueError as error:
        return f"the book of {book.symbol} cannot be used: {error}"
    return None


def place_one(exchange: PaperExchange, order: NewOrder, trouble: str | None) -> PlaceOutcome:
    """Create an order, or say why not; `trouble` is why its market's book cannot be used."""
    if exchange.before.stands_still:
        trouble = "the paper account stands still until its trades are read"
    if trouble is not None:
        return Rejected(order=order, kind=RejectionKind.RETRYABLE, reason=trouble)
    if exchange.resting >= MAX_RESTING:
        return Rejected(order=order, kind=RejectionKind.REFUSED, reason=f"{MAX_RESTING} orders rest already")
    outcome = exchange.submit(order)
    if isinstance(outcome, Rejection):
        kind = _REJECTIONS.get(outcome.reason, RejectionKind.REFUSED)
        return Rejected(order=order, kind=kind, reason=outcome.reason.value.replace("_", " "))
    return Accepted(order=outcome.order())


def cancel_one(exchange: PaperExchange, order: Order) -> CancelOutcome:
    """Cancel an order, or say that it does not rest."""
    cancelled = exchange.cancel(order)
    if cancelled is None:
        return CancelOutcome(order=order, result=CancelResult.GONE, reason="the order does not rest")
    return CancelOutcome(order=order, result=CancelResult.CANCELLED, executed_base=cancelled.executed_base)
