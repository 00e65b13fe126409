"""An operator stops one market: its orders go, its neighbours quote on, and only a resume of it lifts it (S11)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.caution import NO_CAUTION
from marketmaker.domain.markets import CapitalShare
from marketmaker.domain.orders import Side
from marketmaker.domain.state import Mode, Restriction
from marketmaker.domain.units import Asset, Symbol
from marketmaker.errors import Retryable
from marketmaker.ports import HaltRequest, Severity
from marketmaker.usecases.halt import HaltReport, halt
from marketmaker.usecases.operate import ResumeRequest, resume
from tests.builders import ACCOUNT, PAXG, SYMBOL, USDT, account_settings, instrument, market_settings, order
from tests.fakes.desk import Bench, bench

OTHER = Symbol("BTC/USDT")
BTC = Asset("BTC")
STOP = HaltRequest(account=ACCOUNT, reason="delisting", requested_by="operator", symbol=SYMBOL)
RESUME = ResumeRequest(account=ACCOUNT, reason="listed again", requested_by="ada", symbol=SYMBOL)


def quoting() -> Bench:
    half = CapitalShare(share=Decimal("0.5"))
    gold = replace(market_settings(), capital_quote=half)
    bitcoin = replace(market_settings(symbol=OTHER, number=1), capital_quote=half)
    rules = (instrument(), replace(instrument(), symbol=OTHER, base=BTC))
    at = bench(account_settings(gold, bitcoin), instruments=rules, totals={PAXG: "5", BTC: "5", USDT: "38000"})
    at.tick()
    return at


def stop(at: Bench, request: HaltRequest = STOP) -> HaltReport:
    return halt(request, at.desk, at.deadline())


def go_on(at: Bench) -> None:
    at.slot_ms = at.clock.now_ms() // 1000 * 1000
    at.tick()


def test_orders_of_the_stopped_market_alone_are_cancelled() -> None:
    at = quoting()
    kept = at.venue.live(OTHER)
    report = stop(at)
    assert at.venue.live() == kept
    assert len(kept) == 2
    assert (report.symbol, report.orders_cancelled, report.orders_left) == (SYMBOL, 2, 0)
    assert report.verified_s is not None


def test_other_markets_go_on_quoting_and_the_stopped_one_does_not() -> None:
    at = quoting()
    stop(at)
    for _ in range(3):
        go_on(at)
    assert at.venue.live(SYMBOL) == ()
    assert {each.side for each in at.venue.live(OTHER)} == {Side.BUY, Side.SELL}
    assert at.control.mode is Mode.QUOTING


def test_tick_that_was_claimed_before_the_stop_creates_nothing() -> None:  # R5
    at = bench()
    at.store.faults.before("read_control", lambda: at.store.stop_market(ACCOUNT, SYMBOL, reason="x", now_ms=0))
    at.tick()
    assert at.venue.received("place") == []


def test_stop_waits_for_the_lease_of_a_running_tick_but_not_for_those_after_it() -> None:  # R5
    at = quoting()
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 1_000, owner="before", now_ms=at.clock.now_ms(), lease_ms=20_000)

    def next_tick() -> None:
        at.clock.advance(20_000)
        at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 2_000, owner="after", now_ms=at.clock.now_ms(), lease_ms=90_000)

    for _ in range(3):
        at.store.faults.before("read_control", lambda: None)
    at.store.faults.before("read_control", next_tick)
    report = stop(at)
    assert report.verified_s is not None
    assert 20 <= report.verified_s < 30


def test_orders_of_other_markets_do_not_spoil_the_verification() -> None:
    at = quoting()
    by_hand = replace(order(Side.BUY, "1"), symbol=SYMBOL, client_id=None)
    foreign = at.venue.add_order(by_hand)
    report = stop(at)
    assert (report.orders_left, report.foreign_orders) == (0, 1)
    assert foreign in at.venue.live()


def test_stopped_market_is_told_with_what_lifts_it() -> None:
    at = quoting()
    stop(at)
    (told,) = at.alerts.sent
    assert (told.kind, told.severity, told.symbol) == ("halt", Severity.CRITICAL, SYMBOL)
    assert told.text.startswith("main PAXG/USDT halted by operator: delisting. 2 orders cancelled, none left after ")
    assert told.text.endswith("`mm resume --market PAXG/USDT` lifts it")
    assert len(told.text) <= 300


def test_resume_of_the_market_quotes_it_again_and_says_who_lifted_it_when_and_why() -> None:
    at = quoting()
    stop(at)
    now_ms = at.clock.now_ms()
    control = resume(RESUME, at.desk)
    assert control.stops == {
        SYMBOL: Restriction(mode=Mode.QUOTING, reason="listed again (ada)", since_ms=now_ms, caution=NO_CAUTION)
    }
    assert at.alerts.sent[-1].text.endswith("resumed by ada: listed again. Quoting starts again")
    event, fields = at.telemetry.lines[-1]
    assert (event, fields["symbol"], fields["reason"]) == ("resume", SYMBOL, "listed again (ada)")
    go_on(at)
    assert len(at.venue.live(SYMBOL)) == 2


def test_resume_of_the_account_leaves_a_stopped_market_stopped() -> None:
    at = quoting()
    stop(at)
    stop(at, replace(STOP, symbol=None))
    resume(replace(RESUME, symbol=None), at.desk)
    go_on(at)
    assert at.venue.live(SYMBOL) == ()
    assert len(at.venue.live(OTHER)) == 2


def test_resume_of_the_market_does_not_lift_a_halt_of_the_account() -> None:
    at = quoting()
    stop(at)
    stop(at, replace(STOP, symbol=None))
    assert resume(RESUME, at.desk).mode is Mode.HALTED
    assert "It is still halted: delisting (operator)" in at.alerts.sent[-1].text


def test_check_risk_does_not_lift_an_operators_stop() -> None:
    at = quoting()
    stop(at)
    at.check()
    assert at.control.mode_of(SYMBOL) is Mode.HALTED
    assert at.control.mode_of(OTHER) is Mode.QUOTING


@pytest.mark.parametrize("symbol", [SYMBOL, None])
def test_second_stop_keeps_the_first_reason(symbol: Symbol | None) -> None:
    at = quoting()
    stop(at, replace(STOP, symbol=symbol))
    control = at.control
    stop(at, replace(STOP, symbol=symbol, reason="again"))
    assert at.control == control


def test_blind_cancels_spare_the_other_markets() -> None:  # R34
    at = quoting()
    kept = at.venue.live(OTHER)
    at.venue.faults.fail_always("open_orders", Retryable("503"))
    halt(STOP, at.desk, at.deadline(10_000))
    assert at.venue.live() == kept
