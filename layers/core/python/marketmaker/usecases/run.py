"""Run one market in one process: its ticks at their slots, the second look every minute, and a clean stop.

The same use cases as the functions work by. Slots are the multiples of the interval on the wall clock; a tick that
takes longer skips those that have passed. Whatever ends a run, own orders are cancelled and that is verified.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from marketmaker.domain.exits import ExitCause
from marketmaker.domain.inventory import FillRow, Inventory
from marketmaker.domain.quoting import NoQuotes
from marketmaker.domain.state import Mode
from marketmaker.domain.units import ZERO, Symbol
from marketmaker.ports import Deadline, HaltRequest
from marketmaker.usecases.check_risk import check_risk
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.halt import HaltReport, halt
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import MarketReport, TickOutcome, TickReport
from marketmaker.usecases.run_ledger import check_ledger_at_end
from marketmaker.usecases.run_report import LedgerCheck, RunResult, RunView

REQUESTED_BY = "mm run"
DURATION_OVER = "its time is over"
RISK_EVERY_MS = 60_000
STOP_TIMEOUT_MS = 60_000
"""How long a stop is tried before it ends unverified."""
SHOWN_FILLS = 5
_LOOK_S = 0.2
"""How soon a wait notices that somebody wants the run to stop."""


@dataclass(slots=True, kw_only=True)
class StopSwitch:
    """Ends a run before its time: set by a signal, looked at between ticks, so that no tick is left half-way."""

    reason: str | None = None

    def stop(self, reason: str) -> None:
        """Ask for the stop; the first reason stays."""
        self.reason = self.reason or reason


class _Noted:
    """Takes halt requests of the risk check: the run itself looks at the mode, and stops."""

    def request(self, request: HaltRequest) -> None:
        """Leave it to the run."""


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What the ticks of a run came to."""

    ticks: int = 0
    skipped: int = 0
    failed: int = 0
    risk_checks: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    exits: dict[int, ExitCause] = field(default_factory=dict)

    def add(self, report: TickReport) -> None:
        """Count one tick; an exit is known by the moment at which it began."""
        self.ticks += 1
        self.failed += report.outcome is not TickOutcome.DONE
        self.counts.update(report.counts())
        for market in report.markets:
            exits = market.decision.exits
            if exits is not None and exits.current is not None:
                self.exits[exits.current.started_ms] = exits.current.cause

    def exits_by(self, cause: ExitCause) -> int:
        """Count the exits that began for a reason."""
        return sum(each is cause for each in self.exits.values())


def run(desk: Desk, duration_ms: int, switch: StopSwitch, show: Callable[[RunView], None]) -> RunResult:
    """Quote the desk's market until its time is over, `switch` ends it or the account is halted; then stop clean.

    `show` gets the picture after each tick. What it raises, or a defect in a tick, stops the run as cleanly and is then
    raised.
    """
    started_ms, tally = desk.clock.now_ms(), _Tally()
    try:
        ended_by = _work(desk, started_ms + duration_ms, switch, tally, show)
    except BaseException:
        _stop(desk, "the run failed")
        raise
    stopped = _stop(desk, ended_by)
    checked = check_ledger_at_end(desk)
    return _result(desk, tally, started_ms, ended_by, _Ended(stopped=stopped, checked=checked))


def _work(desk: Desk, ends_ms: int, switch: StopSwitch, tally: _Tally, show: Callable[[RunView], None]) -> str:
    """Work slot after slot; returns why that ended."""
    interval_ms = desk.settings.clocks.interval_ms
    slot_ms = _slot_from(desk.clock.now_ms(), interval_ms)
    risk_due_ms = slot_ms
    while _wait_until(desk, min(slot_ms, ends_ms), switch):
        if slot_ms >= ends_ms:
            return DURATION_OVER
        report = replace_quotes(Tick(account=desk.settings.name, slot_ms=slot_ms), desk, owner=f"run {slot_ms}")
        tally.add(report)
        if desk.clock.now_ms() >= risk_due_ms:
            _look_again(desk)
            tally.risk_checks += 1
            risk_due_ms += RISK_EVERY_MS
        show(_view(desk, report, tally, next_slot_ms=_slot_after(slot_ms, desk), ends_ms=ends_ms))
        control = desk.store.read_control(desk.settings.name)
        if control.mode is Mode.HALTED:
            return f"halted: {control.mode_reason}"
        next_ms = _slot_after(slot_ms, desk)
        tally.skipped += (min(next_ms, ends_ms) - slot_ms - 1) // interval_ms
        slot_ms = next_ms
    return switch.reason or DURATION_OVER


