"""What a tick says of itself: a summary, and a decision record that explains it."""

from decimal import Decimal
from typing import Any

from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotesReason
from marketmaker.domain.state import Mode
from marketmaker.errors import Retryable
from marketmaker.ports import RejectionKind
from tests.builders import SYMBOL, foreign_order
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import OPEN_ORDERS


def record_of(at: Bench) -> dict[str, Any]:
    event, fields = at.telemetry.lines[-1]
    assert event == "tick"
    return dict(fields)


def test_quiet_tick_writes_a_few_bytes() -> None:
    at = bench()
    at.tick(2)
    record = record_of(at)
    assert record == {
        "account": "main",
        "slot_ms": at.slot_ms,
        "lag_ms": 0,
        "outcome": "done",
        "config": "0123456789abcdef",
        "kept": 2,
    }
    assert len(str(record)) <= 200


def test_quiet_tick_without_quotes_says_why() -> None:
    at = bench()
    at.venue.quote(SYMBOL, "2100", "2100.2")
    at.tick()
    assert record_of(at)["no_quotes"] == {NoQuotesReason.PRICE_OUTSIDE_BAND: 1}


def test_unreachable_venue_is_recorded_with_its_reason() -> None:
    at = bench()
    at.venue.faults.fail_once(OPEN_ORDERS, Retryable("503"))
    report = at.tick()
    assert record_of(at)["detail"] == "503"
    assert report.summary()["detail"] == "503"
    assert report.counts() == {"heartbeat": 0, "lag_ms": 0, "strays_cancelled": 0}


def test_lag_is_how_long_after_its_slot_a_tick_arrived_whatever_came_of_it() -> None:
    at = bench()
    at.clock.advance(7_250)
    for owner, outcome in (("first", "done"), ("second", "slot_done")):
        report = at.work(at.slot_ms + 5_000, owner=owner)
        assert (report.outcome, report.lag_ms) == (outcome, 2_250)
        assert record_of(at)["lag_ms"] == report.summary()["lag_ms"] == 2_250
    assert at.telemetry.counted["lag_ms"] == 4_500
    at.clock.advance(60_000)
    assert at.work(at.slot_ms + 10_000).lag_ms == 57_250


def test_heart_beats_while_ticks_are_worked_or_the_account_is_halted() -> None:
    at = bench()
    assert at.tick().counts()["heartbeat"] == 1
    assert at.work(at.slot_ms, owner="again").counts()["heartbeat"] == 0
    at.store.strengthen(at.account, Mode.HALTED, reason="drill", now_ms=at.clock.now_ms())
    assert at.tick().counts()["heartbeat"] == 1
    at.clock.advance(60_000)
    assert at.work(at.slot_ms + 5_000).counts()["heartbeat"] == 0
    assert at.telemetry.counted["heartbeat"] == 2


def test_tick_that_arrives_early_has_no_lag() -> None:
    at = bench()
    assert at.work(at.slot_ms + 5_000).lag_ms == 0


def test_tick_that_acts_records_what_it_saw_did_and_why() -> None:
    at = bench()
    at.tick()
    at.venue.fill(at.venue.only(Side.BUY), "0.04")
    at.venue.quote(SYMBOL, "1901", "1901.2")
    at.venue.reject_next(RejectionKind.WOULD_TAKE)
    at.venue.lose_next_request()
    at.tick()
    market, again = record_of(at)["markets"]
    assert again["only"] == [("b", 0)]
    assert market["saw"]["bids"] == [(Decimal(1901), Decimal(5))]
    assert market["saw"]["holds"][0] == Decimal("5.04")
    assert [stage[0] for stage in market["stages"]] == ["half_spread"], "no other stage moved anything"
    assert [cancelled[1:] for cancelled in market["cancelled"]] == [(), ()], "for their price, as most are"
    assert [placed[1] for placed in market["placed"]] == ["would_take", "unknown"]
    assert [booked[1] for booked in market["booked"]] == [Decimal("0.04")]
    assert market["fills"] == 1


def test_accepted_and_blocked_places_are_recorded() -> None:
    at = bench()
    at.venue.lose_next_request()
    at.tick()
    at.venue.clock_offset_ms = -60_000
    (market,) = record_of(at)["markets"]
    assert [placed[:2] for placed in market["placed"]] == [(0, "unknown"), (1,)]
    at.venue.quote(SYMBOL, "1901", "1901.2")
    at.tick()
    (market,) = record_of(at)["markets"]
    assert market["blocked"] == [("b", 0)]


def test_full_record_of_a_market_that_never_opened_says_why() -> None:
    at = bench()
    at.venue.quote(SYMBOL, "", "1900.1")
    report = at.tick()
    (market,) = report.record(in_full=True)["markets"]
    assert market["detail"] == "no fair price to open at"
    assert "saw" not in market


def test_book_is_recorded_with_at_most_five_levels_a_side() -> None:
    at = bench()
    at.tick()
    for step in range(8):
        at.venue.add_order(foreign_order(Side.BUY, 1890 - step))
    (market,) = at.tick().record(in_full=True)["markets"]
    assert len(market["saw"]["bids"]) == 5
