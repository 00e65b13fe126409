"""An operator closes positions (P10): quoting stops, and the ticks leave them as they leave at a stop loss.

The account is restricted to reducing first, so that nothing is added meanwhile; it stays so until it is resumed. The
wish is written into the market's item, which is all that a tick needs to begin: whoever works the next one goes on.
Only perpetuals have positions: a spot market owns what it opened with.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from marketmaker.domain.exits import Exit, ExitCause
from marketmaker.domain.state import MarketState, Mode
from marketmaker.domain.units import ZERO, AccountName, Symbol
from marketmaker.errors import Conflict, Refused
from marketmaker.ports import Alert, Deadline, Severity
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import deliver

LOOK_AGAIN_S = 1.0
_TRIES = 10
"""How often a market's item is read anew where a tick wrote it in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRequest:
    """Who closes what, and why; without a symbol every position of the account."""

    account: AccountName
    reason: str
    requested_by: str
    symbol: Symbol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReport:
    """What is left of each position, by the ledger, when the close ended or its time was over."""

    account: AccountName
    positions: dict[Symbol, Decimal]
    seconds: float

    @property
    def is_flat(self) -> bool:
        """Tell whether every position is closed."""
        return not any(self.positions.values())


def close_positions(request: CloseRequest, desk: Desk, deadline: Deadline) -> CloseReport:
    """Close positions through the ticks, and wait until they are closed or the time is over.

    Raises:
        Refused: the account, or the market that was named, has no perpetual.
        Retryable, Fatal: the store did not answer, or refuses us.
        Conflict: ticks wrote a market's item again and again.
    """
    symbols = _perpetuals(desk, request.symbol)
    started_ms = desk.clock.now_ms()
    text = f"{request.reason} ({request.requested_by})"
    desk.store.strengthen(request.account, Mode.REDUCE_ONLY, reason=f"close: {text}", now_ms=started_ms)
    for symbol in symbols:
        _ask(desk, symbol, text)
    names = ", ".join(symbols)
    told = f"{request.account} is closed by {request.requested_by}: {request.reason}. {names}; `mm resume` quotes again"
    deliver(desk, Alert(account=request.account, kind="close", severity=Severity.INFO, text=told))
    left = _left(desk, symbols)
    while any(left.values()) and deadline.remaining_ms() > LOOK_AGAIN_S * 1000:
        desk.clock.sleep(LOOK_AGAIN_S)
        left = _left(desk, symbols)
    report = CloseReport(account=request.account, positions=left, seconds=(desk.clock.now_ms() - started_ms) / 1000)
    desk.telemetry.record("close", {"account": request.account, "reason": text, "left": left})
    return report


def _perpetuals(desk: Desk, wanted: Symbol | None) -> tuple[Symbol, ...]:
    found = tuple(each.symbol for each in desk.settings.markets if each.perpetual is not None)
    if wanted is None and found:
        return found
    if wanted is not None and wanted in found:
        return (wanted,)
    what = desk.settings.name if wanted is None else wanted
    raise Refused(f"{what} has no position to close: allowed are the perpetuals {', '.join(found) or '(none here)'}")


def _ask(desk: Desk, symbol: Symbol, reason: str) -> None:
    """Write the wish into the market's item; a market that is flat, or is being left already, needs none."""
    name = desk.settings.name
    for _ in range(_TRIES):
        market = desk.store.read_account(name).markets.get(symbol)
        if market is None or not market.inventory.base or market.exits.current is not None:
            return
        wish = Exit(cause=ExitCause.CLOSE, started_ms=desk.clock.now_ms(), target_base=ZERO, reason=reason)
        try:
            desk.store.save_market(name, replace(market, exits=replace(market.exits, current=wish)))
        except Conflict:
            continue
        return
    raise Conflict(f"{name} {symbol} changed {_TRIES} times while its close was written; try again")


def _left(desk: Desk, symbols: Iterable[Symbol]) -> dict[Symbol, Decimal]:
    markets = desk.store.read_account(desk.settings.name).markets
    return {symbol: _held(markets.get(symbol)) for symbol in symbols}


def _held(market: MarketState | None) -> Decimal:
    return ZERO if market is None else market.inventory.base
