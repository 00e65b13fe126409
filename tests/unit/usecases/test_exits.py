"""An exit through ticks: written down first, bounded, escalated, finished whatever happens, and told once (S9, P5)."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.adapters.telemetry import _to_json
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.exits import ExitStyle
from marketmaker.domain.models import CostBasis, ExitSettings, FallStop
from marketmaker.domain.orders import EXIT_LEVEL, OrderIdentity, Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quotes
from marketmaker.domain.state import Mode
from marketmaker.errors import Conflict, LeaseLost, Retryable
from marketmaker.ports import Severity
from marketmaker.usecases.explain import explain
from marketmaker.usecases.records import read_decisions
from marketmaker.usecases.replay import replay
from marketmaker.usecases.reports import MarketReport, TickOutcome
from tests.builders import SYMBOL, TAG, absolute_band, account_settings, market_settings
from tests.fakes.desk import Bench, bench, only_market

D = Decimal
HALF = FallStop(fall_share=D("0.05"), basis=CostBasis.AVERAGE_COST, stop_share=D("0.5"))
CRASHED = ("1799", "1801")


def leaving(stop: FallStop | Decimal | None = HALF, *, take_profit: Decimal | None = None) -> Bench:
    """Return a market at 1900 that has opened with 5 PAXG, quotes, and is to be left after a fall."""
    at = bench(account_with(ExitSettings(stop_loss=stop, take_profit_quote=take_profit)))
    at.tick()
    return at


def account_with(rules: ExitSettings) -> AccountSettings:
    return account_settings(replace(market_settings(price_band=absolute_band("1", "100000")), exits=rules))


def crash(at: Bench, bid: str = CRASHED[0], ask: str = CRASHED[1]) -> MarketReport:
    at.venue.quote(SYMBOL, bid, ask)
    return only_market(at.tick())


def sold(at: Bench) -> Decimal:
    return sum((row.fill.size_base for row in at.fills() if row.fill.side is Side.SELL), D(0))


def reason(report: MarketReport) -> NoQuotesReason:
    assert isinstance(report.desired, NoQuotes)
    return report.desired.reason


def test_a_fall_pulls_every_quote_and_sells_half_at_the_touch() -> None:  # S9
    at = leaving()
    report = crash(at)
    assert reason(report) is NoQuotesReason.EXITING
    (quote,) = report.plan.place
    assert (quote.side, quote.price, quote.size_base, quote.style) == (Side.SELL, D(1799), D("2.5"), ExitStyle.LIMIT)
    (sent,) = [each for each in at.venue.orders.values() if each.price == D(1799)]
    identity = OrderIdentity.decode(sent.client_id or "", TAG)
    assert identity is not None
    assert identity.level == EXIT_LEVEL
    assert at.venue.live() == ()


def test_after_it_nothing_is_quoted_until_the_market_has_cooled_down() -> None:
    at = leaving()
    crash(at)
    after = only_market(at.tick())
    assert reason(after) is NoQuotesReason.COOLING_DOWN
    assert (sold(at), at.state().inventory.base) == (D("2.5"), D("2.5"))
    for _ in range(58):
        assert reason(only_market(at.tick())) is NoQuotesReason.COOLING_DOWN
    assert isinstance(only_market(at.tick(2)).desired, Quotes)


def test_what_the_touch_does_not_take_escalates_within_the_bound() -> None:
    at = leaving()
    at.venue.taken_at_most = D("0.5")
    reports = [crash(at), *(only_market(at.tick()) for _ in range(3))]
    placed = [report.plan.place[0] for report in reports]
    assert [(each.style, each.price, each.size_base) for each in placed] == [
        (ExitStyle.LIMIT, D(1799), D("2.5")),
        (ExitStyle.IMMEDIATE, D("1790.01"), D(2)),
        (ExitStyle.MARKET, D("1781.01"), D("1.5")),
        (ExitStyle.MARKET, D("1781.01"), D(1)),
    ]
    at.tick(2)
    assert (sold(at), at.venue.live()) == (D("2.5"), ())


def test_a_tick_that_dies_after_the_order_was_sent_sells_nothing_twice() -> None:  # R3
    at = leaving()
    at.venue.quote(SYMBOL, *CRASHED)
    at.store.faults.fail_once("release", ZeroDivisionError("the process ends here"))
    with pytest.raises(ZeroDivisionError):
        at.tick()
    at.tick(6)
    assert (sold(at), at.state().inventory.base) == (D("2.5"), D("2.5"))


def test_a_tick_that_dies_before_the_order_is_sent_leaves_the_exit_to_the_next() -> None:  # R3
    at = leaving()
    at.venue.quote(SYMBOL, *CRASHED)
    at.venue.faults.fail_once("place", ZeroDivisionError("the process ends here"))
    with pytest.raises(ZeroDivisionError):
        at.tick()
    current = at.state().exits.current
    assert current is not None
    assert current.attempts == 1
    at.venue.quote(SYMBOL, "1899", "1901")
    at.tick(6)
    assert sold(at) == D("2.5"), "an exit that was begun is finished though the price came back"


def test_an_exit_goes_on_while_the_switch_cannot_be_armed() -> None:  # R3
    account = replace(account_with(ExitSettings(stop_loss=HALF)), dedicated=True, venue="binanceusdm")
    at = bench(account)
    at.tick()
    at.venue.faults.fail_always("arm_switch", Retryable("503"))
    assert crash(at).held_back is None
    at.tick()
    assert sold(at) == D("2.5")


def test_an_exit_that_could_not_be_written_down_is_not_begun() -> None:
    at = leaving()
    at.venue.quote(SYMBOL, *CRASHED)
    at.store.faults.fail_once("save_market", Conflict("another writer"))
    report = only_market(at.tick())
    assert (report.plan.place, report.places, at.venue.live()) == ((), (), ())
    at.tick(2)
    assert sold(at) == D("2.5")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Retryable("no answer"), TickOutcome.STATE_UNREACHABLE), (LeaseLost("taken over"), TickOutcome.LEASE_LOST)],
)
def test_without_the_store_and_the_lease_no_exit_begins(error: Exception, outcome: TickOutcome) -> None:  # R9
    at = leaving()
    at.venue.quote(SYMBOL, *CRASHED)
    at.store.faults.fail_once("save_market", error)
    assert at.tick().outcome is outcome
    assert sold(at) == D(0)


def test_an_order_whose_outcome_is_unknown_is_not_sent_again_before_it_is_certain() -> None:  # R1
    at = leaving()
    at.venue.lose_next_reply()
    crash(at)
    at.tick(3)
    assert (sold(at), at.state().inventory.base) == (D("2.5"), D("2.5"))


def test_while_it_is_unknown_its_place_is_blocked() -> None:  # R1
    at = leaving()
    at.venue.accept_next_after(2)
    crash(at)
    report = only_market(at.tick())
    assert (report.plan.place, len(report.plan.blocked)) == ((), 1)
    at.tick(4)
    assert sold(at) == D("2.5")


@pytest.mark.parametrize(("mode", "is_sold"), [(Mode.REDUCE_ONLY, True), (Mode.CANCEL_ONLY, False)])
def test_an_account_that_may_only_reduce_still_leaves(mode: Mode, is_sold: bool) -> None:
    at = leaving()
    at.store.strengthen(at.account, mode, reason="test", now_ms=at.clock.now_ms())
    crash(at)
    at.tick()
    assert (sold(at) == D("2.5"), at.venue.live()) == (is_sold, ())


@pytest.mark.parametrize("quote", [("1801", "1799"), ("1799", "1799")])
def test_a_book_that_cannot_be_trusted_begins_nothing(quote: tuple[str, str]) -> None:  # R11
    at = leaving()
    report = crash(at, *quote)
    assert reason(report) is NoQuotesReason.BOOK_CROSSED
    assert at.state().exits.current is None


def test_a_book_that_stands_still_begins_nothing() -> None:  # R11
    at = leaving(D(1))
    at.venue.is_frozen = True
    at.tick(8)
    (market,) = at.desk.settings.markets
    eager = replace(market, exits=ExitSettings(take_profit_quote=D("0.0001")))
    at.desk = replace(at.desk, settings=replace(at.desk.settings, markets=(eager,)))
    at.store.save_market(
        at.account, replace(at.state(), inventory=replace(at.state().inventory, cost_basis_quote=D(1)))
    )
    assert reason(only_market(at.tick())) is NoQuotesReason.BOOK_STALE
    assert at.state().exits.current is None


def test_a_broken_price_band_does_not_keep_us_in() -> None:  # S3
    at = bench(account_settings(replace(market_settings(), exits=ExitSettings(stop_loss=HALF))))
    at.tick()
    at.venue.taken_at_most = D(0)
    crash(at, "1780", "1781")
    at.check()
    assert at.control.mode_of(SYMBOL) is Mode.REDUCE_ONLY
    assert [each.price for each in at.venue.live()] == [D(1780)], "the exit's own order may stay"
    at.venue.taken_at_most = D(10)
    at.tick(2)
    assert sold(at) == D("2.5")


def test_an_exit_that_nobody_follows_is_cancelled_by_the_watchdog() -> None:  # R3
    at = leaving()
    at.venue.taken_at_most = D(0)
    crash(at)
    assert len(at.venue.live()) == 1
    at.clock.advance(200_000)
    at.check()
    assert at.venue.live() == ()


@pytest.mark.parametrize(
    ("stop", "take_profit", "price"), [(D(400), None, ("1819", "1820")), (None, D(400), ("1980", "1981"))]
)
def test_a_loss_closes_the_whole_position_and_so_does_a_gain(
    stop: Decimal | None, take_profit: Decimal | None, price: tuple[str, str]
) -> None:  # P5
    at = leaving(stop, take_profit=take_profit)
    crash(at, *price)
    at.tick(2)
    assert at.state().inventory.base == D(0)


def test_the_fifth_exit_within_an_hour_of_each_other_halts() -> None:  # P5
    at = leaving(D(1))
    at.store.save_market(
        at.account,
        replace(at.state(), exits=replace(at.state().exits, ended_ms=at.clock.now_ms(), repeats=3)),
    )
    crash(at)
    report = at.tick()
    assert reason(only_market(report)) is NoQuotesReason.COOLING_DOWN
    assert (at.control.mode, at.venue.live()) == (Mode.HALTED, ())
    told = [(alert.kind, alert.severity) for alert in at.alerts.sent]
    assert ("exits_repeated", Severity.CRITICAL) in told


def test_an_exit_is_told_when_it_begins_and_when_quoting_goes_on() -> None:  # S12
    at = leaving()
    crash(at)
    at.tick(62)
    told = [(alert.kind, alert.severity) for alert in at.alerts.sent if alert.kind == "exit"]
    assert told == [("exit", Severity.CRITICAL), ("exit", Severity.INFO)]
    first = next(alert.text for alert in at.alerts.sent if alert.kind == "exit")
    assert "the price fell 5.26% below 1900, 50% of the base is sold" in first


def test_a_recorded_exit_is_decided_again_as_it_was_and_can_be_explained() -> None:
    at = leaving()
    at.venue.taken_at_most = D("0.5")
    at.venue.quote(SYMBOL, *CRASHED)
    for _ in range(7):
        line: dict[str, Any] = json.loads(_to_json(dict(at.tick().record(in_full=True))))
        (decision,) = read_decisions(line)
        again = replay(decision, at.desk.settings)
        assert again.differences == ()
        assert explain(again).no_quotes is not None
    assert sold(at) == D("2.5")
