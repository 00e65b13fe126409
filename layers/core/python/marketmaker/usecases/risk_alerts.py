"""What a human is told of a risk check: one message when a limit breaks, one when it is over (R27).

Ticks see stale books and prices outside their band too. Whoever is first opens the episode; ticks close it, once they
quote again: a restriction that is lifted leads to one resolved message.
"""

from collections.abc import Iterable

from marketmaker.domain.accounts import BreachResponse, RiskSettings
from marketmaker.domain.breaches import BreachKind
from marketmaker.domain.responses import response_to
from marketmaker.domain.risk import Finding
from marketmaker.domain.units import Symbol
from marketmaker.ports import Severity
from marketmaker.usecases.episodes import RISK_KEY_REFUSED, Condition

CANCEL_FAILED = "cancel_failed"
ORDERS_AFTER_HALT = "orders_after_halt"

_CLOSED_BY_TICKS = {BreachKind.STALE_BOOK, BreachKind.PRICE_BAND, BreachKind.LEDGER_DIFFERENCE}
_MILD = {BreachResponse.QUOTE_LONGER, BreachResponse.WIDEN}
"""Responses by which quoting goes on: nobody is woken for them."""
_DONE = {
    BreachResponse.ALERT: "Nothing was changed",
    BreachResponse.QUOTE_LONGER: "Orders are replaced less often until it is over",
    BreachResponse.WIDEN: "Quotes stand further away until it is over",
    BreachResponse.PULL_SIDE: "The side that adds to what is held is not quoted until it is over",
    BreachResponse.CANCEL: "Our orders are cancelled, none placed until it is over",
    BreachResponse.REDUCE: "Our orders are cancelled and what is too much is traded away; none placed until it is over",
    BreachResponse.CLOSE: "Our orders are cancelled and all that is held is traded away; none placed until it is over",
    BreachResponse.HALT: "The account is halted and our orders are cancelled; `mm resume` lifts it",
}


def limit_conditions(findings: Iterable[Finding], settings: RiskSettings) -> list[Condition]:
    """Say which limits are broken and which are certainly kept; of what is unknown nothing is said."""
    grouped: dict[tuple[BreachKind, Symbol | None], list[Finding]] = {}
    for finding in findings:
        grouped.setdefault((finding.kind, finding.symbol), []).append(finding)
    conditions: list[Condition] = []
    for (kind, symbol), group in grouped.items():
        breaches = "; ".join(str(each.breach) for each in group if each.breach is not None)
        if breaches:
            text = f"{breaches}. {_done(kind, settings)}"
            severity = Severity.INFO if response_to(kind, settings) in _MILD else Severity.CRITICAL
            conditions.append(Condition(kind=kind, symbol=symbol, text=text, severity=severity))
        elif kind not in _CLOSED_BY_TICKS and all(each.is_kept for each in group):
            conditions.append(Condition(kind=kind, symbol=symbol, text=None, outlook=_outlook(kind, settings)))
    return conditions


def key_works() -> Condition:
    """Say that the risk key is accepted."""
    return Condition(kind=RISK_KEY_REFUSED, symbol=None, text=None, outlook="`mm resume` lets the account quote again")


def key_refused(reason: str, seen_from: str) -> Condition:
    """Say that no second look is possible, where the venue saw us ask from, and who cancels meanwhile."""
    text = (
        f"{reason}.{seen_from} Nobody takes the second look, so ticks cancel our orders and place none; "
        "check the key, its permissions and its IP list (`mm keys check`), then `mm resume`"
    )
    return Condition(kind=RISK_KEY_REFUSED, symbol=None, text=text)


def failed_cancels(reasons: list[str]) -> Condition:
    """Say which cancels failed, or that none did."""
    text = (
        f"{len(reasons)} of our orders could not be cancelled, the first: {reasons[0] if reasons else ''}. "
        "It is tried again every minute; if it lasts, cancel by hand at the venue"
    )
    return Condition(
        kind=CANCEL_FAILED, symbol=None, text=text if reasons else None, outlook="our orders can be cancelled"
    )


def orders_after_halt(own_orders: int) -> Condition:
    """Say that orders rest which the halt should have ended, or that none does."""
    text = f"{own_orders} of our orders rest although the account is halted; they are cancelled. Look at the venue"
    return Condition(
        kind=ORDERS_AFTER_HALT, symbol=None, text=text if own_orders else None, outlook="none of our orders rests"
    )


def _done(kind: BreachKind, settings: RiskSettings) -> str:
    if kind is BreachKind.TICKS_STOPPED:
        return "They are cancelled; quoting goes on when ticks come again"
    return _DONE[response_to(kind, settings)]


def _outlook(kind: BreachKind, settings: RiskSettings) -> str:
    if kind is BreachKind.TICKS_STOPPED or response_to(kind, settings) is not BreachResponse.ALERT:
        return "quoting goes on by itself"
    return "the limit holds again"
