"""What the venues publish is kept once, completely, whatever fails between two runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.adapters.memory import AtOnce
from marketmaker.domain.klines import MINUTE_MS, minute_of
from marketmaker.domain.units import Symbol
from marketmaker.domain.volatility import VolatilityFit
from marketmaker.errors import AccountRefused, Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import Deadline
from marketmaker.usecases.calibrate import BUCKETS_A_RUN
from marketmaker.usecases.fetch_prices import (
    METADATA_REFRESH_MS,
    MOST_KLINES,
    SETTLE_MS,
    PriceDesk,
    PricesReport,
    PublishedMarkets,
    fetch_prices,
)
from tests.builders import SLOT_MS, SYMBOL, instrument, kline
from tests.fakes.clock import ManualClock
from tests.fakes.prices import FaultyPrices
from tests.fakes.sinks import RecordingTelemetry
from tests.fakes.venue import FakeVenue

BITCOIN, ETHER = Symbol("BTC/USDT"), Symbol("ETH/USDT")
NOON_MS = SLOT_MS - SLOT_MS % MINUTE_MS
DOWN = [Retryable("503"), Refused("bad request"), AccountRefused("forbidden")]


@dataclass
class Feed:
    """A clock, venues by name, and what is kept of them."""

    clock: ManualClock
    venues: dict[str, FakeVenue]
    prices: FaultyPrices = field(default_factory=FaultyPrices)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    symbols: tuple[Symbol, ...] = (SYMBOL, BITCOIN)
    beside: dict[str, tuple[Symbol, ...]] = field(default_factory=dict)
    kline_ms: int = 1_000

    @property
    def venue(self) -> FakeVenue:
        return self.venues["binance"]

    def run(self) -> PricesReport:
        desk = PriceDesk(
            venues=tuple(
                PublishedMarkets(
                    name=name,
                    venue=venue,
                    exposures_ms=dict.fromkeys(self.symbols, 5_500),
                    beside=self.beside.get(name, ()),
                    kline_ms=self.kline_ms,
                )
                for name, venue in self.venues.items()
            ),
            prices=self.prices,
            telemetry=self.telemetry,
            clock=self.clock,
            alongside=AtOnce(),
        )
        return fetch_prices(desk, Deadline(at_ms=self.clock.now_ms() + 30_000, clock=self.clock))

    def list_seconds(self, seconds: Iterable[int], symbol: Symbol = SYMBOL, venue: str = "binance") -> None:
        """Let a venue list klines of these seconds after noon."""
        self.venues[venue].klines[symbol] = [kline(NOON_MS + 1000 * each) for each in sorted(seconds)]

    def kept_s(self, symbol: Symbol = SYMBOL, venue: str = "binance") -> list[int]:
        """Return the seconds after noon whose klines are kept."""
        found = self.prices.klines(venue, symbol, 0, NOON_MS + 10**9)
        return [(each.open_ms - NOON_MS) // 1000 for each in found]

    def at(self, second: float) -> None:
        """Let it be so many seconds after noon."""
        self.clock.set(NOON_MS + round(1000 * second))


def feed(*names: str, symbols: tuple[Symbol, ...] = (SYMBOL, BITCOIN)) -> Feed:
    clock = ManualClock(NOON_MS)
    rules = [instrument(), instrument(symbol=BITCOIN, base="BTC"), instrument(symbol=ETHER, base="ETH")]
    venues = {name: FakeVenue(clock, rules, {}) for name in names or ("binance",)}
    return Feed(clock=clock, venues=venues, symbols=symbols)


def test_a_run_keeps_the_minutes_that_ended_and_says_so() -> None:
    at = feed()
    at.list_seconds(range(150))
    at.list_seconds(range(0, 150, 10), BITCOIN)
    at.at(135)
    report = at.run()
    assert at.kept_s() == list(range(120))
    assert at.kept_s(BITCOIN) == list(range(0, 120, 10))
    assert report == PricesReport(
        markets=2,
        klines_written=132,
        calibrated=2,
        variances_written=2 * BUCKETS_A_RUN,
        metadata_refreshed=2,
        failures={},
    )
    assert at.telemetry.lines == [("prices", report.summary())]
    assert at.telemetry.counted == {
        "prices_markets": 2,
        "prices_markets_failed": 0,
        "prices_klines_written": 132,
        "prices_calibrated": 2,
        "prices_variances_written": 2 * BUCKETS_A_RUN,
        "prices_metadata_refreshed": 2,
    }


def test_a_second_run_in_the_same_minute_asks_for_no_klines() -> None:  # C3
    at = feed()
    at.list_seconds(range(150))
    at.list_seconds(range(150), BITCOIN)
    at.at(125)
    at.run()
    at.at(130)
    assert at.run().klines_written == 0
    assert len(at.venue.received("fetch_klines")) == 4  # of each market's seconds and minutes


def test_a_minute_is_kept_once_it_has_settled() -> None:
    at = feed(symbols=(SYMBOL,))
    at.list_seconds(range(120))
    at.at(60 + SETTLE_MS / 1000 - 0.001)
    at.run()
    assert at.kept_s() == []
    at.at(60 + SETTLE_MS / 1000)
    at.run()
    assert at.kept_s() == list(range(60))


@pytest.mark.parametrize("ahead_ms", [10_000, -10_000])
def test_minutes_end_by_the_venues_clock(ahead_ms: int) -> None:  # R8
    at = feed(symbols=(SYMBOL,))
    at.list_seconds(range(180))
    at.venue.clock_offset_ms = ahead_ms
    at.at(65)
    at.run()
    assert at.kept_s() == (list(range(60)) if ahead_ms > 0 else [])


def test_a_cold_start_catches_up_on_a_quarter_of_an_hour() -> None:
    at = feed(symbols=(SYMBOL,))
    at.list_seconds(range(3_600))
    at.at(3_600 + 5)
    at.run()
    assert at.kept_s() == list(range(3_600 - MOST_KLINES, 3_600))


def test_a_venue_without_klines_of_a_second_is_asked_for_minutes_and_measured_by_an_hour_of_them() -> None:  # M4
    at = feed(symbols=(SYMBOL,))
    at.kline_ms = 60_000
    prices = (Decimal(1900 + each * 7 % 11) for each in range(120))
    at.venue.klines[SYMBOL] = [
        replace(kline(NOON_MS + 60_000 * number, interval_ms=60_000), open=price, high=price, low=price, close=price)
        for number, price in enumerate(prices)
    ]
    at.at(7_200 + 5)
    report = at.run()
    assert (report.klines_written, report.failures) == (60, {})
    measured = at.prices.calibrations("binance", [SYMBOL])[SYMBOL]
    assert isinstance(measured.volatility, VolatilityFit)
    assert (measured.volatility.span_ms, measured.volatility.best_distance) == (60_000, None)


def test_a_long_outage_is_made_up_for_in_part() -> None:  # R24
    at = feed(symbols=(SYMBOL,))
    at.list_seconds(range(3_600))
    for second in (65, 3_600 + 5):
        at.at(second)
        at.run()
    assert at.kept_s() == [*range(60), *range(3_600 - MOST_KLINES, 3_600)]


def test_missed_runs_are_made_up_for() -> None:  # C3
    at = feed(symbols=(SYMBOL,))
    at.list_seconds(range(1_200))
    for second in (65, 65 + 14 * 60):
        at.at(second)
        at.run()
    assert at.kept_s() == list(range(15 * 60))


def test_a_run_that_ends_half_way_is_gone_on_with() -> None:  # C3
    at = feed(symbols=(SYMBOL,))
    at.list_seconds(range(600))
    at.at(305)
    for _ in range(2):
        at.prices.faults.before("save_klines", lambda: None)
    at.prices.faults.fail_once("save_klines", Retryable("throttled"))
    report = at.run()
    assert report.failures == {"binance#PAXG/USDT": "throttled"}
    assert report.klines_written == 120
    assert at.kept_s() == list(range(120))
    at.run()
    assert at.kept_s() == list(range(300))


@pytest.mark.parametrize("error", DOWN)
def test_a_venue_that_is_down_is_asked_nothing_else_and_keeps_no_other_from_its_run(error: MarketMakerError) -> None:
    at = feed("binance", "other")  # R30
    at.venue.faults.fail_always("time_ms", error)
    for name in at.venues:
        at.list_seconds(range(120), venue=name)
    at.at(65)
    report = at.run()
    assert at.venue.methods() == ["time_ms"]
    assert report.failures == {"binance#PAXG/USDT": str(error), "binance#BTC/USDT": str(error)}
    assert at.kept_s(venue="other") == list(range(60))
    assert at.telemetry.counted["prices_markets_failed"] == 2
    assert at.telemetry.counted["prices_markets"] == 4


@pytest.mark.parametrize("error", DOWN)
def test_one_markets_klines_keep_no_other_from_its_own(error: MarketMakerError) -> None:
    at = feed()
    at.list_seconds(range(60))
    at.list_seconds(range(60), BITCOIN)
    at.venue.faults.fail_once("fetch_klines", error)
    at.at(65)
    report = at.run()
    assert report.failures == {"binance#PAXG/USDT": str(error)}
    assert (at.kept_s(), at.kept_s(BITCOIN)) == ([], list(range(60)))


def test_a_market_that_is_not_listed_keeps_no_other_from_its_metadata_and_volume() -> None:  # R30
    at = feed()
    at.list_seconds(range(60))
    at.venue.unlisted.add(BITCOIN)
    at.at(65)
    report = at.run()
    assert report.failures.keys() == {"binance#BTC/USDT"}
    assert [each.symbol for each in at.prices.metadata("binance", at.symbols)] == [SYMBOL]
    assert at.prices.day_volumes("binance", [SYMBOL]).get(SYMBOL) is not None
    assert at.prices.day_volumes("binance", [BITCOIN]).get(BITCOIN) is None
    assert at.kept_s() == list(range(60))


def test_a_failure_among_single_requests_names_its_market_only() -> None:
    at = feed(symbols=(SYMBOL, BITCOIN, ETHER))
    at.venue.unlisted.add(BITCOIN)
    for _ in range(3):
        at.venue.faults.before("fetch_day_volume", lambda: None)
    at.venue.faults.fail_once("fetch_day_volume", Retryable("timed out"))
    report = at.run()
    assert report.failures == {"binance#BTC/USDT": "Invalid symbol.", "binance#ETH/USDT": "timed out"}
    assert at.prices.day_volumes("binance", [SYMBOL]).get(SYMBOL) is not None


def test_metadata_is_refreshed_once_an_hour() -> None:  # R28
    at = feed()
    refreshed = []
    for second in (0, 60, METADATA_REFRESH_MS / 1000 - 1, METADATA_REFRESH_MS / 1000):
        at.at(second)
        refreshed.append(at.run().metadata_refreshed)
    assert refreshed == [2, 0, 0, 2]
    assert {each.fetched_ms for each in at.prices.metadata("binance", at.symbols)} == {at.clock.now_ms()}


def test_metadata_of_a_new_market_alone_is_asked_for() -> None:
    at = feed(symbols=(SYMBOL,))
    at.run()
    at.symbols = (SYMBOL, BITCOIN)
    at.run()
    assert [each.keys for each in at.venue.received("fetch_metadata")] == [(SYMBOL,), (BITCOIN,)]


def test_the_volume_of_the_day_is_kept_every_run() -> None:  # S10
    at = feed()
    for second in (0, 60):
        at.at(second)
        at.run()
    volume = at.prices.day_volumes("binance", [BITCOIN]).get(BITCOIN)
    assert volume is not None
    assert (volume.time_ms, volume.volume_quote) == (at.clock.now_ms(), Decimal(1900))


@pytest.mark.parametrize("call", ["metadata", "save_metadata", "save_day_volume"])
def test_a_table_that_does_not_answer_is_a_failure_of_its_part_alone(call: str) -> None:
    at = feed()
    at.list_seconds(range(60))
    at.prices.faults.fail_always(call, Retryable("throttled"))
    at.at(65)
    report = at.run()
    assert set(report.failures.values()) == {"throttled"}
    assert at.kept_s() == list(range(60))
    assert (at.prices.day_volumes("binance", [SYMBOL]).get(SYMBOL) is None) == (call == "save_day_volume")


@pytest.mark.parametrize("call", ["metadata", "save_day_volume", "last_kline_ms"])
def test_a_table_that_refuses_us_is_a_defect(call: str) -> None:
    at = feed()
    at.prices.faults.fail_always(call, Fatal("no such table"))
    with pytest.raises(Fatal, match="no such table"):
        at.run()


def test_a_market_that_cannot_be_measured_keeps_no_other_from_it() -> None:
    at = feed()
    at.list_seconds(range(60))
    at.list_seconds(range(60), BITCOIN)
    at.prices.faults.fail_once("save_calibration", Retryable("throttled"))
    at.at(65)
    report = at.run()
    assert report.failures == {"binance#PAXG/USDT": "throttled"}
    assert report.calibrated == 1
    assert report.klines_written == 120
    assert at.prices.calibrations("binance", at.symbols).keys() == {BITCOIN}


def test_a_market_without_its_klines_is_not_measured() -> None:
    at = feed(symbols=(SYMBOL,))
    at.prices.faults.fail_once("last_kline_ms", Retryable("throttled"))
    at.at(65)
    assert at.run().calibrated == 0
    at.at(70)
    assert at.run().calibrated == 1


def test_a_cold_start_measures_by_the_metadata_that_is_kept() -> None:  # R31
    at = feed(symbols=(SYMBOL,))
    at.run()
    at.venues = feed(symbols=(SYMBOL,)).venues
    at.venue.clock = at.clock
    at.at(65)
    report = at.run()
    assert (report.metadata_refreshed, report.calibrated) == (0, 1)
    assert len(at.venue.received("load")) == 1
    at.at(125)
    at.run()
    assert len(at.venue.received("load")) == 1


type Trouble = Callable[[Feed], None]


def nothing(at: Feed) -> None:
    """Let all go well."""


def fail(part: str) -> Trouble:
    def trouble(at: Feed) -> None:
        (at.prices if part == "last_kline_ms" else at.venue).faults.fail_once(part, Retryable("503"))

    return trouble


def interrupt(after: int) -> Trouble:
    def trouble(at: Feed) -> None:
        for _ in range(after):
            at.prices.faults.before("save_klines", lambda: None)
        at.prices.faults.fail_once("save_klines", Retryable("throttled"))

    return trouble


def test_a_market_beside_the_worked_ones_is_described_and_no_more() -> None:
    at = feed(symbols=(SYMBOL,))
    at.beside = {"binance": (BITCOIN,)}
    at.list_seconds(range(150), BITCOIN)
    at.at(135)
    report = at.run()
    assert (report.markets, report.metadata_refreshed, report.failures) == (2, 2, {})
    assert [each.symbol for each in at.prices.metadata("binance", [BITCOIN])] == [BITCOIN]
    assert at.kept_s(BITCOIN) == []
    assert at.prices.day_volumes("binance", [BITCOIN]).get(BITCOIN) is None
    assert at.prices.calibrations("binance", [BITCOIN]) == {}


def test_a_venue_where_nobody_works_is_described_and_its_failure_is_told() -> None:  # R30
    at = feed(symbols=())
    at.beside = {"binance": (BITCOIN,)}
    assert at.run().failures == {}
    assert [each.symbol for each in at.prices.metadata("binance", [BITCOIN])] == [BITCOIN]
    at.venue.faults.fail_once("time_ms", Retryable("503"))
    assert at.run().failures == {"binance#BTC/USDT": "503"}
    at.clock.advance(METADATA_REFRESH_MS + 1)
    at.venue.faults.fail_once("fetch_metadata", Retryable("503"))
    assert at.run().failures == {"binance#BTC/USDT": "503"}


troubles = st.one_of(
    st.just(nothing),
    st.sampled_from(["time_ms", "fetch_klines", "last_kline_ms"]).map(fail),
    st.integers(0, 8).map(interrupt),
)


@given(
    silent=st.sets(st.integers(0, 3_599), max_size=200),
    silent_minutes=st.sets(st.integers(0, 59), max_size=20),
    runs=st.lists(st.tuples(st.integers(1, 600), troubles), min_size=1, max_size=25),
)
def test_no_closed_kline_is_lost_within_the_bound_and_none_is_kept_twice(
    silent: set[int], silent_minutes: set[int], runs: list[tuple[int, Trouble]]
) -> None:  # C3, R15
    at = feed(symbols=(SYMBOL,))
    listed = [each for each in range(3_600) if each not in silent and each // 60 not in silent_minutes]
    at.list_seconds(listed)
    second = 0
    for wait_s, trouble in runs:
        second += wait_s
        at.at(second)
        trouble(at)
        report = at.run()
        at.prices.faults.clear()
        at.venue.faults.clear()
        kept = at.kept_s()
        assert kept == sorted(set(kept))
        assert set(kept) <= set(listed)
        end_s = minute_of(at.clock.now_ms() - SETTLE_MS) // 1000 - NOON_MS // 1000
        assert all(each < end_s for each in kept)
        if not report.failures:
            within = [each for each in listed if end_s - MOST_KLINES <= each < end_s]
            assert [each for each in kept if each >= end_s - MOST_KLINES] == within
