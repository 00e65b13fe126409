"""A market is measured once a minute, and what is kept does not depend on how the runs came about."""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketmaker.domain.calibration import Calibration
from marketmaker.domain.intensity import IntensityFit
from marketmaker.domain.klines import MINUTE_MS, Kline, in_minutes
from marketmaker.domain.regime import BUCKET_MS, LEAD_MS, MOST_BUCKETS, VolatilityRegime, bucket_of
from marketmaker.domain.statistics import Unfit
from marketmaker.domain.units import Symbol
from marketmaker.domain.volatility import VolatilityFit
from marketmaker.errors import AccountRefused, MarketMakerError, Refused, Retryable
from marketmaker.ports import Deadline
from marketmaker.usecases.calibrate import BUCKETS_A_RUN, NOT_MEASURED, WINDOW_MS, Measured, MeasuredMarket, measure
from tests.builders import SLOT_MS, SYMBOL, instrument
from tests.fakes.clock import ManualClock
from tests.fakes.prices import FaultyPrices
from tests.fakes.venue import FakeVenue

NOON_MS = bucket_of(SLOT_MS)
WEEK_MS = MOST_BUCKETS * BUCKET_MS
BITCOIN = Symbol("BTC/USDT")


def moved(open_ms: int, interval_ms: int, close: float) -> Kline:
    price = Decimal(f"{close:.2f}")
    return Kline(
        open_ms=open_ms,
        interval_ms=interval_ms,
        open=price,
        high=price,
        low=price,
        close=price,
        volume_base=Decimal(1),
    )


def walk(from_ms: int, to_ms: int, interval_ms: int) -> list[Kline]:
    """Draw a price that moves by some bps an interval."""
    random, price, found = Random(from_ms), 1900.0, []  # noqa: S311 - a reproducible draw
    for open_ms in range(from_ms, to_ms, interval_ms):
        price *= math.exp(random.gauss(0, 3e-4))
        found.append(moved(open_ms, interval_ms, price))
    return found


MINUTES = walk(NOON_MS - WEEK_MS - LEAD_MS, NOON_MS + 3 * BUCKET_MS, MINUTE_MS)
SECONDS = walk(NOON_MS - WINDOW_MS - 2 * MINUTE_MS, NOON_MS + MINUTE_MS, 1_000)


@dataclass
class Market:
    """A venue that lists a week of minutes, and what is kept of it."""

    venue: FakeVenue
    prices: FaultyPrices
    clock: ManualClock

    def measure(self, until_ms: int = NOON_MS, symbol: Symbol = SYMBOL) -> Measured:
        self.clock.set(max(self.clock.now_ms(), until_ms + 5_000))
        market = MeasuredMarket(venue_name="binance", venue=self.venue, symbol=symbol, exposure_ms=5_500)
        return measure(self.prices, market, until_ms, self.deadline)

    @property
    def deadline(self) -> Deadline:
        return Deadline(at_ms=self.clock.now_ms() + 30_000, clock=self.clock)

    def kept(self) -> Calibration:
        return self.prices.calibrations("binance", [SYMBOL])[SYMBOL]

    def known(self, to_ms: int = NOON_MS) -> dict[int, float | None]:
        return dict(self.prices.variances("binance", SYMBOL, 0, to_ms))


def market(*, knows: bool = True) -> Market:
    clock = ManualClock(NOON_MS - WEEK_MS)
    venue = FakeVenue(clock, [instrument(), instrument(symbol=BITCOIN, base="BTC")], {})
    venue.klines[SYMBOL] = MINUTES
    at = Market(venue=venue, prices=FaultyPrices(), clock=clock)
    for minute in in_minutes(SECONDS):
        at.prices.save_klines("binance", SYMBOL, minute)
    if knows:
        venue.fetch_metadata([SYMBOL], at.deadline)
    venue.calls.clear()
    return at


def test_a_market_is_measured_on_its_last_hour() -> None:
    at = market()
    assert at.measure() == Measured(variances=BUCKETS_A_RUN, is_calibrated=True)
    volatility = at.kept().volatility
    assert isinstance(volatility, VolatilityFit)
    assert volatility.sigma == pytest.approx(3e-4, rel=0.1)
    assert volatility.moves == 3_600 - 6
    assert at.kept().until_ms == NOON_MS
    intensity = at.kept().intensity
    assert isinstance(intensity, IntensityFit)
    assert intensity.hits > 3_000


