"""An operator halts: the account's own function does it, and this machine where the function cannot.

The function is asked first because venues take trading keys from listed addresses only, and it calls from one. An
emergency must not wait for a second command, so whatever keeps it from verifying, the rest is done from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from marketmaker.errors import MarketMakerError, Refused
from marketmaker.ports import Deadline, HaltRequest
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.halt import HaltReport, halt

FUNCTION_SHARE = 0.5
"""How much of the operator's time the function gets: what it leaves is for this machine."""


class HaltFunction(Protocol):
    """What halts an account elsewhere."""

    def halt(self, request: HaltRequest, report: type[HaltReport], timeout_s: float) -> HaltReport:
        """Halt, and wait so long for the report; `Refused` if there is no such function."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """What a halt did, and whether this machine did it."""

    report: HaltReport
    is_direct: bool


def ask_halt(
    request: HaltRequest,
    open_desk: Callable[[], Desk],
    function: HaltFunction | None,
    deadline: Deadline,
    tell: Callable[[str], None],
) -> Halted:
    """Halt by the function, unless there is none, and from here what it did not verify."""
    if function is not None:
        try:
            report = function.halt(request, HaltReport, deadline.remaining_ms() / 1000 * FUNCTION_SHARE)
        except Refused:
            pass
        except MarketMakerError as error:
            tell(f"the halt function did not answer, halting from here: {error}")
        else:
            if report.verified_s is not None:
                return Halted(report=report, is_direct=False)
            tell(f"the halt function could not verify, halting from here: {'; '.join(report.problems)}")
    return Halted(report=halt(request, open_desk(), deadline), is_direct=True)
