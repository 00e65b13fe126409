"""An operator halts by the account's function, and from here what it does not verify (S11)."""

from dataclasses import replace

import pytest

from marketmaker.domain.state import Mode
from marketmaker.errors import Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import HaltRequest
from marketmaker.usecases.ask_halt import Halted, ask_halt
from marketmaker.usecases.halt import HaltReport
from tests.builders import ACCOUNT
from tests.fakes.desk import Bench, bench

REQUEST = HaltRequest(account=ACCOUNT, reason="drill", requested_by="operator")
VERIFIED = HaltReport(
    account=ACCOUNT,
    flag_set=True,
    first_sweep_s=0.1,
    emptied_s=5.0,
    verified_s=5.0,
    orders_cancelled=2,
    orders_left=0,
    foreign_orders=0,
    ledger_settled=True,
    problems=(),
)
NOT_VERIFIED = replace(VERIFIED, verified_s=None, emptied_s=None, problems=("the key is refused",))


class Function:
    """A halt function that answers what a test says."""

    def __init__(self, answer: HaltReport | MarketMakerError) -> None:
        self.answer = answer
        self.waited_s: list[float] = []

    def halt(self, request: HaltRequest, report: type[HaltReport], timeout_s: float) -> HaltReport:
        assert (request, report) == (REQUEST, HaltReport)
        self.waited_s.append(timeout_s)
        if isinstance(self.answer, MarketMakerError):
            raise self.answer
        return self.answer


def quoting() -> Bench:
    at = bench()
    at.tick()
    return at


def ask(at: Bench, function: Function | None) -> tuple[Halted, list[str]]:
    told: list[str] = []
    return ask_halt(REQUEST, lambda: at.desk, function, at.deadline(), told.append), told


def test_what_the_function_verified_is_not_done_again() -> None:
    at, function = quoting(), Function(VERIFIED)
    halted, told = ask(at, function)
    assert halted == Halted(report=VERIFIED, is_direct=False)
    assert (function.waited_s, told) == ([30.0], [])
    assert len(at.venue.live()) == 2


def test_no_desk_is_needed_where_the_function_verifies() -> None:
    at = quoting()

    def broken() -> None:
        raise AssertionError("no desk is needed")

    halted = ask_halt(REQUEST, broken, Function(VERIFIED), at.deadline(), print)  # type: ignore[arg-type]
    assert not halted.is_direct


@pytest.mark.parametrize("error", [Retryable("no route"), Fatal("no permission")])
def test_function_that_cannot_be_reached_is_told_and_replaced(error: MarketMakerError) -> None:
    at = quoting()
    halted, told = ask(at, Function(error))
    assert halted.is_direct
    assert halted.report.verified_s is not None
    assert (at.venue.live(), at.control.mode) == ((), Mode.HALTED)
    assert told == [f"the halt function did not answer, halting from here: {error}"]


def test_function_that_does_not_exist_is_replaced_without_a_word() -> None:
    at = quoting()
    halted, told = ask(at, Function(Refused("there is no function")))
    assert (halted.is_direct, told, at.venue.live()) == (True, [], ())


def test_function_that_could_not_verify_is_helped_from_here() -> None:
    at = quoting()
    halted, told = ask(at, Function(NOT_VERIFIED))
    assert halted.is_direct
    assert halted.report.verified_s is not None
    assert told == ["the halt function could not verify, halting from here: the key is refused"]


def test_direct_halt_asks_no_function() -> None:
    at = quoting()
    halted, _ = ask(at, None)
    assert halted.is_direct
    assert at.venue.live() == ()