def test_a_second_run_of_a_minute_does_nothing() -> None:  # C3
    at = market()
    at.measure()
    at.venue.calls.clear()
    assert at.measure() == NOT_MEASURED
    assert at.measure(NOON_MS - MINUTE_MS) == NOT_MEASURED
    assert at.venue.calls == []


def test_a_week_is_made_up_for_in_eleven_runs_of_one_request() -> None:
    at = market()
    added = [at.measure(NOON_MS + number * MINUTE_MS).variances for number in range(-10, 1)]
    assert added == [99] * 10 + [19]
    assert len(at.venue.received("fetch_klines")) == 11
    regime = at.kept().regime
    assert isinstance(regime, VolatilityRegime)
    assert regime.buckets == MOST_BUCKETS


def test_a_bucket_is_added_once_its_ten_minutes_have_closed() -> None:
    at = market()
    for number in range(-10, 1):
        at.measure(NOON_MS + number * MINUTE_MS)
    at.venue.calls.clear()
    added = [at.measure(NOON_MS + number * MINUTE_MS).variances for number in range(1, 21)]
    assert added == [0] * 9 + [1] + [0] * 9 + [1]
    assert len(at.venue.received("fetch_klines")) == 2


def test_what_the_venue_does_not_list_is_asked_for_once() -> None:
    at = market()
    at.venue.klines[SYMBOL] = [each for each in MINUTES if each.open_ms >= NOON_MS - WEEK_MS // 2]
    for number in range(-10, 1):
        at.measure(NOON_MS + number * MINUTE_MS)
    assert len(at.known()) == MOST_BUCKETS + 1  # and the one that the first run's week began with
    regime = at.kept().regime
    assert isinstance(regime, VolatilityRegime)
    assert regime.buckets < MOST_BUCKETS // 2
    at.venue.calls.clear()
    at.measure(NOON_MS + MINUTE_MS)
    assert at.venue.calls == []


def run(at: Market, waits_min: list[int]) -> None:
    """Run after so many minutes each, ending at noon exactly."""
    moments = [NOON_MS]
    for wait_min in reversed(waits_min):
        moments.append(moments[-1] - wait_min * MINUTE_MS)
    for until_ms in reversed(moments):
        at.measure(until_ms)


@settings(max_examples=10, deadline=None)
@given(waits_min=st.lists(st.integers(1, 60), min_size=14, max_size=25), silent=st.sets(st.integers(0, 10_000)))
def test_a_cold_start_leaves_what_runs_without_a_break_would_have_left(waits_min: list[int], silent: set[int]) -> None:
    listed = [each for number, each in enumerate(MINUTES) if number not in silent]
    warm, cold = market(), market()
    for at in (warm, cold):
        at.venue.klines[SYMBOL] = listed
    run(warm, waits_min)
    run(cold, [1] * 11)
    week = range(NOON_MS - WEEK_MS, NOON_MS, BUCKET_MS)
    assert [warm.known()[each] for each in week] == [cold.known()[each] for each in week]
    assert warm.kept() == cold.kept()


@pytest.mark.parametrize("error", [Retryable("503"), Refused("bad"), AccountRefused("forbidden")])
def test_a_venue_without_minutes_keeps_no_market_from_its_sigma(error: MarketMakerError) -> None:  # R30
    at = market()
    at.venue.faults.fail_always("fetch_klines", error)
    assert at.measure() == Measured(is_calibrated=True, failure=str(error))
    assert isinstance(at.kept().volatility, VolatilityFit)
    assert isinstance(at.kept().regime, Unfit)
    assert at.known() == {}


def test_a_market_that_is_not_described_or_closed_is_not_measured() -> None:
    at = market(knows=False)
    assert at.measure() == NOT_MEASURED
    at.venue.unlisted.add(SYMBOL)
    at.venue.fetch_metadata([BITCOIN, SYMBOL], at.deadline)
    assert at.measure() == NOT_MEASURED
    assert at.prices.calibrations("binance", [SYMBOL]) == {}


def test_a_quiet_hour_is_measured_as_unfit() -> None:
    at = market()
    at.prices.forget_klines()
    at.measure()
    assert at.kept() == replace(
        at.kept(), volatility=Unfit(reason="no klines"), intensity=Unfit(reason="no klines"), until_ms=NOON_MS
    )
