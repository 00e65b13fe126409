"""What is done about breaches: the deployment file's response to each, the strongest first; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from marketmaker.domain.accounts import BreachResponse, RiskSettings
from marketmaker.domain.risk import Breach, BreachKind, Finding
from marketmaker.domain.units import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A breach, and what is done about it."""

    breach: Breach
    response: BreachResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Every answer to the breaches of one look, strongest first."""

    answers: tuple[Answer, ...]

    @property
    def halts(self) -> tuple[Breach, ...]:
        """The breaches that stop the whole account."""
        return tuple(each.breach for each in self.answers if each.response is BreachResponse.HALT)

    def cancels(self, symbol: Symbol) -> tuple[Breach, ...]:
        """Return the breaches for which our orders in a market go."""
        return tuple(
            each.breach
            for each in self.answers
            if each.response.includes(BreachResponse.CANCEL) and each.breach.symbol in {None, symbol}
        )

    def restricts(self, symbol: Symbol) -> tuple[Breach, ...]:
        """Return the breaches during which no order of ours may rest in a market.

        Ticks that come again may quote again, so their stopping restricts nothing.
        """
        return tuple(each for each in self.cancels(symbol) if each.kind is not BreachKind.TICKS_STOPPED)


def respond(findings: Iterable[Finding], settings: RiskSettings) -> Verdict:
    """Answer every breach as the deployment file says; equal responses keep the findings' order."""
    answers = [
        Answer(breach=each.breach, response=response_to(each.kind, settings))
        for each in findings
        if each.breach is not None
    ]
    strength = list(BreachResponse)
    return Verdict(answers=tuple(sorted(answers, key=lambda each: -strength.index(each.response))))


def response_to(kind: BreachKind, settings: RiskSettings) -> BreachResponse:
    """Return what the deployment file wants done; the watchdog is not a matter of settings: it cancels (R3)."""
    match kind:
        case BreachKind.STALE_BOOK:
            return settings.stale_data
        case BreachKind.PRICE_BAND:
            return settings.price_band
        case BreachKind.INVENTORY_BAND:
            return settings.inventory_band
        case BreachKind.DRAWDOWN:
            return settings.drawdown
        case BreachKind.TICKS_STOPPED:
            return BreachResponse.CANCEL
        case _:
            assert_never(kind)


def may_lift(symbol: Symbol, findings: Sequence[Finding], settings: RiskSettings) -> bool:
    """Tell whether whatever could have restricted a market is certainly over: unknown is not over (R7)."""
    return all(each.is_kept for each in findings if _holds_restriction(each, symbol, settings))


def _holds_restriction(finding: Finding, symbol: Symbol, settings: RiskSettings) -> bool:
    """Tell whether a limit can have restricted a market.

    One of the whole account has where it cancels. Where it halts it has not: one market that cannot be valued must not
    hold all others.
    """
    response = response_to(finding.kind, settings)
    if finding.kind is BreachKind.TICKS_STOPPED or not response.includes(BreachResponse.CANCEL):
        return False
    return finding.symbol == symbol or (finding.symbol is None and response is BreachResponse.CANCEL)
