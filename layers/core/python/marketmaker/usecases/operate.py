"""What an operator asks for: how an account stands, and to let it quote again."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marketmaker.domain.drawdown import Equity, Holding, equity_of
from marketmaker.domain.pricing import Book
from marketmaker.domain.risk import BreachKind
from marketmaker.domain.state import AccountState, Control, MarketState
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.errors import MarketMakerError
from marketmaker.ports import Alert, Deadline, Severity, Unknown
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import ACCOUNT_REFUSED, HALT_DELIVERY, RISK_KEY_REFUSED, deliver

_ENDED_BY_RESUMING = {ACCOUNT_REFUSED, RISK_KEY_REFUSED, BreachKind.DRAWDOWN}
"""Episodes that stand for something a human has looked at before resuming; the next one is told anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRequest:
    """Who lets an account quote again, and why."""

    account: AccountName
    reason: str
    requested_by: str


def resume(request: ResumeRequest, desk: Desk) -> Control:
    """Lift a halt: a manual act with a reason, recorded (S11).

    After a drawdown it is the re-arming too: the next check starts a new peak (R6).
    """
    reason = f"{request.reason} ({request.requested_by})"
    episodes = desk.store.read_account(request.account).episodes
    if BreachKind.DRAWDOWN in episodes:
        desk.store.clear_peaks(request.account)
    control = desk.store.resume(request.account, reason=reason, now_ms=desk.clock.now_ms())
    for key in sorted(episodes):
        if key in _ENDED_BY_RESUMING or key.startswith(HALT_DELIVERY):
            desk.store.close_episode(request.account, key)
    desk.telemetry.record("resume", {"account": request.account, "reason": reason, "epoch": control.epoch})
    text = f"{request.account} resumed by {request.requested_by}: {request.reason}. Quoting starts again"
    deliver(desk, Alert(account=request.account, kind="resume", severity=Severity.INFO, text=text))
    return control


def describe(desk: Desk, deadline: Deadline) -> Mapping[str, Any]:
    """Describe an account in plain values; without the venue the market prices are None, never zero."""
    state = desk.store.read_account(desk.settings.name)
    now_ms = desk.clock.now_ms()
    marks, venue_problem = _marks(desk, deadline)
    control = state.control
    return {
        "account": control.account,
        "mode": control.mode.label,
        "mode_reason": control.mode_reason,
        "epoch": control.epoch,
        "last_tick_age_s": (now_ms - control.last_slot_ms) / 1000 if control.last_slot_ms else None,
        "lease_owner": control.lease.owner if control.lease and control.lease.expires_ms > now_ms else None,
        "episodes": sorted(each for each in state.episodes if not each.startswith(HALT_DELIVERY)),
        "venue_problem": venue_problem,
        "restrictions": [
            {
                "symbol": symbol,
                "mode": each.mode.label,
                "reason": each.reason,
                "age_s": (now_ms - each.since_ms) / 1000,
            }
            for symbol, each in sorted(control.restrictions.items())
        ],
        "drawdowns": [_describe_drawdown(state, asset, peak, marks) for asset, peak in sorted(control.peaks.items())],
        "markets": [
            _describe_market(state.markets.get(symbol), symbol, marks.get(symbol)) for symbol in desk.settings.symbols
        ],
    }


def _describe_drawdown(
    state: AccountState, asset: Asset, peak: Equity, marks: Mapping[Symbol, Decimal]
) -> dict[str, Any]:
    """Compare the markets of a peak with it; None where one of them has no price now."""
    holdings = [
        Holding(symbol=symbol, inventory=state.markets[symbol].inventory, mark=marks[symbol])
        for symbol in peak.markets
        if symbol in state.markets and symbol in marks
    ]
    is_known = len(holdings) == len(peak.markets)
    return {
        "asset": asset,
        "peak_equity_quote": peak.total_quote,
        "drawdown_share": equity_of(holdings).drawdown_share(peak) if is_known else None,
    }


def _marks(desk: Desk, deadline: Deadline) -> tuple[dict[Symbol, Decimal], str | None]:
    try:
        desk.ensure_metadata(deadline)
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
