"""A post-only create that would have taken is expected in a moving market: read the book again, price once more.

Only the refused places are priced again, once a tick; whatever else the new book asks for is the next tick's
(R19).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from marketmaker.domain.deciding import Situation, decide
from marketmaker.domain.pricing import BOOK_LEVELS, Book
from marketmaker.domain.quoting import MarketView
from marketmaker.domain.replacing import Place
from marketmaker.domain.state import BookMark
from marketmaker.domain.units import Symbol
from marketmaker.ports import Accepted, OutcomeUnknown, Rejected, RejectionKind
from marketmaker.usecases.act import ActedMarket, ClaimedSlot, PlannedMarket, act
from marketmaker.usecases.decide import DecidedMarket
from marketmaker.usecases.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """A market that was decided and acted on."""

    decided: DecidedMarket
    acted: ActedMarket

    @property
    def symbol(self) -> Symbol:
        """The market."""
        return self.decided.prepared.settings.symbol

    def places_of(self, kind: type[OutcomeUnknown] | RejectionKind) -> frozenset[Place]:
        """Return the places whose create ended so."""
        ended = zip(self.decided.decision.plan.place, self.acted.places, strict=False)
        return frozenset(
            (quote.side, quote.level)
            for quote, outcome in ended
            if (outcome.kind is kind if isinstance(outcome, Rejected) else type(outcome) is kind)
        )


def reprice(desk: Desk, worked: Sequence[Worked], marks: Mapping[Symbol, BookMark], slot: ClaimedSlot) -> list[Worked]:
    """Price and create once more what the venue refused because it would have taken, market by market."""
    refused = {each.symbol: each for each in worked if each.places_of(RejectionKind.WOULD_TAKE)}
    if not refused:
        return []
    books = desk.venue.read_books(list(refused), slot.deadline)
    now_ms = desk.clock.now_ms()
    again = [
        _decide_again(desk, each, book, marks[symbol], now_ms)
        for symbol, each in refused.items()
        if isinstance(book := books[symbol], Book)
    ]
    planned = [
        PlannedMarket(
            number=each.prepared.settings.number,
            market=refused[each.prepared.settings.symbol].acted.market,
            plan=each.decision.plan,
            attempt=1,
        )
        for each in again
    ]
    acted = act(desk, planned, slot)
    return [Worked(decided=one, acted=other) for one, other in zip(again, acted, strict=True)]


def _decide_again(desk: Desk, each: Worked, book: Book, mark: BookMark, now_ms: int) -> DecidedMarket:
    first, prepared = each.decided.situation, each.decided.prepared
    accepted = tuple(outcome.order for outcome in each.acted.places if isinstance(outcome, Accepted))
    live = (*each.decided.decision.plan.keep, *accepted)
    situation = Situation(
        now_ms=now_ms,
        instrument=first.instrument,
        view=None if first.view is None else _view(first.view, book.without(live), mark, now_ms),
        live=live,
        blocked=first.blocked | each.places_of(OutcomeUnknown),
        only=each.places_of(RejectionKind.WOULD_TAKE),
    )
    decision = decide(situation, prepared.settings, desk.settings.tag)
    return replace(each.decided, situation=situation, decision=decision)


def _view(before: MarketView, book: Book, mark: BookMark, now_ms: int) -> MarketView:
    age_ms = now_ms - mark.since_ms if book.update_id == mark.update_id else 0
    return replace(before, book=book.top(BOOK_LEVELS), book_age_ms=age_ms)