def _slot_from(now_ms: int, interval_ms: int) -> int:
    """Return the first slot that has not passed."""
    return -(-now_ms // interval_ms) * interval_ms


def _slot_after(slot_ms: int, desk: Desk) -> int:
    """Return the next slot; those that passed meanwhile are left out, not queued."""
    interval_ms = desk.settings.clocks.interval_ms
    return _slot_from(max(slot_ms + interval_ms, desk.clock.now_ms()), interval_ms)


def _wait_until(desk: Desk, moment_ms: int, switch: StopSwitch) -> bool:
    """Wait for a moment; False as soon as somebody wants the run to stop."""
    while switch.reason is None:
        left_ms = moment_ms - desk.clock.now_ms()
        if left_ms <= 0:
            return True
        desk.clock.sleep(min(_LOOK_S, left_ms / 1000))
    return False


def _look_again(desk: Desk) -> None:
    at_ms = desk.clock.now_ms() + desk.settings.clocks.function_timeout_ms
    check_risk(desk, _Noted(), Deadline(at_ms=at_ms, clock=desk.clock), owner=REQUESTED_BY)


def _stop(desk: Desk, reason: str) -> HaltReport:
    """Cancel own orders and verify that none is left, as every halt does."""
    request = HaltRequest(account=desk.settings.name, reason=reason, requested_by=REQUESTED_BY)
    return halt(request, desk, Deadline(at_ms=desk.clock.now_ms() + STOP_TIMEOUT_MS, clock=desk.clock))


def _view(desk: Desk, report: TickReport, tally: _Tally, *, next_slot_ms: int, ends_ms: int) -> RunView:
    symbol, state = desk.settings.symbols[0], desk.store.read_account(desk.settings.name)
    market = state.markets.get(symbol)
    seen = next((each.situation.view for each in report.markets), None)
    fills = _fills(desk, symbol)
    return RunView(
        symbol=symbol,
        slot_ms=report.slot_ms,
        next_slot_ms=next_slot_ms,
        ends_ms=ends_ms,
        mode=state.control.mode_of(symbol),
        outcome=report.outcome,
        said=report.detail or "; ".join(filter(None, map(_why_not, report.markets))),
        inventory=None if market is None else market.inventory,
        bid=None if seen is None else seen.book.best_bid,
        ask=None if seen is None else seen.book.best_ask,
        mark=None if seen is None else seen.book.mid,
        quotes=() if market is None else market.working,
        last_fills=tuple(fills[-SHOWN_FILLS:]),
        alerts=tuple(state.episodes[key] for key in sorted(state.episodes)),
        ticks=tally.ticks,
        ticks_skipped=tally.skipped,
        fills=len(fills),
    )


def _why_not(market: MarketReport) -> str:
    desired = market.desired
    if not isinstance(desired, NoQuotes):
        return ""
    return f"{desired.reason}: {desired.detail}" if desired.detail else desired.reason


def _fills(desk: Desk, symbol: Symbol) -> list[FillRow]:
    return [row for row in desk.store.ledger(desk.settings.name, symbol) if isinstance(row, FillRow)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """How a run ended: what the stop did, and whether the venue holds what the ledger explains."""

    stopped: HaltReport
    checked: LedgerCheck


def _result(desk: Desk, tally: _Tally, started_ms: int, ended_by: str, ended: _Ended) -> RunResult:
    settings, symbol = desk.settings, desk.settings.symbols[0]
    market = desk.store.read_account(settings.name).markets.get(symbol)
    held, mark = None if market is None else market.inventory, ended.checked.mark
    valued = (None, None) if held is None or mark is None else (held.unrealised_quote(mark), held.pnl_quote(mark))
    fills = _fills(desk, symbol)
    return RunResult(
        account=settings.name,
        symbol=symbol,
        venue=settings.venue,
        config_hash=settings.config_hash,
        started_ms=started_ms,
        ended_ms=desk.clock.now_ms(),
        ended_by=ended_by,
        ticks=tally.ticks,
        ticks_skipped=tally.skipped,
        ticks_failed=tally.failed,
        risk_checks=tally.risk_checks,
        orders_placed=tally.counts["orders_placed"],
        orders_cancelled=tally.counts["orders_cancelled"] + tally.counts["protective_cancels"],
        fills=len(fills),
        volume_quote=sum((row.fill.notional_quote for row in fills), ZERO),
        realised_pnl_quote=_of(held, "realised_quote"),
        fees_quote=_of(held, "fees_quote"),
        funding_quote=_of(held, "funding_quote"),
        position_base=_of(held, "base"),
        average_cost_quote=_of(held, "average_cost_quote"),
        unrealised_pnl_quote=valued[0],
        total_pnl_quote=valued[1],
        mark_price=mark,
        stop_losses=tally.exits_by(ExitCause.STOP_LOSS),
        take_profits=tally.exits_by(ExitCause.TAKE_PROFIT),
        orders_left=ended.stopped.orders_left,
        verified_s=ended.stopped.verified_s,
        ledger_matches_venue=ended.checked.matches,
        problems=(*ended.stopped.problems, *filter(None, [ended.checked.said])),
    )


def _of(held: Inventory | None, name: str) -> Decimal | None:
    amount: Decimal | None = None if held is None else getattr(held, name)
    return amount
