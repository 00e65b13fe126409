"""What one risk check saw and did: the summary a handler returns, the line that telemetry keeps, the metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from marketmaker.domain.responses import Answer
from marketmaker.domain.units import AccountName, Asset, Symbol


class RiskOutcome(StrEnum):
    """How a check ended; all of these are normal returns, counted, never raised."""

    DONE = "done"
    HALTED = "halted"
    VENUE_UNREACHABLE = "venue_unreachable"
    STATE_UNREACHABLE = "state_unreachable"
    ACCOUNT_REFUSED = "account_refused"

    @property
    def is_blind(self) -> bool:
        """Tell whether the check could not see all that it has to judge."""
        return self not in {RiskOutcome.DONE, RiskOutcome.HALTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskReport:
    """One check of an account. `unknown` names the limits that could not be judged."""

    account: AccountName
    outcome: RiskOutcome
    config_hash: str
    answers: tuple[Answer, ...] = ()
    unknown: tuple[str, ...] = ()
    drawdowns: Mapping[Asset, Decimal] = field(default_factory=dict)
    halt_requested: bool = False
    restricted: tuple[Symbol, ...] = ()
    lifted: tuple[Symbol, ...] = ()
    own_orders: int | None = None
    foreign_orders: int | None = None
    orders_cancelled: int = 0
    cancels_failed: int = 0
    exit_attempts: int = 0
    is_breached: bool = False
    problems: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return the metrics: `checks` and `risk_blind` in every run, so that their absence is a silence.

        `risk_breach` and `halted`, 0 or 1, are left out where the check could not tell: an alarm on them stays (R7).
        """
        counts = {
            "checks": 1,
            f"checks_{self.outcome}": 1,
            "risk_blind": int(self.outcome.is_blind),
            "breaches": len(self.answers),
            "limits_unknown": len(self.unknown),
            "restricted_markets": len(self.restricted),
            "protective_cancels": self.orders_cancelled,
            "cancels_failed": self.cancels_failed,
            "exit_attempts": self.exit_attempts,
        }
        if self.is_breached or not self.outcome.is_blind:
            counts["risk_breach"] = int(self.is_breached)
        if not self.outcome.is_blind:
            counts["halted"] = int(self.outcome is RiskOutcome.HALTED)
        return counts

    def summary(self) -> Mapping[str, Any]:
        """Describe the check in plain values."""
        return {
            "account": self.account,
            "outcome": self.outcome,
            "config": self.config_hash,
            "breaches": [
                {
                    "kind": each.breach.kind,
                    "symbol": each.breach.symbol,
                    "response": each.response,
                    "text": str(each.breach),
                }
                for each in self.answers
            ],
            "unknown": self.unknown,
            "drawdowns": dict(self.drawdowns),
            "halt_requested": self.halt_requested,
            "restricted": self.restricted,
            "lifted": self.lifted,
            "own_orders": self.own_orders,
            "foreign_orders": self.foreign_orders,
            "orders_cancelled": self.orders_cancelled,
            "cancels_failed": self.cancels_failed,
            "exit_attempts": self.exit_attempts,
            "problems": self.problems,
        }
