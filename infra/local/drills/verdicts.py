"""What a drill came to, and what it had to show; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marketmaker.domain.units import plain

_CENT, _EXACT = Decimal("0.01"), Decimal("1e-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One drill: seconds from the incident until it was noticed and answered, None where that never came.

    `answer` says what had to be done, `within_s` how soon; `note` which market it was, and what else is to say.
    """

    name: str
    detected_s: float | None
    acted_s: float | None
    within_s: float
    orders_left: int
    loss_quote: Decimal
    bound_quote: Decimal
    answer: str
    note: str = ""

    @property
    def failures(self) -> tuple[str, ...]:
        """Say what did not hold, nothing where all did."""
        checks = {
            "nothing noticed it": self.detected_s is not None,
            f"not done: {self.answer}": self.acted_s is not None,
            f"done {self.acted_s} s after it, {self.within_s:g} s are allowed: {self.answer}": (
                self.acted_s is None or self.acted_s <= self.within_s
            ),
            f"{self.orders_left} of our orders rest": self.orders_left == 0,
            f"{_money(self.loss_quote)} lost, {_money(self.bound_quote)} are allowed": (
                self.loss_quote <= self.bound_quote
            ),
        }
        return tuple(failure for failure, holds in checks.items() if not holds)

    @property
    def held(self) -> bool:
        """Tell whether everything held."""
        return not self.failures

    def summary(self) -> dict[str, Any]:
        """Describe the drill in plain values; money as text."""
        return {
            "name": self.name,
            "detected_s": self.detected_s,
            "acted_s": self.acted_s,
            "orders_left": self.orders_left,
            "loss_quote": _money(self.loss_quote),
            "bound_quote": _money(self.bound_quote),
            "held": self.held,
            "note": self.note,
            "failures": list(self.failures),
        }

    def cells(self) -> tuple[str, ...]:
        """Write the row of a table."""
        return (
            self.name,
            _seconds(self.detected_s),
            _seconds(self.acted_s),
            str(self.orders_left),
            plain(self.loss_quote.quantize(_CENT)),
            plain(self.bound_quote.quantize(_CENT)),
            "[green]held[/green]" if self.held else "[red]failed[/red]",
        )


COLUMNS = ("drill", "detected s", "acted s", "orders left", "loss", "bound", "")


def all_held(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether something was drilled and all of it held."""
    return bool(verdicts) and all(each.held for each in verdicts)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"


def _money(amount: Decimal) -> str:
    return plain(amount.quantize(_EXACT))
