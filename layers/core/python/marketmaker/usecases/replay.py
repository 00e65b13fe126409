"""Make a recorded decision again, and compare: the same inputs and settings must give the same actions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.deciding import Decision, decide
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.quoting import NoQuotes, Quote
from marketmaker.domain.units import plain
from marketmaker.errors import Refused
from marketmaker.usecases.records import RecordedDecision, shorten


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedDecision:
    """A recorded decision beside the one made of the same inputs now; without `differences` they are the same."""

    recorded: RecordedDecision
    settings: MarketSettings
    decision: Decision
    differences: tuple[str, ...]


def replay(recorded: RecordedDecision, settings: AccountSettings) -> ReplayedDecision:
    """Decide again with these settings and say what is different: wanted quotes, cancels, keeps and creates.

    Raises:
        Refused: the settings do not know the market.
    """
    market = next((each for each in settings.markets if each.symbol == recorded.symbol), None)
    if market is None:
        known = ", ".join(settings.symbols)
        raise Refused(f"{recorded.symbol} is not a market of {settings.name}; allowed: {known}")
    decision = decide(recorded.situation, market, settings.tag)
    return ReplayedDecision(
        recorded=recorded, settings=market, decision=decision, differences=_differences(recorded, decision)
    )


def _differences(recorded: RecordedDecision, decision: Decision) -> tuple[str, ...]:
    desired, plan = decision.desired, decision.plan
    position = {order.venue_id: index for index, order in enumerate(recorded.situation.live)}
    cancels = [(position[each.order.venue_id], each.reason) for each in plan.cancel]
    was_cancelled = [(index, why) for index, why, _ in recorded.cancelled]
    parts = [
        ("no quotes", _reason(recorded.no_quotes), _reason(desired if isinstance(desired, NoQuotes) else None)),
        ("quotes", _quotes(recorded.quotes), _quotes(decision.quotes)),
        ("kept", _orders(recorded, recorded.kept), _orders(recorded, [position[each.venue_id] for each in plan.keep])),
        ("cancelled", _cancels(recorded, was_cancelled), _cancels(recorded, cancels)),
        ("placed", _places(recorded.placed), _places((quote.side, quote.level) for quote in plan.place)),
    ]
    return tuple(f"{name}: recorded {was}, now {now}" for name, was, now in parts if was != now)


def _reason(no_quotes: NoQuotes | None) -> str:
    if no_quotes is None:
        return "none"
    return f"{no_quotes.reason} ({shorten(no_quotes.detail)})" if no_quotes.detail else no_quotes.reason.value


def _quotes(quotes: Sequence[Quote]) -> str:
    return ", ".join(f"{q.side} {q.level} {plain(q.size_base)} @ {plain(q.price)}" for q in quotes) or "none"


def _orders(recorded: RecordedDecision, positions: Iterable[int]) -> str:
    return ", ".join(str(recorded.situation.live[index].client_id) for index in positions) or "none"


def _cancels(recorded: RecordedDecision, cancels: Iterable[tuple[int, str]]) -> str:
    live = recorded.situation.live
    return ", ".join(f"{live[index].client_id} ({why})" for index, why in cancels) or "none"


def _places(places: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{side} {level}" for side, level in places) or "none"
