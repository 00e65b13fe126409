"""An operator closes positions: the ticks leave them, once, and nothing is quoted until it is resumed (P10)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.exits import ExitCause
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quotes
from marketmaker.domain.state import Mode
from marketmaker.domain.units import ZERO, Symbol
from marketmaker.errors import Conflict, Refused
from marketmaker.usecases.close import CloseReport, CloseRequest, close_positions
from marketmaker.usecases.operate import ResumeRequest, resume
from tests.builders import ACCOUNT
from tests.fakes.desk import Bench, bench, only_market
from tests.unit.usecases.test_perpetuals import SOL, only, perp

D = Decimal


def long() -> Bench:
    at = perp()
    at.tick()
    at.venue.fill(only(at, Side.BUY))
    at.tick()
    assert at.state(SOL).inventory.base == D("0.1")
    return at


def close(at: Bench, symbol: Symbol | None = None, *, for_ms: int = 0) -> CloseReport:
    request = CloseRequest(account=ACCOUNT, reason="too long", requested_by="operator", symbol=symbol)
    return close_positions(request, at.desk, at.deadline(for_ms))


def test_the_next_ticks_close_the_position_and_quote_nothing() -> None:
    at = long()
    report = close(at)
    assert (report.positions, report.is_flat) == ({SOL: D("0.1")}, False)
    current = at.state(SOL).exits.current
    assert current is not None
    assert (current.cause, current.reason) == (ExitCause.CLOSE, "too long (operator)")
    assert at.control.mode is Mode.REDUCE_ONLY
    at.tick(2)
    assert (at.state(SOL).inventory.base, at.venue.live(SOL)) == (ZERO, ())
    at.tick(100)
    desired = only_market(at.tick()).desired
    assert isinstance(desired, NoQuotes)
    assert desired.reason is NoQuotesReason.NOT_QUOTING


def test_a_resumed_account_quotes_again_once_it_has_cooled_down() -> None:
    at = long()
    close(at)
    at.tick(2)
    resume(ResumeRequest(account=ACCOUNT, reason="calm", requested_by="operator"), at.desk)
    desired = only_market(at.tick()).desired
    assert isinstance(desired, NoQuotes)
    assert desired.reason is NoQuotesReason.COOLING_DOWN
    at.tick(70)
    assert isinstance(only_market(at.tick()).desired, Quotes)


def test_it_waits_for_the_ticks() -> None:
    at = long()
    for meanwhile in (lambda: None, lambda: None, lambda: at.tick(2)):
        at.store.faults.before("read_account", meanwhile)
    report = close(at, SOL, for_ms=30_000)
    assert (report.positions, report.is_flat) == ({SOL: ZERO}, True)


def test_asked_twice_it_closes_once() -> None:
    at = long()
    close(at)
    first = at.state(SOL).exits.current
    close(at)
    assert at.state(SOL).exits.current == first
    at.tick(3)
    assert at.venue.perpetuals[SOL].held.size_base == ZERO


@pytest.mark.parametrize("is_open", [True, False])
def test_a_flat_market_is_closed_at_once(is_open: bool) -> None:
    at = perp()
    if is_open:
        at.tick()
    assert close(at).is_flat


def test_a_tick_that_writes_in_between_does_not_lose_the_wish() -> None:
    at = long()
    at.store.faults.fail_once("save_market", Conflict("a tick wrote it"))
    close(at)
    assert at.state(SOL).exits.current is not None


def test_a_market_that_never_stands_still_is_said() -> None:
    at = long()
    at.store.faults.fail_always("save_market", Conflict("a tick wrote it"))
    with pytest.raises(Conflict, match="changed 10 times while its close was written"):
        close(at)
    assert at.control.mode is Mode.REDUCE_ONLY


def test_spot_has_nothing_to_close() -> None:
    with pytest.raises(Refused, match=r"main has no position to close: allowed are the perpetuals \(none here\)"):
        close(bench())


def test_a_market_that_is_no_perpetual_of_the_account_is_refused() -> None:
    with pytest.raises(Refused, match=rf"BTC/USDT has no position to close: allowed are the perpetuals {SOL}"):
        close(perp(), Symbol("BTC/USDT"))


def test_what_was_asked_for_is_recorded_and_told() -> None:
    at = long()
    close(at)
    assert [alert.kind for alert in at.alerts.sent] == ["close"]
    assert "closed by operator: too long" in at.alerts.sent[0].text
    assert (
        "close",
        {"account": ACCOUNT, "reason": "too long (operator)", "left": {SOL: D("0.1")}},
    ) in at.telemetry.lines
    assert replace(at.control, mode=Mode.QUOTING).mode_reason == "close: too long (operator)"
