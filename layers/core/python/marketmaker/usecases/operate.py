"""What an operator asks for: how an account stands, and to let it quote again."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marketmaker.domain.pricing import Book
from marketmaker.domain.state import AccountState, Control, MarketState
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import MarketMakerError
from marketmaker.ports import Alert, Deadline, Severity, Unknown
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import ACCOUNT_REFUSED, deliver


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest:
    """Who lets an account quote again, and why."""

    account: AccountName
    reason: str
    requested_by: str


def resume(request: ResumeRequest, desk: Desk) -> Control:
    """Lift a halt: a manual act with a reason, recorded (S11)."""
    reason = f"{request.reason} ({request.requested_by})"
    control = desk.store.resume(request.account, reason=reason, now_ms=desk.clock.now_ms())
    desk.store.close_episode(request.account, ACCOUNT_REFUSED)
    desk.telemetry.record("resume", {"account": request.account, "reason": reason, "epoch": control.epoch})
    text = f"{request.account} resumed by {request.requested_by}: {request.reason}. Quoting starts again"
    deliver(desk, Alert(account=request.account, kind="resume", severity=Severity.INFO, text=text))
    return control


def describe(desk: Desk, deadline: Deadline) -> Mapping[str, Any]:
    """Describe an account in plain values; without the venue the market prices are None, never zero."""
    state = desk.store.read_account(desk.settings.name)
    now_ms = desk.clock.now_ms()
    marks, venue_problem = _marks(desk, state, deadline)
    control = state.control
    return {
        "account": control.account,
        "mode": control.mode.label,
        "mode_reason": control.mode_reason,
        "epoch": control.epoch,
        "last_tick_age_s": (now_ms - control.last_slot_ms) / 1000 if control.last_slot_ms else None,
        "lease_owner": control.lease.owner if control.lease and control.lease.expires_ms > now_ms else None,
        "episodes": sorted(state.episodes),
        "venue_problem": venue_problem,
        "markets": [
            _describe_market(state.markets.get(symbol), symbol, marks.get(symbol)) for symbol in desk.settings.symbols
        ],
    }


def _marks(desk: Desk, state: AccountState, deadline: Deadline) -> tuple[dict[Symbol, Decimal], str | None]:
    try:
        desk.ensure_metadata(tuple(state.metadata.values()), deadline)
        observation = desk.venue.observe(desk.settings.symbols, (), deadline)
    except MarketMakerError as error:
        return {}, str(error)
    mids = {symbol: book.mid for symbol, book in observation.books.items() if isinstance(book, Book)}
    unknown = [book.reason for book in observation.books.values() if isinstance(book, Unknown)]
    return {symbol: mid for symbol, mid in mids.items() if mid is not None}, unknown[0] if unknown else None


def _describe_market(market: MarketState | None, symbol: Symbol, mark: Decimal | None) -> dict[str, Any]:
    if market is None:
        return {"symbol": symbol, "opened": False}
    inventory = market.inventory
    return {
        "symbol": symbol,
        "opened": True,
        "mark": mark,
        "base": inventory.base,
        "quote": inventory.quote,
        "ratio": None if mark is None else inventory.ratio(mark),
        "average_cost_quote": inventory.average_cost_quote,
        "realised_quote": inventory.realised_quote,
        "unrealised_quote": None if mark is None else inventory.unrealised_quote(mark),
        "fees_quote": inventory.fees_quote,
        "fees_unpriced": [(fee.asset, fee.amount) for fee in inventory.unpriced_fees],
        "orders": [(order.side, order.price, order.remaining_base) for order in market.working],
        "unresolved": [each.order.client_id for each in market.unresolved],
    }
