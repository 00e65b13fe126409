"""One tick after another: who may work, what a tick sends, and what it tells a human."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.markets import AbsoluteBand
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason
from marketmaker.domain.replacing import CancelReason
from marketmaker.domain.state import Mode
from marketmaker.domain.units import Symbol
from marketmaker.errors import AccountRefused, Conflict, Refused, Retryable
from marketmaker.ports import EgressAddress, RejectionKind, Severity, Unknown
from marketmaker.usecases.reports import TickOutcome
from tests.builders import SLOT_MS, SYMBOL, USDT, account_settings, foreign_order, market_settings, order
from tests.fakes.desk import Bench, bench, only_market
from tests.fakes.sinks import FixedEgress
from tests.fakes.venue import BALANCES, BOOKS, OPEN_ORDERS

BUY, SELL = Side.BUY, Side.SELL
CANCEL_OR_PLACE = {"cancel", "place"}


def prices(at: Bench) -> dict[Side, Decimal]:
    return {each.side: each.price for each in at.venue.live() if each.client_id is not None}


def sent(at: Bench) -> list[str]:
    return [method for method in at.venue.methods() if method in CANCEL_OR_PLACE]


def why(at: Bench) -> NoQuotesReason:
    desired = only_market(at.tick()).desired
    assert isinstance(desired, NoQuotes)
    return desired.reason


def quoting() -> Bench:
    at = bench()
    at.tick()
    return at


# Who may work


def test_first_tick_quotes_both_sides() -> None:
    at = bench()
    report = at.tick()
    assert report.outcome is TickOutcome.DONE
    assert prices(at) == {BUY: Decimal("1899.5"), SELL: Decimal("1900.5")}
    assert {each.size_base for each in at.venue.live()} == {Decimal("0.1")}


def test_state_may_be_read_beside_the_venue_in_a_thread() -> None:
    with ThreadPoolExecutor(1) as alongside:
        at = bench(alongside=alongside)
        report = at.tick(2)
    assert only_market(report).plan.keep == at.venue.live()


def test_tick_delivered_twice_changes_nothing() -> None:  # R25
    at = quoting()
    before = len(at.venue.calls)
    assert at.work(at.slot_ms, owner="another").outcome is TickOutcome.SLOT_DONE
    assert len(at.venue.calls) == before


def test_tick_older_than_its_interval_is_dropped_without_a_claim() -> None:  # R25
    at = quoting()
    before = at.control
    at.clock.advance(20_001)
    report = at.work(at.slot_ms + 15_000)
    assert report.outcome is TickOutcome.STALE
    assert report.detail == "5001 ms old"
    assert at.control == before


def test_tick_exactly_one_interval_old_is_worked() -> None:
    at = quoting()
    at.clock.advance(10_000)
    assert at.work(at.slot_ms + 5_000).outcome is TickOutcome.DONE


def test_overlapping_tick_leaves_while_another_holds_the_lease() -> None:  # R9, R25
    at = quoting()
    at.store.claim(at.account, slot_ms=at.slot_ms + 1_000, owner="other", now_ms=at.clock.now_ms(), lease_ms=20_000)
    before = len(at.venue.calls)
    assert at.tick().outcome is TickOutcome.LEASE_TAKEN
    assert len(at.venue.calls) == before
    assert at.tick(4).outcome is TickOutcome.DONE


def test_halted_account_sends_nothing() -> None:  # R5
    at = quoting()
    at.store.strengthen(at.account, Mode.HALTED, reason="test", now_ms=at.clock.now_ms())
    before = len(at.venue.calls)
    assert at.tick().outcome is TickOutcome.HALTED
    assert len(at.venue.calls) == before


@pytest.mark.parametrize("mode", [Mode.REDUCE_ONLY, Mode.CANCEL_ONLY])
def test_weaker_stops_cancel_everything_and_place_nothing(mode: Mode) -> None:
    at = quoting()
    at.store.strengthen(at.account, mode, reason="test", now_ms=at.clock.now_ms())
    assert why(at) is NoQuotesReason.NOT_QUOTING
    assert at.venue.live() == ()


def test_normal_end_gives_the_lease_back_with_what_the_tick_learned() -> None:
    at = quoting()
    assert at.control.lease is None
    assert at.control.last_slot_ms == at.slot_ms
    assert at.control.book_marks[SYMBOL].since_ms == at.slot_ms


def test_defect_leaves_the_lease_to_expire() -> None:  # R3
    at = quoting()
    at.store.faults.fail_once("read_account", ZeroDivisionError("a defect"))
    with pytest.raises(ZeroDivisionError):
        at.tick()
    assert at.control.lease is not None
    assert [at.tick().outcome for _ in range(4)] == [TickOutcome.LEASE_TAKEN] * 3 + [TickOutcome.DONE]


# Replace only what is worth replacing


def test_second_tick_keeps_what_rests() -> None:
    at = quoting()
    before = at.venue.live()
    report = at.tick()
    assert only_market(report).plan.keep == before
    assert sent(at) == ["place"]


def test_price_move_within_tolerance_keeps_orders() -> None:  # C2
    at = quoting()
    at.venue.quote(SYMBOL, "1900.02", "1900.22")
    at.tick()
    assert sent(at) == ["place"]


def test_price_move_beyond_tolerance_replaces_both_orders() -> None:  # C2
    at = quoting()
    at.venue.quote(SYMBOL, "1900.1", "1900.3")
    report = only_market(at.tick())
    assert {each.reason for each in report.plan.cancel} == {CancelReason.PRICE_MOVED}
    assert prices(at) == {BUY: Decimal("1899.7"), SELL: Decimal("1900.7")}
    assert sent(at) == ["place", "cancel", "place"]
    assert report.counts()["cancelled_unfilled"] == 2
    assert report.counts()["protective_cancels"] == 0


def test_partly_filled_order_is_replaced_alone_once_too_small() -> None:
    at = quoting()
    kept = at.venue.only(SELL)
    at.venue.fill(at.venue.only(BUY), "0.06")
    report = only_market(at.tick())
    assert [each.reason for each in report.plan.cancel] == [CancelReason.SIZE_CHANGED]
    assert report.plan.keep == (kept,)
    assert report.counts()["cancelled_unfilled"] == 0


def test_quotes_follow_others_and_not_ourselves() -> None:
    at = bench()
    at.venue.quote(SYMBOL, "1890", "1910")
    at.tick(5)
    assert prices(at) == {BUY: Decimal("1899.5"), SELL: Decimal("1900.5")}
    assert sent(at) == ["place"]


# Guards


def test_price_outside_its_band_cancels_everything_as_protective_with_one_alert() -> None:  # S3, S6
    at = quoting()
    at.venue.quote(SYMBOL, "2000.9", "2001.1")
    report = only_market(at.tick())
    assert report.counts()["protective_cancels"] == 2
    assert report.counts()["cancelled_unfilled"] == 0
    assert at.venue.live() == ()
    at.tick(3)
    assert at.alerts.kinds() == ["price_band"]
    assert at.alerts.sent[0].severity is Severity.CRITICAL
    assert "2001 is outside [1800, 2000]" in at.alerts.sent[0].text


def test_price_back_inside_its_band_is_told_once_and_quoted() -> None:  # S3, R27
    at = quoting()
    at.venue.quote(SYMBOL, "2000.9", "2001.1")
    at.tick(2)
    at.venue.quote(SYMBOL, "1899.9", "1900.1")
    at.tick(3)
    assert [(each.kind, each.severity) for each in at.alerts.sent] == [
        ("price_band", Severity.CRITICAL),
        ("price_band", Severity.INFO),
    ]
    assert prices(at).keys() == {BUY, SELL}


def test_condition_is_not_called_over_while_something_else_stops_the_quotes() -> None:  # R27
    at = quoting()
    at.venue.quote(SYMBOL, "2000.9", "2001.1")
    at.tick()
    at.venue.quote(SYMBOL, "", "2001.1")
    at.tick()
    at.store.strengthen(at.account, Mode.CANCEL_ONLY, reason="test", now_ms=at.clock.now_ms())
    at.tick()
    assert at.alerts.kinds() == ["price_band"]


def test_frozen_book_pulls_the_quotes_once_it_is_too_old() -> None:  # R11
    at = quoting()
    at.venue.is_frozen = True
    at.tick(6)
    assert len(at.venue.live()) == 2
    at.tick()
    assert at.venue.live() == ()
    assert at.alerts.kinds() == ["stale_book"]
    at.venue.is_frozen = False
    at.tick()
    assert len(at.venue.live()) == 2
    assert [each.severity for each in at.alerts.sent] == [Severity.CRITICAL, Severity.INFO]


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        ("", "1900.1", NoQuotesReason.BOOK_ONE_SIDED),
        ("1899.9", "", NoQuotesReason.BOOK_ONE_SIDED),
        ("1900.2", "1900.1", NoQuotesReason.BOOK_CROSSED),
    ],
)
def test_broken_book_pulls_the_quotes(bid: str, ask: str, reason: NoQuotesReason) -> None:  # R11
    at = quoting()
    at.venue.quote(SYMBOL, bid, ask)
    assert why(at) is reason
    assert at.venue.live() == ()


@pytest.mark.parametrize("part", [BALANCES, BOOKS])
def test_unknown_part_of_the_observation_pulls_the_quotes(part: str) -> None:  # R7
    at = quoting()
    at.venue.faults.fail_always(part, Retryable("no answer"))
    assert why(at) is NoQuotesReason.OBSERVATION_FAILED
    assert at.venue.live() == ()
    at.venue.faults.heal(part)
    at.tick()
    assert len(at.venue.live()) == 2


def test_balance_that_is_not_reported_is_unknown_and_not_zero() -> None:  # R7
    at = quoting()
    at.venue.unreported = {USDT}
    report = at.tick(4)
    assert report.outcome is TickOutcome.DONE
    desired = only_market(report).desired
    assert desired == NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED, detail="the venue reports no balance of USDT")
    assert at.alerts.kinds() == ["market_unreadable"]
    assert at.alerts.sent[0].text.endswith("the venue reports no balance of USDT. Nothing is placed until it can")
    assert at.state().inventory.quote == 19_000
    at.venue.unreported = set()
    at.tick()
    assert at.alerts.kinds() == ["market_unreadable", "market_unreadable"]


def test_a_market_that_cannot_be_read_for_a_moment_is_told_to_nobody() -> None:
    at = quoting()
    for _ in range(3):
        at.venue.unreported = {USDT}
        at.tick(2)
        at.venue.unreported = set()
        at.tick()
    assert at.alerts.sent == []


def test_unreadable_open_orders_send_nothing_at_all() -> None:  # R7
    at = quoting()
    before = sent(at)
    at.venue.faults.fail_once(OPEN_ORDERS, Retryable("no answer"))
    report = at.tick()
    assert (report.outcome, report.detail) == (TickOutcome.VENUE_UNREACHABLE, "no answer")
    assert sent(at) == before
    assert at.control.lease is None


def test_mode_strengthened_after_the_claim_stops_creates_but_not_cancels() -> None:  # R5
    at = quoting()
    at.venue.quote(SYMBOL, "1905", "1905.2")
    at.venue.faults.before(
        "cancel", lambda: at.store.strengthen(at.account, Mode.HALTED, reason="x", now_ms=at.clock.now_ms())
    )
    report = at.tick()
    assert report.counts()["orders_cancelled"] == 2
    assert report.counts()["orders_placed"] == 0
    assert at.venue.live() == ()


def test_halt_and_resume_between_claim_and_create_still_stop_the_creates() -> None:  # R5: the epoch moved on
    at = bench()

    def halt_and_resume() -> None:
        at.store.strengthen(at.account, Mode.HALTED, reason="x", now_ms=at.clock.now_ms())
        at.store.resume(at.account, reason="y", now_ms=at.clock.now_ms())

    at.venue.faults.before("newest_trade_id", halt_and_resume)
    at.tick()
    assert at.venue.live() == ()


# Orders that are not where they should be


def test_own_order_of_a_lost_tick_is_adopted_where_it_fits() -> None:  # R2, R31
    at = quoting()
    at.store.faults.fail_once("save_market", ZeroDivisionError("killed"))
    at.venue.quote(SYMBOL, "1905", "1905.2")
    with pytest.raises(ZeroDivisionError):
        at.tick()
    orphans = at.venue.live()
    report = at.tick(4)
    assert only_market(report).plan.keep == orphans
    assert {each.venue_id for each in at.state().working} == {each.venue_id for each in orphans}


def test_own_order_that_no_plan_wants_is_cancelled_within_one_tick() -> None:  # R2
    at = quoting()
    stray = at.venue.add_order(order(BUY, "1850", level=3))
    report = only_market(at.tick())
    assert [(each.order.venue_id, each.reason) for each in report.plan.cancel] == [
        (stray.venue_id, CancelReason.NOT_WANTED)
    ]
    assert len(at.venue.live()) == 2


def test_own_order_in_an_unconfigured_symbol_is_cancelled_within_one_tick() -> None:  # R2
    at = quoting()
    stray = at.venue.add_order(order(BUY, "50", symbol="OLD/USDT"))
    at.venue._instruments[Symbol("OLD/USDT")] = replace(at.venue._instruments[SYMBOL], symbol=Symbol("OLD/USDT"))
    assert at.tick().summary()["strays_cancelled"] == 1
    assert stray.venue_id not in {each.venue_id for each in at.venue.live()}
    assert at.telemetry.counted["strays_cancelled"] == 1


def test_foreign_orders_survive_ticks_guards_and_replacements() -> None:  # R4
    at = quoting()
    by_hand = at.venue.add_order(foreign_order(BUY, "1899.5"))
    other_bot = at.venue.add_order(replace(order(SELL, "1900.5", "1"), client_id=None))
    for bid, ask in (("1905", "1905.2"), ("2100", "2100.2"), ("1899.9", "1900.1")):
        at.venue.quote(SYMBOL, bid, ask)
        at.tick()
    assert by_hand in at.venue.live()
    assert other_bot in at.venue.live()


# When the venue refuses, or does not answer


def test_refused_account_is_halted_with_one_alert() -> None:  # R26
    at = quoting()
    at.venue.faults.fail_always("observe", AccountRefused("invalid API key"))
    report = at.tick()
    assert report.outcome is TickOutcome.ACCOUNT_REFUSED
    assert at.control.mode is Mode.HALTED
    assert at.control.lease is None
    assert at.control.book_marks.keys() == {SYMBOL}
    assert at.tick().outcome is TickOutcome.HALTED
    assert at.alerts.kinds() == ["account_refused"]
    assert "invalid API key" in at.alerts.sent[0].text


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (EgressAddress(address="203.0.113.7", is_static=True), "We asked from 203.0.113.7, which stays. halted;"),
        (
            EgressAddress(address="198.51.100.4", is_static=False),
            'We asked from 198.51.100.4, which changes (egress = "dynamic"). halted;',
        ),
        (Unknown(reason="no answer"), "From which address we asked could not be found out: no answer. halted;"),
    ],
)
def test_who_is_refused_is_told_where_it_asked_from(found: EgressAddress | Unknown, said: str) -> None:  # R26
    at = bench()
    at.desk = replace(at.desk, egress=FixedEgress(found))
    at.venue.faults.fail_always("observe", AccountRefused("invalid API key or IP"))
    at.tick()
    (alert,) = at.alerts.sent
    assert f"invalid API key or IP. {said}" in alert.text


def test_create_refused_for_the_account_halts_and_keeps_what_was_accepted() -> None:  # R26
    at = bench()
    at.venue.accept_next()
    at.venue.reject_next(RejectionKind.FATAL, "no permission to trade")
    report = at.tick()
    assert report.outcome is TickOutcome.ACCOUNT_REFUSED
    assert report.counts()["orders_placed"] == 1
    assert at.control.mode is Mode.HALTED
    assert at.alerts.kinds() == ["account_refused"]
    assert len(at.state().working) == 1


def test_unreachable_venue_is_told_after_three_ticks_once_and_told_over() -> None:  # R27, R30
    at = quoting()
    at.venue.faults.fail_always(OPEN_ORDERS, Retryable("503"))
    at.tick(2)
    assert at.alerts.sent == []
    at.tick(4)
    assert at.alerts.kinds() == ["venue_unreachable"]
    assert at.control.unreachable_ticks == 6
    at.venue.faults.heal(OPEN_ORDERS)
    at.tick(2)
    assert [each.severity for each in at.alerts.sent] == [Severity.CRITICAL, Severity.INFO]
    assert at.control.unreachable_ticks == 0


@pytest.mark.parametrize("error", [Retryable("503"), Refused("invalid symbol")])
def test_markets_that_cannot_be_described_on_a_cold_start_wait_for_the_next_tick(error: Exception) -> None:  # R30
    at = bench()
    at.venue.faults.fail_once("fetch_metadata", error)
    assert at.tick().outcome is TickOutcome.VENUE_UNREACHABLE
    assert at.tick().outcome is TickOutcome.DONE


# Lost writes


def test_lost_save_is_survived_and_repaired_by_the_next_tick() -> None:  # R31
    at = bench()
    at.tick()
    at.venue.quote(SYMBOL, "1905", "1905.2")
    at.store.faults.fail_once("save_market", Conflict("another writer"))
    report = at.tick()
    assert report.outcome is TickOutcome.DONE
    placed = at.venue.live()
    assert {each.venue_id for each in at.state().working}.isdisjoint({each.venue_id for each in placed})
    assert only_market(at.tick()).plan.keep == placed
    assert {each.venue_id for each in at.state().working} == {each.venue_id for each in placed}


def test_lost_save_of_an_unknown_create_keeps_the_lease() -> None:  # R1
    at = bench()
    at.venue.accept_next_after(lookups=1)
    at.store.faults.fail_once("save_market", Conflict("another writer"))
    with pytest.raises(Conflict):
        at.tick()
    assert at.control.lease is not None
    assert at.tick().outcome is TickOutcome.LEASE_TAKEN


@pytest.mark.parametrize("call", ["claim", "read_account", "save_market", "release"])
def test_store_that_does_not_answer_is_a_counted_outcome_and_frees_no_lease(call: str) -> None:  # R3
    at = bench()
    at.store.faults.fail_once(call, Retryable("throttled"))
    report = at.tick()
    assert report.outcome is TickOutcome.STATE_UNREACHABLE
    assert report.detail == "throttled"
    assert at.alerts.sent == []
    assert (at.control.lease is None) is (call == "claim")


def test_fills_of_orders_that_a_killed_tick_left_are_booked_by_the_next_claim() -> None:  # R3
    at = bench()
    at.tick()
    at.venue.quote(SYMBOL, "1905", "1905.2")
    at.store.faults.fail_once("save_market", ZeroDivisionError("killed"))
    with pytest.raises(ZeroDivisionError):
        at.tick()
    unknown = next(each for each in at.venue.live() if each.side is BUY)
    at.venue.fill(unknown, "0.1")
    done = [report for report in (at.tick() for _ in range(4)) if report.outcome is TickOutcome.DONE]
    assert [row.fill.venue_order_id for row in only_market(done[0]).booked] == [unknown.venue_id]


def test_orders_whose_item_could_not_be_written_are_adopted_not_doubled() -> None:  # R1, R2
    at = bench()
    at.store.faults.fail_once("save_market", Retryable("throttled"))
    at.tick(5)
    assert at.venue.methods().count("place") == 1
    assert {each.venue_id for each in at.state().working} == {each.venue_id for each in at.venue.live()}


def test_every_60th_slot_is_recorded_in_full() -> None:
    at = bench()
    at.slot_ms = SLOT_MS // 300_000 * 300_000 + 300_000 - 10_000
    at.tick(3)
    kinds = ["markets" in fields for _, fields in at.telemetry.lines]
    assert kinds == [True, True, False]


def test_ticks_are_counted_by_outcome() -> None:
    at = quoting()
    at.work(at.slot_ms, owner="again")
    assert at.telemetry.counted["ticks_done"] == 1
    assert at.telemetry.counted["ticks_slot_done"] == 1
    assert at.telemetry.counted["orders_placed"] == 2


def test_side_at_the_end_of_the_price_band_is_skipped_alone() -> None:  # S3
    band = AbsoluteBand(low=Decimal(1800), high=Decimal("1900.2"))
    at = bench(account_settings(market_settings(price_band=band)))
    at.tick()
    assert prices(at) == {BUY: Decimal("1899.5")}
