"""Ticks meter their markets: what they did, how long quotes stood, an hour kept when it is over (S8)."""

from decimal import Decimal

from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.metering import DAY_MS, HOUR_MS, Counts, Hour, Meter
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Asset
from marketmaker.errors import Retryable
from marketmaker.usecases.compliance import MarketCompliance, read_compliance
from tests.builders import ACCOUNT, SYMBOL
from tests.fakes.desk import Bench, bench

D = Decimal
INTERVAL_MS = 5_000


def running(at: Bench) -> Meter:
    return at.control.meters[SYMBOL]


def counted(at: Bench) -> Counts:
    return running(at).hour.counts


def compliance(at: Bench, days: int = 7) -> MarketCompliance:
    (found,) = read_compliance(at.desk, [SYMBOL], days=days)
    return found


def at_hours_end() -> Bench:
    """Quote, then jump to the last tick of the hour."""
    at = bench()
    at.tick()
    at.slot_ms = at.slot_ms // HOUR_MS * HOUR_MS + HOUR_MS - INTERVAL_MS
    at.clock.set(at.slot_ms)
    at.work(at.slot_ms)
    return at


def test_a_tick_counts_what_it_placed_and_the_next_how_long_it_stood() -> None:
    at = bench()
    at.tick()
    assert (counted(at).placed, counted(at).two_sided_ms) == (2, 0)
    at.tick(2)
    assert (counted(at).placed, counted(at).two_sided_ms) == (2, 2 * INTERVAL_MS)
    bid, ask = at.venue.only(Side.BUY), at.venue.only(Side.SELL)
    middle = (bid.price + ask.price) / 2
    spread_bps = counted(at).spread_bps
    assert spread_bps is not None
    assert abs(spread_bps - (ask.price - bid.price) / middle * 10_000) < D("0.0001")
    assert counted(at).depth_quote == (bid.price * bid.size_base).quantize(D("0.01"))


def test_fills_are_counted_by_role() -> None:
    at = bench()
    at.tick()
    at.venue.fill(at.venue.only(Side.BUY))
    at.tick()
    assert (counted(at).fills, counted(at).taker_fills) == (1, 0)
    assert counted(at).volume_quote == D("189.95")


def test_a_tick_that_could_not_read_the_venue_leaves_the_meter() -> None:
    at = bench()
    at.tick()
    before = running(at)
    at.venue.faults.fail_once("observe", Retryable("503"))
    at.tick()
    assert running(at) == before
    at.tick()
    assert counted(at).two_sided_ms == 2 * INTERVAL_MS


def test_a_tick_that_died_counts_nothing() -> None:
    at = bench()
    at.tick()
    before = running(at)
    at.store.faults.fail_once("release", Retryable("DynamoDB is down"))
    at.tick()
    assert running(at) == before


def test_an_hour_that_is_over_is_kept_and_the_next_begins() -> None:
    at = at_hours_end()
    last = running(at).hour
    at.tick()
    kept = at.store.hours(ACCOUNT, SYMBOL, from_ms=0, to_ms=2**62)
    assert kept == [last]
    assert running(at).hour.start_ms == last.start_ms + HOUR_MS
    assert counted(at).two_sided_ms == INTERVAL_MS
    assert counted(at).placed == 0


def test_an_hour_that_cannot_be_kept_goes_on_until_it_can() -> None:
    at = at_hours_end()
    last = running(at).hour
    at.store.faults.fail_once("keep_hour", Retryable("DynamoDB is down"))
    at.tick()
    assert running(at).hour.start_ms == last.start_ms
    at.tick()
    (kept,) = at.store.hours(ACCOUNT, SYMBOL, from_ms=0, to_ms=2**62)
    assert kept.counts.two_sided_ms == last.counts.two_sided_ms + INTERVAL_MS
    assert running(at).hour.start_ms == last.start_ms + HOUR_MS


# --- what a person is shown -------------------------------------------------------------------------------------------


def test_the_running_hour_counts_with_the_kept_ones() -> None:
    at = at_hours_end()
    at.tick()
    found = compliance(at)
    assert found.last_day.counts.placed == 4  # two at first, two as those had grown old
    assert sum(day.counts.two_sided_ms for day in found.days) == INTERVAL_MS
    assert found.days[-1].to_ms == at.clock.now_ms()


def test_an_hour_that_was_kept_as_it_ran_on_counts_once() -> None:
    at = bench()
    at.tick(3)
    at.store.keep_hour(ACCOUNT, SYMBOL, running(at).hour)
    assert compliance(at).last_day.counts == counted(at)


def test_a_market_without_ticks_has_no_days() -> None:
    assert compliance(bench()).days == ()


def test_only_the_days_asked_for_are_shown_and_the_first_is_whole_if_ticks_came_before() -> None:
    at = bench()
    at.tick()
    today_ms = at.clock.now_ms() // DAY_MS * DAY_MS
    for back in (1, 2):
        start_ms = today_ms - back * DAY_MS + 5 * HOUR_MS
        at.store.keep_hour(ACCOUNT, SYMBOL, Hour(start_ms=start_ms, since_ms=start_ms, counts=Counts(placed=back)))
    days = compliance(at, days=2).days
    assert [(day.from_ms, day.counts.placed) for day in days] == [(today_ms - DAY_MS, 1), (today_ms, 2)]
    (only,) = compliance(at, days=1).days
    assert only.from_ms == today_ms


def test_the_account_is_worth_what_the_days_first_check_saw_in_dollars() -> None:
    at = bench()
    at.tick()
    worth = {
        Asset("USDT"): Equity(markets=(SYMBOL,), deposited_quote=D(90_000), gains_quote=D(11_000)),
        Asset("BTC"): Equity(markets=(SYMBOL,), deposited_quote=D(5), gains_quote=D(0)),
    }
    assert {each.name: each.found for each in compliance(at).points}["account in USD"] == "unknown"
    day = at.clock.now_ms() // DAY_MS
    at.store.keep_days(ACCOUNT, {asset: DayStart(day=day, equity=each) for asset, each in worth.items()})
    assert {each.name: each.found for each in compliance(at).points}["account in USD"] == "101000"
