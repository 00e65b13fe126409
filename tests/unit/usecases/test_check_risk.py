"""The second look: it strengthens, cancels and tells, lifts what is certainly over, and touches nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.accounts import AccountSettings, BreachResponse, RiskSettings
from marketmaker.domain.markets import CapitalAmount
from marketmaker.domain.models import FairPriceModel
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason
from marketmaker.domain.state import Mode
from marketmaker.domain.units import Asset, Symbol
from marketmaker.errors import AccountRefused, Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import EgressAddress, HaltRequest, Severity
from marketmaker.usecases.halt import halt
from marketmaker.usecases.operate import ResumeRequest, resume
from marketmaker.usecases.reports import TickOutcome
from marketmaker.usecases.risk_report import RiskOutcome, RiskReport
from tests.builders import (
    ACCOUNT,
    PAXG,
    SYMBOL,
    USDT,
    account_settings,
    foreign_order,
    instrument,
    market_settings,
    order,
)
from tests.fakes.desk import Bench, bench, only_market
from tests.fakes.sinks import FixedEgress
from tests.fakes.venue import BOOKS, LAST_PRICES, OPEN_ORDERS

SECOND, XAUT = Symbol("XAUT/USDT"), Asset("XAUT")
ALERT, CANCEL, HALT = BreachResponse.ALERT, BreachResponse.CANCEL, BreachResponse.HALT
STATE_CALLS = ("restrict", "open_episode", "raise_peaks")


def settings(**risk: Any) -> AccountSettings:
    return replace(account_settings(), risk=RiskSettings(**risk))


def quoting(chosen: AccountSettings | None = None) -> Bench:
    at = bench(chosen)
    at.tick()
    return at


def two_markets(**risk: Any) -> Bench:
    first = replace(market_settings(), capital_quote=CapitalAmount(amount=Decimal(9_000)))
    second = replace(market_settings(symbol=SECOND, number=1), capital_quote=CapitalAmount(amount=Decimal(9_000)))
    at = bench(
        replace(account_settings(first, second), risk=RiskSettings(**risk)),
        instruments=[instrument(), instrument(symbol=SECOND, base=XAUT)],
        totals={PAXG: "2.5", USDT: "20000", XAUT: "2.5"},
    )
    at.tick()
    return at


def own(at: Bench, symbol: Symbol | None = None) -> list[Order]:
    return [each for each in at.venue.live(symbol) if each.client_id is not None]


def told(at: Bench) -> list[tuple[str, Severity]]:
    return [(each.kind, each.severity) for each in at.alerts.sent]


def leave_band(at: Bench, symbol: Symbol = SYMBOL) -> None:
    at.venue.quote(symbol, "2000.9", "2001.1")


def enter_band(at: Bench, symbol: Symbol = SYMBOL) -> None:
    at.venue.quote(symbol, "1899.9", "1900.1")


def overlap(at: Bench) -> None:
    """Let another invocation of the check run from its beginning to its end."""
    at.check()
    at.clock.advance(1)


def writes(at: Bench) -> list[str]:
    return [method for method in at.venue.methods() if method in {"cancel", "place"}]


# Nothing is wrong


def test_sound_account_is_left_alone() -> None:
    at = quoting()
    before, sent = own(at), writes(at)
    report = at.check()
    assert (report.outcome, report.answers, report.unknown, report.problems) == (RiskOutcome.DONE, (), (), ())
    assert own(at) == before
    assert writes(at) == sent
    assert at.alerts.sent == []
    assert (at.control.mode, at.control.epoch, at.control.restrictions) == (Mode.QUOTING, 0, {})
    assert only_market(at.tick()).plan.keep == tuple(before)


def test_check_never_writes_a_markets_item_nor_needs_the_lease() -> None:
    at = quoting()
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 1_000, owner="tick", now_ms=at.clock.now_ms(), lease_ms=20_000)
    before, lease = at.state(), at.control.lease
    at.venue.fill(at.venue.only(Side.BUY), "0.05")
    leave_band(at)
    at.check()
    assert at.state() == before
    assert at.control.lease == lease
    assert own(at) == []


def test_metrics_are_counted_in_every_run_so_that_silence_shows() -> None:
    at = quoting()
    for _ in range(2):
        at.check()
    leave_band(at)
    at.check()
    counted = at.telemetry.counted
    assert (counted["checks"], counted["checks_done"], counted["risk_breach"], counted["risk_blind"]) == (3, 3, 1, 0)
    assert (counted["restricted_markets"], counted["breaches"], counted["protective_cancels"]) == (1, 1, 2)
    assert "risk_breach" in at.check().counts()


# A breach that cancels


def test_price_outside_its_band_restricts_first_then_cancels_then_tells() -> None:  # S3
    at = quoting()
    leave_band(at)
    modes: list[Mode] = []
    at.venue.faults.before("cancel", lambda: modes.append(at.control.mode_of(SYMBOL)))
    report = at.check()
    assert modes == [Mode.REDUCE_ONLY]
    assert own(at) == []
    assert (report.orders_cancelled, report.restricted, report.is_breached) == (2, (SYMBOL,), True)
    assert at.control.restrictions[SYMBOL].reason == "fair price 2001 is outside [1800, 2000]"
    assert at.control.mode is Mode.QUOTING
    assert told(at) == [("price_band", Severity.CRITICAL)]
    assert at.alerts.sent[0].text == (
        "main PAXG/USDT: fair price 2001 is outside [1800, 2000]. "
        "Our orders are cancelled, none placed until it is over"
    )
    assert at.halts.requested == []


def test_breach_that_lasts_is_told_once_and_changes_nothing_more() -> None:  # R27
    at = quoting()
    leave_band(at)
    at.check()
    control, sent = at.control, writes(at)
    for _ in range(3):
        assert at.check().is_breached
    assert at.control == control
    assert writes(at) == sent
    assert at.alerts.kinds() == ["price_band"]


def test_breach_that_a_tick_saw_first_is_not_told_again() -> None:  # R27
    at = quoting()
    leave_band(at)
    at.tick()
    at.check()
    assert at.alerts.kinds() == ["price_band"]
    assert at.control.mode_of(SYMBOL) is Mode.REDUCE_ONLY


def test_breach_that_a_check_saw_first_is_not_told_again_by_ticks() -> None:  # R27
    at = quoting()
    leave_band(at)
    at.check()
    at.tick(3)
    assert at.alerts.kinds() == ["price_band"]


def test_tick_that_claimed_before_the_restriction_creates_nothing_after_it() -> None:  # R5
    at = bench()

    def spike() -> None:
        leave_band(at)
        at.check()
        enter_band(at)

    at.venue.faults.before("newest_trade_id", spike)
    assert at.tick().outcome is TickOutcome.DONE
    assert own(at) == []


def test_ticks_of_a_restricted_market_place_nothing_and_say_why() -> None:
    at = quoting()
    leave_band(at)
    at.check()
    enter_band(at)
    desired = only_market(at.tick()).desired
    assert desired == NoQuotes(
        reason=NoQuotesReason.NOT_QUOTING, detail="reduce_only: fair price 2001 is outside [1800, 2000]"
    )
    assert own(at) == []


def test_order_that_arrived_after_the_cancels_is_cancelled_by_the_next_tick_as_protective() -> None:  # R5
    at = quoting()
    leave_band(at)
    at.check()
    at.venue.add_order(order(Side.BUY, "1899.5"))
    report = at.tick()
    assert own(at) == []
    assert report.counts()["protective_cancels"] == 1


def test_order_that_rests_in_a_restricted_market_is_cancelled_by_the_next_check() -> None:
    at = quoting()
    leave_band(at)
    at.check()
    at.venue.faults.fail_once(BOOKS, Retryable("no answer"))
    at.venue.add_order(order(Side.BUY, "1899.5"))
    report = at.check()
    assert report.answers == ()
    assert report.orders_cancelled == 1
    assert own(at) == []


def test_only_the_market_that_broke_its_limit_is_pulled() -> None:  # S16
    at = two_markets()
    leave_band(at)
    report = at.check()
    assert report.restricted == (SYMBOL,)
    assert {each.symbol for each in own(at)} == {SECOND}
    before = own(at, SECOND)
    at.tick()
    assert own(at) == before
    assert at.alerts.kinds() == ["price_band"]


def test_foreign_orders_survive_every_answer() -> None:  # R4
    at = quoting(settings(price_band=HALT))
    by_hand = at.venue.add_order(foreign_order(Side.BUY, "1700"))
    leave_band(at)
    report = at.check()
    at.check()
    assert at.venue.live() == (by_hand,)
    assert (report.own_orders, report.foreign_orders) == (2, 1)


@pytest.mark.parametrize(("bid", "ask"), [("", "1900.1"), ("1899.9", ""), ("1900.2", "1900.1")])
def test_broken_book_counts_as_stale_data(bid: str, ask: str) -> None:  # R11
    at = quoting()
    at.venue.quote(SYMBOL, bid, ask)
    at.check()
    assert own(at) == []
    assert at.control.mode_of(SYMBOL) is Mode.REDUCE_ONLY
    assert at.alerts.kinds() == ["stale_book"]


def test_book_that_ticks_saw_last_change_too_long_ago_is_stale() -> None:  # R11
    at = quoting()
    at.venue.is_frozen = True
    at.tick(2)
    at.clock.advance(20_000)
    assert at.check().answers == ()
    at.clock.advance(1)
    assert at.check().is_breached
    at.clock.advance(9_999)
    assert own(at) == []
    assert at.alerts.kinds() == ["stale_book"]


def test_one_book_that_is_not_read_once_changes_nothing() -> None:  # R7
    at = quoting()
    at.venue.faults.fail_once(BOOKS, Retryable("no answer"))
    report = at.check()
    assert len(own(at)) == 2
    assert report.answers == ()
    assert set(report.unknown) == {
        "stale_book#PAXG/USDT",
        "price_band#PAXG/USDT",
        "inventory_band#PAXG/USDT",
        "drawdown",
    }
    assert at.telemetry.counted["limits_unknown"] == 4


def test_last_price_is_judged_where_quotes_are_made_by_it() -> None:  # M5
    at = quoting(account_settings(market_settings(fair_price=FairPriceModel.LAST)))
    at.venue.faults.fail_once(LAST_PRICES, Retryable("no answer"))
    assert "price_band#PAXG/USDT" in at.check().unknown
    at.venue.last_prices[SYMBOL] = Decimal(2001)
    assert at.check().restricted == (SYMBOL,)


# Recovery


def test_restriction_is_lifted_once_its_breach_is_over_with_one_resolved_message() -> None:  # S3, R27
    at = quoting()
    leave_band(at)
    at.check()
    at.tick()
    enter_band(at)
    at.tick()
    report = at.check()
    assert (report.lifted, report.restricted) == ((SYMBOL,), ())
    assert own(at) == []
    assert told(at) == [("price_band", Severity.CRITICAL)]
    at.tick(2)
    at.check()
    assert len(own(at)) == 2
    assert told(at) == [("price_band", Severity.CRITICAL), ("price_band", Severity.INFO)]


def test_order_in_a_market_that_is_being_freed_is_left_to_its_ticks() -> None:
    at = quoting()
    leave_band(at)
    at.check()
    enter_band(at)
    resting = at.venue.add_order(order(Side.BUY, "1899.5"))
    assert at.check().lifted == (SYMBOL,)
    assert own(at) == [resting]


@pytest.mark.parametrize("part", [BOOKS, OPEN_ORDERS])
def test_restriction_stays_while_nobody_knows_whether_the_breach_is_over(part: str) -> None:  # R7
    at = quoting()
    leave_band(at)
    at.check()
    enter_band(at)
    at.venue.faults.fail_once(part, Retryable("no answer"))
    assert at.check().lifted == ()
    assert at.control.mode_of(SYMBOL) is Mode.REDUCE_ONLY
    assert at.check().lifted == (SYMBOL,)


def test_restriction_that_somebody_changed_since_the_look_is_not_lifted() -> None:  # R5
    at = quoting()
    leave_band(at)
    at.check()
    enter_band(at)
    now_ms = at.clock.now_ms()
    at.venue.faults.before(BOOKS, lambda: at.store.strengthen(ACCOUNT, Mode.REDUCE_ONLY, reason="other", now_ms=now_ms))
    report = at.check()
    assert (report.lifted, report.restricted, report.outcome) == ((), (SYMBOL,), RiskOutcome.DONE)
    assert "lifting is left to the next check" in report.problems[0]
    assert SYMBOL in at.control.restrictions


def test_two_markets_are_lifted_by_one_check() -> None:
    at = two_markets()
    for symbol in (SYMBOL, SECOND):
        leave_band(at, symbol)
    assert at.check().restricted == (SYMBOL, SECOND)
    for symbol in (SYMBOL, SECOND):
        enter_band(at, symbol)
    assert at.check().lifted == (SYMBOL, SECOND)
    at.tick()
    assert len(own(at)) == 4


def test_check_that_restricts_one_market_lifts_no_other() -> None:  # its own epoch is not the one it read
    at = two_markets()
    leave_band(at)
    at.check()
    enter_band(at)
    leave_band(at, SECOND)
    report = at.check()
    assert (report.lifted, report.restricted) == ((), (SYMBOL, SECOND))
    assert at.check().lifted == (SYMBOL,)


def test_overlapping_checks_change_nothing_twice() -> None:  # R25
    at = quoting()
    leave_band(at)
    at.venue.faults.before("cancel", lambda: overlap(at))
    report = at.check()
    assert (report.orders_cancelled, report.cancels_failed) == (0, 0)
    assert at.control.epoch == 1
    assert at.alerts.kinds() == ["price_band"]
    enter_band(at)
    at.store.faults.before("lift", at.check)
    assert at.check().restricted == ()
    assert at.control.epoch == 2


# A breach that alerts


def test_inventory_outside_its_band_is_told_and_nothing_is_changed() -> None:  # S2, S12
    at = bench(totals={PAXG: "9", USDT: "1900"})
    at.tick()
    before = own(at)
    at.check()
    assert own(at) == before
    assert at.control.restrictions == {}
    assert told(at) == [("inventory_band", Severity.CRITICAL)]
    assert at.alerts.sent[0].text == (
        "main PAXG/USDT: inventory ratio 90.00% is outside [20.00%, 50.00%]. Nothing was changed"
    )


def test_inventory_back_in_its_band_is_told_by_the_check() -> None:  # R27
    at = bench(account_settings(market_settings(order_size_base="1")), totals={PAXG: "5.1", USDT: "9500"})
    at.tick()
    at.check()
    at.check()
    assert told(at) == [("inventory_band", Severity.CRITICAL)]
    at.venue.fill(at.venue.only(Side.SELL))
    assert "inventory_band#PAXG/USDT" in at.check().unknown
    at.tick()
    at.check()
    assert told(at) == [("inventory_band", Severity.CRITICAL), ("inventory_band", Severity.INFO)]
    assert at.alerts.sent[-1].text == "main PAXG/USDT: inventory_band is over; the limit holds again"


# A breach that halts


def test_halting_breach_halts_cancels_everything_and_asks_for_verification() -> None:  # R6
    at = two_markets(price_band=HALT)
    leave_band(at)
    report = at.check()
    assert own(at) == []
    assert at.control.mode is Mode.HALTED
    assert at.control.mode_reason == "fair price 2001 is outside [1800, 2000] (check_risk)"
    assert at.halts.requested == [
        HaltRequest(account=ACCOUNT, reason="fair price 2001 is outside [1800, 2000]", requested_by="check_risk")
    ]
    assert report.halt_requested
    assert at.alerts.kinds() == ["price_band"]
    assert "The account is halted and our orders are cancelled; `mm resume` lifts it" in at.alerts.sent[0].text
    assert at.tick().outcome is TickOutcome.HALTED


@pytest.mark.parametrize("error", [Retryable("throttled"), Refused("too long"), Fatal("no such topic")])
def test_halt_that_cannot_be_requested_cancels_all_the_same(error: MarketMakerError) -> None:
    at = quoting(settings(price_band=HALT))
    at.halts.failures = [error]
    leave_band(at)
    report = at.check()
    assert own(at) == []
    assert at.control.mode is Mode.HALTED
    assert not report.halt_requested
    assert report.problems == (f"the halt could not be requested, so it is not verified: {error}",)


def test_halt_function_verifies_what_the_check_began_and_a_resume_quotes_again() -> None:
    at = quoting(settings(price_band=HALT))
    leave_band(at)
    at.check()
    (request,) = at.halts.requested
    assert halt(request, at.desk, at.deadline()).verified_s is not None
    resume(ResumeRequest(account=ACCOUNT, reason="seen", requested_by="operator"), at.desk)
    enter_band(at)
    at.tick(2)
    assert len(own(at)) == 2
    assert at.alerts.kinds() == ["price_band", "halt", "resume", "price_band"]


# Drawdown


def lose(at: Bench) -> None:
    at.venue.quote(SYMBOL, "1809.9", "1810.1")


def test_drawdown_halts_and_stays_until_a_human_resumes() -> None:  # R6
    at = quoting(settings(max_drawdown_share=Decimal("0.01")))
    at.check()
    assert at.control.peaks[USDT].total_quote == 28_500
    lose(at)
    report = at.check()
    assert report.drawdowns == {USDT: Decimal(450) / Decimal(28_500)}
    assert at.control.mode is Mode.HALTED
    assert at.alerts.kinds() == ["drawdown"]
    enter_band(at)
    at.tick(3)
    assert at.check().outcome is RiskOutcome.HALTED
    assert own(at) == []
    assert at.alerts.kinds() == ["drawdown"]


def test_resume_after_a_drawdown_starts_a_new_peak() -> None:  # R6: re-arming is a manual act
    at = quoting(settings(max_drawdown_share=Decimal("0.01")))
    at.check()
    lose(at)
    at.check()
    resume(ResumeRequest(account=ACCOUNT, reason="seen", requested_by="operator"), at.desk)
    assert at.control.peaks == {}
    at.tick()
    assert at.check().answers == ()
    assert at.control.peaks[USDT].total_quote == 28_050
    assert at.alerts.kinds() == ["drawdown", "resume"]
    at.venue.quote(SYMBOL, "1810.4", "1810.6")
    at.check()
    assert at.control.peaks[USDT].total_quote > 28_050


def test_resume_after_any_other_halt_keeps_the_peak() -> None:  # R6
    at = quoting()
    at.check()
    before = at.control.peaks
    at.store.strengthen(ACCOUNT, Mode.HALTED, reason="drill", now_ms=at.clock.now_ms())
    resume(ResumeRequest(account=ACCOUNT, reason="seen", requested_by="operator"), at.desk)
    assert at.control.peaks == before != {}


def test_peak_survives_a_cold_start_and_never_falls() -> None:  # R6
    at = quoting()
    at.venue.quote(SYMBOL, "1919.9", "1920.1")
    at.check()
    lose(at)
    at.check()
    assert at.control.peaks[USDT].total_quote == 28_600
    assert at.check().drawdowns == {USDT: Decimal(550) / Decimal(28_600)}


def test_foreign_money_that_comes_or_goes_is_no_drawdown() -> None:  # R6, S2a
    market = replace(market_settings(), capital_quote=CapitalAmount(amount=Decimal(9_000)))
    at = bench(replace(account_settings(market), risk=RiskSettings(max_drawdown_share=Decimal("0.001"))))
    at.tick()
    at.check()
    for change in ("5000", "-12000"):
        at.venue.totals[USDT] += Decimal(change)
        assert at.check().drawdowns == {USDT: 0}


def test_fill_that_is_not_booked_yet_is_no_drawdown() -> None:  # R6: fires on a wrong base
    at = quoting(settings(max_drawdown_share=Decimal("0.001")))
    at.check()
    at.venue.fill(at.venue.only(Side.BUY))
    report = at.check()
    assert report.answers == ()
    assert "drawdown" in report.unknown


def test_drawdown_that_only_cancels_restricts_every_market_until_it_is_over() -> None:
    at = two_markets(drawdown=CANCEL, max_drawdown_share=Decimal("0.005"))
    at.check()
    lose(at)
    report = at.check()
    assert own(at) == []
    assert report.restricted == (SYMBOL, SECOND)
    at.tick()
    at.venue.quote(SYMBOL, "1890", "1890.2")
    assert at.check().lifted == (SYMBOL, SECOND)
    at.tick()
    assert len(own(at)) == 4
    assert told(at) == [("drawdown", Severity.CRITICAL), ("drawdown", Severity.INFO)]
    assert at.alerts.sent[-1].text == "main: drawdown is over; quoting goes on by itself"


# The watchdog


def test_orders_whose_ticks_stopped_are_cancelled_foreign_ones_are_not() -> None:  # R3, R4
    at = quoting()
    by_hand = at.venue.add_order(foreign_order(Side.BUY, "1700"))
    at.clock.advance(60_000)
    assert at.check().answers == ()
    at.clock.advance(1)
    report = at.check()
    assert at.venue.live() == (by_hand,)
    assert report.orders_cancelled == 2
    assert at.alerts.sent[0].text == (
        "main: no tick for 60 s while 2 of our orders rest. They are cancelled; quoting goes on when ticks come again"
    )


def test_ticks_that_come_again_quote_at_once_and_the_check_says_so_once() -> None:  # R3, R27
    at = quoting()
    at.clock.advance(60_001)
    at.check()
    at.check()
    assert told(at) == [("ticks_stopped", Severity.CRITICAL)]
    assert at.control.restrictions == {}
    at.slot_ms = at.clock.now_ms() // 1_000 * 1_000
    at.tick()
    assert len(own(at)) == 2
    at.check()
    at.check()
    assert told(at) == [("ticks_stopped", Severity.CRITICAL), ("ticks_stopped", Severity.INFO)]


def test_orders_left_by_another_life_of_the_deployment_are_cancelled() -> None:  # R3: no tick was ever worked
    at = bench()
    at.venue.add_order(order(Side.BUY, "1850"))
    at.venue.add_order(order(Side.BUY, "50", symbol="OLD/USDT"))
    at.venue._instruments[Symbol("OLD/USDT")] = replace(at.venue._instruments[SYMBOL], symbol=Symbol("OLD/USDT"))
    at.check()
    assert own(at) == []
    assert "no tick was ever worked while 2 of our orders rest" in at.alerts.sent[0].text


# Cancels that fail


def test_cancel_that_fails_is_told_tried_again_and_told_over() -> None:  # R27
    at = quoting()
    leave_band(at)
    at.venue.fail_next_cancels(1)
    report = at.check()
    assert (report.orders_cancelled, report.cancels_failed) == (1, 1)
    assert at.alerts.kinds() == ["price_band", "cancel_failed"]
    assert "1 of our orders could not be cancelled, the first: " in at.alerts.sent[1].text
    assert "cancel failed by the test" in at.alerts.sent[1].text
    report = at.check()
    assert own(at) == []
    assert report.orders_cancelled == 1
    assert told(at)[2:] == [("cancel_failed", Severity.INFO)]


def test_cancel_round_that_is_refused_as_a_whole_is_no_defect() -> None:
    at = quoting()
    leave_band(at)
    at.venue.faults.fail_once("cancel", AccountRefused("no permission"))
    report = at.check()
    assert (report.outcome, report.cancels_failed) == (RiskOutcome.DONE, 2)
    assert at.control.mode_of(SYMBOL) is Mode.REDUCE_ONLY


def test_metrics_say_neither_breached_nor_halted_where_a_check_could_not_tell() -> None:  # R7
    def said(at: Bench) -> tuple[int | None, int | None]:
        counts = at.check().counts()
        return counts.get("risk_breach"), counts.get("halted")

    at = quoting()
    assert said(at) == (0, 0)
    leave_band(at)
    assert said(at) == (1, 0)
    at.venue.faults.fail_once(OPEN_ORDERS, Retryable("503"))
    assert said(at) == (None, None)
    at.store.faults.fail_once("read_account", Retryable("throttled"))
    assert said(at) == (1, None)
    at.store.strengthen(ACCOUNT, Mode.HALTED, reason="drill", now_ms=at.clock.now_ms())
    assert said(at) == (0, 1)


# When the venue does not answer, or refuses


def test_unreachable_venue_is_counted_and_changes_nothing() -> None:  # R7, R30
    at = quoting()
    leave_band(at)
    at.check()
    control = at.control
    at.venue.faults.fail_always(OPEN_ORDERS, Retryable("503"))
    for _ in range(3):
        report = at.check()
        assert (report.outcome, report.problems, report.own_orders) == (RiskOutcome.VENUE_UNREACHABLE, ("503",), None)
    assert at.control == control
    assert at.alerts.kinds() == ["price_band"]
    assert at.telemetry.counted["risk_blind"] == 3


@pytest.mark.parametrize("error", [Retryable("503"), Refused("invalid symbol")])
def test_markets_that_cannot_be_described_on_a_cold_start_wait_for_the_next_check(error: MarketMakerError) -> None:
    at = bench()
    at.venue.faults.fail_once("fetch_metadata", error)
    assert at.check().outcome is RiskOutcome.VENUE_UNREACHABLE
    assert at.check().outcome is RiskOutcome.DONE


@pytest.mark.parametrize("error", [AccountRefused("invalid API key"), Fatal("secret main/risk does not exist")])
def test_refused_risk_key_leaves_the_cancelling_to_ticks_until_a_human_resumes(error: Fatal) -> None:  # R26
    at = quoting()
    at.venue.faults.fail_once("observe", error)
    report = at.check()
    assert (report.outcome, report.problems) == (
        RiskOutcome.ACCOUNT_REFUSED,
        (f"the venue refuses the risk key: {error}",),
    )
    assert at.control.mode is Mode.CANCEL_ONLY
    at.tick(3)
    assert own(at) == []
    at.venue.faults.fail_once("observe", error)
    at.check()
    assert told(at) == [("risk_key_refused", Severity.CRITICAL)]
    at.check()
    assert told(at)[1:] == [("risk_key_refused", Severity.INFO)]
    assert at.control.mode is Mode.CANCEL_ONLY
    resume(ResumeRequest(account=ACCOUNT, reason="new key", requested_by="operator"), at.desk)
    at.tick()
    assert len(own(at)) == 2


def test_refused_risk_key_is_told_with_the_address_that_the_venue_saw() -> None:  # R26
    at = quoting()
    at.desk = replace(at.desk, egress=FixedEgress(EgressAddress(address="203.0.113.7", is_static=True)))
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key or IP"))
    at.check()
    assert "invalid API key or IP. We asked from 203.0.113.7, which stays. Nobody" in at.alerts.sent[0].text


def test_refused_risk_key_is_told_anew_after_a_resume() -> None:  # R26, R27
    at = quoting()
    for _ in range(2):
        at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
        at.check()
        resume(ResumeRequest(account=ACCOUNT, reason="x", requested_by="operator"), at.desk)
    assert at.alerts.kinds() == ["risk_key_refused", "resume", "risk_key_refused", "resume"]


def test_refused_risk_key_without_the_store_is_reported() -> None:
    at = quoting()
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    at.store.faults.fail_once("strengthen", Retryable("DynamoDB is down"))
    report = at.check()
    assert report.outcome is RiskOutcome.ACCOUNT_REFUSED
    assert report.problems[1] == "the mode could not be strengthened: DynamoDB is down"


# When the state does not answer


@pytest.mark.parametrize("error", [Retryable("DynamoDB is down"), Fatal("no such table")])
def test_without_the_state_orders_outside_the_band_are_cancelled_all_the_same(error: MarketMakerError) -> None:  # R34
    at = quoting()
    leave_band(at)
    at.store.faults.fail_always("read_account", error)
    at.store.faults.fail_always("restrict", error)
    at.venue.faults.before("cancel", lambda: at.store.faults.heal("restrict"))
    report = at.check()
    assert report.outcome is RiskOutcome.STATE_UNREACHABLE
    assert report.problems == (f"the state cannot be read: {error}",)
    assert own(at) == []
    assert (report.is_breached, report.restricted) == (True, (SYMBOL,))
    assert at.alerts.sent == []


def test_without_the_state_sound_markets_are_left_alone() -> None:
    at = quoting()
    at.store.faults.fail_always("read_account", Retryable("DynamoDB is down"))
    report = at.check()
    assert (report.outcome, report.answers, len(own(at))) == (RiskOutcome.STATE_UNREACHABLE, (), 2)
    assert at.control.restrictions == {}


def test_without_the_state_a_halting_breach_still_asks_for_the_halt() -> None:  # R34
    at = quoting(settings(price_band=HALT))
    leave_band(at)
    at.store.faults.fail_always("read_account", Retryable("DynamoDB is down"))
    at.store.faults.fail_always("strengthen", Retryable("DynamoDB is down"))
    report = at.check()
    assert own(at) == []
    assert len(at.halts.requested) == 1
    assert report.problems[1] == "the mode could not be strengthened: DynamoDB is down"


def test_halting_cancels_in_every_market_even_if_the_flag_is_not_taken() -> None:  # R34
    at = two_markets(price_band=HALT)
    leave_band(at)
    at.store.faults.fail_once("strengthen", Retryable("DynamoDB is down"))
    report = at.check()
    assert own(at) == []
    assert report.outcome is RiskOutcome.STATE_UNREACHABLE
    assert len(at.halts.requested) == 1


@pytest.mark.parametrize("call", STATE_CALLS)
@pytest.mark.parametrize("error", [Retryable("throttled"), Fatal("no permission")])
def test_write_that_fails_stops_no_cancel_and_is_counted(call: str, error: MarketMakerError) -> None:
    at = quoting()
    leave_band(at)
    if call == "raise_peaks":
        enter_band(at)
    at.store.faults.fail_once(call, error)
    report = at.check()
    assert report.outcome is RiskOutcome.STATE_UNREACHABLE
    assert str(error) in report.problems[0]
    assert (own(at) == []) == (call != "raise_peaks")


def test_lift_that_fails_leaves_the_market_restricted() -> None:
    at = quoting()
    leave_band(at)
    at.check()
    enter_band(at)
    at.store.faults.fail_once("lift", Retryable("throttled"))
    report = at.check()
    assert (report.outcome, report.lifted, report.restricted) == (RiskOutcome.STATE_UNREACHABLE, (), (SYMBOL,))


# Halted accounts


def halted(at: Bench) -> None:
    at.store.strengthen(ACCOUNT, Mode.HALTED, reason="drill", now_ms=at.clock.now_ms())


def test_halted_account_without_orders_is_left_in_peace() -> None:
    at = bench(totals={PAXG: "9", USDT: "1900"})
    at.tick()
    at.venue.cancel(own(at), at.deadline())
    halted(at)
    leave_band(at)
    at.clock.advance(600_000)
    control = at.control
    report = at.check()
    assert (report.outcome, report.is_breached, report.own_orders) == (RiskOutcome.HALTED, False, 0)
    assert at.control == control
    assert at.alerts.sent == []
    assert at.halts.requested == []


def test_orders_of_a_halted_account_are_cancelled_without_a_word_while_the_halt_may_be_at_work() -> None:
    at = quoting()
    halted(at)
    at.clock.advance(25_000)
    report = at.check()
    assert own(at) == []
    assert (report.orders_cancelled, report.is_breached) == (2, False)
    assert at.alerts.sent == []


def test_orders_that_rest_long_after_the_halt_are_cancelled_and_told_once() -> None:  # R5, R27
    at = quoting()
    by_hand = at.venue.add_order(foreign_order(Side.BUY, "1700"))
    halted(at)
    at.clock.advance(25_001)
    report = at.check()
    assert at.venue.live() == (by_hand,)
    assert report.is_breached
    assert told(at) == [("orders_after_halt", Severity.CRITICAL)]
    at.check()
    assert told(at)[1:] == [("orders_after_halt", Severity.INFO)]
    assert at.alerts.sent[1].text == "main: orders_after_halt is over; none of our orders rests"


def test_orders_found_after_a_halt_are_told_over_once_the_account_was_resumed() -> None:  # R27
    at = quoting()
    halted(at)
    at.clock.advance(25_001)
    at.check()
    resume(ResumeRequest(account=ACCOUNT, reason="seen", requested_by="operator"), at.desk)
    at.slot_ms = at.clock.now_ms() // 1_000 * 1_000
    at.tick()
    at.check()
    assert [kind for kind, _ in told(at)] == ["orders_after_halt", "resume", "orders_after_halt"]


def test_ticks_refused_with_their_key_leave_orders_that_the_check_cancels_with_its_own() -> None:  # R26
    at = quoting()
    at.venue.faults.fail_once("observe", AccountRefused("invalid trade key"))
    assert at.tick().outcome is TickOutcome.ACCOUNT_REFUSED
    assert len(own(at)) == 2
    assert at.check().orders_cancelled == 2
    assert own(at) == []


def test_restrictions_outlive_a_halt_and_are_judged_after_it() -> None:
    at = quoting()
    leave_band(at)
    at.check()
    halted(at)
    assert at.check().restricted == (SYMBOL,)
    resume(ResumeRequest(account=ACCOUNT, reason="seen", requested_by="operator"), at.desk)
    at.tick()
    assert own(at) == []
    enter_band(at)
    assert at.check().lifted == (SYMBOL,)


# What it says of itself


def test_check_is_one_line_of_plain_values() -> None:
    at = quoting()
    leave_band(at)
    report = at.check()
    lines: list[Mapping[str, Any]] = [fields for event, fields in at.telemetry.lines if event == "risk"]
    assert lines == [report.summary()]
    assert report.summary()["breaches"] == [
        {
            "kind": "price_band",
            "symbol": SYMBOL,
            "response": "cancel",
            "text": "fair price 2001 is outside [1800, 2000]",
        }
    ]
    assert report.summary()["drawdowns"] == {USDT: 0}
    assert at.telemetry.flushes == 0


# Whatever happens


class Event(StrEnum):
    """What happens to an account that ticks and checks work in turns."""

    TICK = "tick"
    CHECK = "check"
    INSIDE = "inside"
    OUTSIDE = "outside"
    ONE_SIDED = "one_sided"
    FILL = "fill"
    FAILING_CANCEL = "failing_cancel"
    UNREAD_BOOK = "unread_book"
    UNREAD_ORDERS = "unread_orders"
    UNREAD_STATE = "unread_state"
    LOST_RESTRICTION = "lost_restriction"
    OVERLAP = "overlap"


def happen(at: Bench, event: Event) -> None:
    """Let it happen, now or at the next opportunity."""
    venue, store = at.venue, at.store
    no_answer = Retryable("no answer")
    whatever: dict[Event, Callable[[], object]] = {
        Event.TICK: at.tick,
        Event.CHECK: at.check,
        Event.INSIDE: lambda: enter_band(at),
        Event.OUTSIDE: lambda: leave_band(at),
        Event.ONE_SIDED: lambda: venue.quote(SYMBOL, "", "1900.1"),
        Event.FILL: lambda: [venue.fill(resting, "0.01") for resting in own(at)[:1]],
        Event.FAILING_CANCEL: venue.fail_next_cancels,
        Event.UNREAD_BOOK: lambda: venue.faults.fail_once(BOOKS, no_answer),
        Event.UNREAD_ORDERS: lambda: venue.faults.fail_once(OPEN_ORDERS, no_answer),
        Event.UNREAD_STATE: lambda: store.faults.fail_once("read_account", no_answer),
        Event.LOST_RESTRICTION: lambda: store.faults.fail_once("restrict", no_answer),
        Event.OVERLAP: lambda: venue.faults.before("cancel", lambda: overlap(at)),
    }
    whatever[event]()


def assert_protected(at: Bench, report: RiskReport) -> None:
    """A check that saw all leaves no order where none may rest, but those whose cancel failed."""
    if report.outcome is RiskOutcome.DONE and report.restricted:
        assert len(own(at)) <= report.cancels_failed


@given(st.lists(st.sampled_from(Event), min_size=5, max_size=40))
def test_every_message_is_told_once_and_everything_ends_well(events: list[Event]) -> None:  # S3, R4, R7, R25, R27
    at = quoting()
    by_hand = at.venue.add_order(foreign_order(Side.SELL, "2500"))
    peaks: list[Decimal] = []
    for event in events:
        happen(at, event)
        at.clock.advance(1)
        assert_protected(at, at.check())
        assert by_hand in at.venue.live()
        peaks += [peak.gains_quote for peak in at.control.peaks.values()]
    assert peaks == sorted(peaks)
    at.venue.calm()
    at.store.faults.clear()
    enter_band(at)
    for _ in range(10):
        at.tick()
        at.clock.advance(1)
        at.check()
    assert at.control.restrictions == {}
    assert {each.side for each in own(at)} == {Side.BUY, Side.SELL}
    for kind in {kind for kind, _ in told(at)}:
        severities = [severity for each, severity in told(at) if each == kind]
        assert severities == [Severity.CRITICAL, Severity.INFO] * (len(severities) // 2), kind
