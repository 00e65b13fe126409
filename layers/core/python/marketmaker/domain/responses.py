"""What is done about breaches: the deployment file's response to each, the strongest first; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marketmaker.domain.accounts import BreachResponse, RiskSettings
from marketmaker.domain.breaches import Breach, BreachKind
from marketmaker.domain.caution import NO_CAUTION, Caution
from marketmaker.domain.risk import Finding
from marketmaker.domain.state import Mode, Restriction
from marketmaker.domain.units import ONE, ZERO, Symbol


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
        return tuple(each.breach for each in self._in(symbol) if each.response.includes(BreachResponse.CANCEL))

    def stops(self, symbol: Symbol) -> tuple[Breach, ...]:
        """Return the breaches during which no order of ours may rest in a market.

        Ticks that come again may quote again, so their stopping stops nothing.
        """
        return tuple(each for each in self.cancels(symbol) if each.kind is not BreachKind.TICKS_STOPPED)

    def restriction(self, symbol: Symbol, settings: RiskSettings, now_ms: int) -> Restriction | None:
        """Return what a market's breaches ask for together, None where nothing in it changes."""
        asked = [each for each in self._in(symbol) if _restricts(each)]
        if not asked:
            return None
        strongest = asked[0].response
        stops = strongest.includes(BreachResponse.CANCEL)
        return Restriction(
            mode=Mode.REDUCE_ONLY if stops else Mode.QUOTING,
            reason="; ".join(str(each.breach) for each in asked),
            since_ms=now_ms,
            caution=_caution_when_stopped(asked) if stops else caution_of(strongest, settings),
        )

    def _in(self, symbol: Symbol) -> Iterable[Answer]:
        return (each for each in self.answers if each.breach.symbol in {None, symbol})


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
    if kind is BreachKind.TICKS_STOPPED:
        return BreachResponse.CANCEL
    response: BreachResponse = getattr(settings, "stale_data" if kind is BreachKind.STALE_BOOK else kind.value)
    return response


def caution_of(response: BreachResponse, settings: RiskSettings) -> Caution:
    """Return how quotes change by a response that lets them rest; each does what the milder ones do."""
    return Caution(
        patience=settings.patience,
        widen=settings.widen if response.includes(BreachResponse.WIDEN) else ONE,
        pulls_adding=response.includes(BreachResponse.PULL_SIDE),
    )


def what_stays(
    symbol: Symbol, stored: Restriction, verdict: Verdict, findings: Sequence[Finding], settings: RiskSettings
) -> Restriction | None:
    """Return what is left of a market's restriction: what breaches still ask for, and what may be asked for (R7).

    A limit that is unknown may still be broken: as much as its response asks for stays, if that much was in force.
    """
    unknown = [response_to(each.kind, settings) for each in findings if _may_be_broken(each, symbol, settings)]
    if any(each.includes(_response_of(stored)) for each in unknown):
        return stored
    asked = [_without_exit(each, stored, settings) for each in unknown if each is not BreachResponse.ALERT]
    now = verdict.restriction(symbol, settings, stored.since_ms)
    left: Restriction | None = None
    for each in (*asked, *(() if now is None else (now,))):
        left = each if each.exceeds(left) else left
    return left if left is None or stored.exceeds(left) else stored


def _restricts(answer: Answer) -> bool:
    is_told_only = answer.response is BreachResponse.ALERT
    return not is_told_only and answer.breach.kind is not BreachKind.TICKS_STOPPED


def _caution_when_stopped(asked: Sequence[Answer]) -> Caution:
    """Return how far what is held must shrink: all of it, or to the least that any breach allows."""
    if any(each.response is BreachResponse.CLOSE for each in asked):
        return Caution(target_base=ZERO)
    bounds = [
        each.breach.reduced_base
        for each in asked
        if each.response is BreachResponse.REDUCE and each.breach.reduced_base is not None
    ]
    return Caution(target_base=min(bounds, key=abs)) if bounds else NO_CAUTION


def _may_be_broken(finding: Finding, symbol: Symbol, settings: RiskSettings) -> bool:
    """Tell whether a limit that is unknown can be why a market is restricted.

    One of the whole account can where it does not halt. Where it halts it cannot: one market that cannot be valued
    must not hold all others.
    """
    if finding.unknown is None or finding.kind is BreachKind.TICKS_STOPPED:
        return False
    is_of_all = finding.symbol is None and response_to(finding.kind, settings) is not BreachResponse.HALT
    return finding.symbol == symbol or is_of_all


def _without_exit(response: BreachResponse, stored: Restriction, settings: RiskSettings) -> Restriction:
    """Return what a response keeps in force while nobody knows how much may be held."""
    stops = response.includes(BreachResponse.CANCEL)
    return Restriction(
        mode=Mode.REDUCE_ONLY if stops else Mode.QUOTING,
        reason=stored.reason,
        since_ms=stored.since_ms,
        caution=NO_CAUTION if stops else caution_of(response, settings),
    )


def _response_of(restriction: Restriction) -> BreachResponse:
    """Return the mildest response that restricts so much."""
    stopped = {5: BreachResponse.CLOSE, 4: BreachResponse.REDUCE}
    quoting = {3: BreachResponse.PULL_SIDE, 2: BreachResponse.WIDEN}
    rank = restriction.caution.rank
    if restriction.mode > Mode.QUOTING:
        return stopped.get(rank, BreachResponse.CANCEL)
    return quoting.get(rank, BreachResponse.QUOTE_LONGER)
