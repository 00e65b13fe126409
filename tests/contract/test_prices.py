"""What every `Prices` promises: the one in memory, moto's DynamoDB and the real engine answer alike."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from infra.local.tables import create_tables
from marketmaker.adapters.memory import InMemoryPrices
from marketmaker.domain.calibration import Calibration
from marketmaker.domain.intensity import IntensityFit
from marketmaker.domain.klines import MINUTE_MS, DayVolume, Kline, KlineMinute
from marketmaker.domain.regime import BUCKET_MS, LevelReading, VolatilityRegime, bucket_of
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.statistics import Unfit, VolatilityLevel
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.domain.volatility import VolatilityFit
from marketmaker.ports import Prices
from tests import strategies
from tests.builders import ACCOUNT, SLOT_MS, kline
from tests.tables import LEDGER_TABLE, PRICES_TABLE, REGION, STATE_TABLE, local_prices

pytest_plugins = ["tests.dynamodb_local"]

GOLD, BITCOIN = Symbol("PAXG/USDT"), Symbol("BTC/USDT")
NOON_MS = SLOT_MS - SLOT_MS % MINUTE_MS
_venues = count()


@pytest.fixture(scope="module")
def moto_prices(fake_credentials: None) -> Iterator[Prices]:
    with mock_aws():
        create_tables(state_table=STATE_TABLE, ledger_table=LEDGER_TABLE, prices_table=PRICES_TABLE, region=REGION)
        yield local_prices(None)


@pytest.fixture(scope="module")
def engine_prices(dynamodb_local: str) -> Prices:
    return local_prices(dynamodb_local)


@pytest.fixture(params=["memory", "moto_prices", "engine_prices"])
def prices(request: pytest.FixtureRequest) -> Prices:
    return InMemoryPrices() if request.param == "memory" else request.getfixturevalue(request.param)


@pytest.fixture
def venue() -> str:
    """Name a venue that no other test uses: tests share the table, never partitions."""
    return f"venue{next(_venues)}"


def minute(number: int, seconds: int = 60) -> KlineMinute:
    start_ms = NOON_MS + number * MINUTE_MS
    return KlineMinute(start_ms=start_ms, klines=tuple(kline(start_ms + 1000 * each) for each in range(seconds)))


def metadata(symbol: Symbol = GOLD, fetched_ms: int = 5, payload: str = '{"é": 1}') -> VenueMetadata:
    return VenueMetadata(symbol=symbol, fetched_ms=fetched_ms, payload=payload)


class TestKlines:
    def test_a_market_without_klines_has_no_last_one(self, prices: Prices, venue: str) -> None:
        assert prices.last_kline_ms(venue, GOLD) is None
        assert prices.klines(venue, GOLD, 0, NOON_MS) == []

    def test_minutes_come_back_in_order_and_the_newest_is_known(self, prices: Prices, venue: str) -> None:
        for number in (2, 0, 1):
            prices.save_klines(venue, GOLD, minute(number))
        prices.save_metadata(venue, [metadata()])
        prices.save_day_volume(
            venue, DayVolume(symbol=GOLD, time_ms=1, volume_base=Decimal(1), volume_quote=Decimal(2))
        )
        assert prices.last_kline_ms(venue, GOLD) == NOON_MS + 2 * MINUTE_MS
        every = [each for number in range(3) for each in minute(number).klines]
        assert prices.klines(venue, GOLD, 0, NOON_MS + 9 * MINUTE_MS) == every

    def test_a_kept_minute_stays_as_it_is(self, prices: Prices, venue: str) -> None:  # C3
        prices.save_klines(venue, GOLD, minute(0))
        prices.save_klines(venue, GOLD, minute(0))
        prices.save_klines(venue, GOLD, minute(0, seconds=30))
        assert prices.klines(venue, GOLD, NOON_MS, NOON_MS + MINUTE_MS) == list(minute(0).klines)

    @pytest.mark.parametrize(
        ("from_s", "to_s", "opened_s"), [(0, 0, []), (59, 61, [59, 60]), (60, 61, [60]), (118, 500, [118, 119])]
    )
    def test_a_range_includes_its_start_and_not_its_end(
        self, prices: Prices, venue: str, from_s: int, to_s: int, opened_s: list[int]
    ) -> None:
        for number in range(2):
            prices.save_klines(venue, GOLD, minute(number))
        found = prices.klines(venue, GOLD, NOON_MS + 1000 * from_s, NOON_MS + 1000 * to_s)
        assert [(each.open_ms - NOON_MS) // 1000 for each in found] == opened_s

    def test_venues_and_markets_are_apart(self, prices: Prices, venue: str) -> None:
        prices.save_klines(venue, GOLD, minute(0))
        assert prices.last_kline_ms(venue, BITCOIN) is None
        assert prices.last_kline_ms(f"{venue}x", GOLD) is None
        assert prices.klines(f"{venue}x", GOLD, 0, NOON_MS + MINUTE_MS) == []

    def test_a_day_of_klines_is_read_to_its_last_page(self, prices: Prices, venue: str) -> None:
        numbers = range(300)  # a page is 1 MB
        wide = [replace(each, volume_base=Decimal("1234567.1234567890123456")) for each in minute(0).klines]
        for number in numbers:
            moved = tuple(replace(each, open_ms=each.open_ms + number * MINUTE_MS) for each in wide)
            prices.save_klines(venue, GOLD, KlineMinute(start_ms=NOON_MS + number * MINUTE_MS, klines=moved))
        found = prices.klines(venue, GOLD, NOON_MS, NOON_MS + len(numbers) * MINUTE_MS)
        assert len(found) == len(numbers) * 60


class TestMetadata:
    def test_newest_metadata_is_kept(self, prices: Prices, venue: str) -> None:
        other = metadata(BITCOIN, 1, "[]")
        prices.save_metadata(venue, [metadata(), other])
        prices.save_metadata(venue, [metadata(fetched_ms=6, payload="{}")])
        prices.save_metadata(venue, [metadata()])
        found = {each.symbol: each for each in prices.metadata(venue, [BITCOIN, GOLD])}
        assert found == {GOLD: metadata(fetched_ms=6, payload="{}"), BITCOIN: other}

    def test_what_is_not_kept_is_left_out(self, prices: Prices, venue: str) -> None:
        assert list(prices.metadata(venue, [])) == []
        assert list(prices.metadata(venue, [GOLD])) == []
        prices.save_metadata(venue, [metadata()])
        assert list(prices.metadata(venue, [GOLD, BITCOIN])) == [metadata()]
        assert list(prices.metadata(f"{venue}x", [GOLD])) == []

    def test_more_markets_than_a_batch_holds_are_all_read(self, prices: Prices, venue: str) -> None:
        symbols = [Symbol(f"A{number}/USDT") for number in range(101)]
        prices.save_metadata(venue, [metadata(symbol) for symbol in symbols])
        assert {each.symbol for each in prices.metadata(venue, symbols)} == set(symbols)


class TestDayVolume:
    def test_newest_volume_is_kept(self, prices: Prices, venue: str) -> None:
        assert prices.day_volumes(venue, [GOLD]).get(GOLD) is None
        first = DayVolume(symbol=GOLD, time_ms=5, volume_base=Decimal("1.5"), volume_quote=Decimal("2850.75"))
        second = replace(first, time_ms=6, volume_base=Decimal(0))
        for each in (first, second, first):
            prices.save_day_volume(venue, each)
        assert prices.day_volumes(venue, [GOLD]).get(GOLD) == second
        assert prices.day_volumes(venue, [BITCOIN]).get(BITCOIN) is None


def calibration(until_ms: int = NOON_MS, sigma: float = 1.5e-4) -> Calibration:
    level = LevelReading(level=VolatilityLevel.HIGH, variance=1e-7, low_below=1e-8, high_above=1e-7 / 3)
    return Calibration(
        until_ms=until_ms,
        volatility=VolatilityFit(sigma=sigma, best_distance=None, moves=3_594, span_ms=6_000),
        intensity=IntensityFit(intensity=0.1, decay=4_000.1, r_squared=1 / 3, hits=60, distances=5),
        regime=VolatilityRegime(daily=level, intraday=replace(level, level=VolatilityLevel.LOW), buckets=1_008),
    )


UNFIT = Unfit(reason='„too" coarse')


class TestCalibrations:
    def test_the_newest_is_kept_and_comes_back_as_it_was(self, prices: Prices, venue: str) -> None:  # C3
        newer = replace(calibration(NOON_MS + MINUTE_MS, 2e-4), regime=UNFIT)
        for each in (calibration(), newer, newer, calibration()):
            prices.save_calibration(venue, GOLD, each)
        unfit = Calibration(until_ms=1, volatility=UNFIT, intensity=UNFIT, regime=UNFIT)
        prices.save_calibration(venue, BITCOIN, unfit)
        assert prices.calibrations(venue, [BITCOIN, GOLD]) == {GOLD: newer, BITCOIN: unfit}

    def test_what_is_not_kept_is_left_out(self, prices: Prices, venue: str) -> None:
        assert prices.calibrations(venue, []) == {}
        assert prices.calibrations(venue, [GOLD]) == {}
        prices.save_calibration(venue, GOLD, calibration())
        assert prices.calibrations(venue, [GOLD, BITCOIN]) == {GOLD: calibration()}
        assert prices.calibrations(f"{venue}x", [GOLD]) == {}


BUCKET_0 = bucket_of(NOON_MS)


class TestVariances:
    def test_without_any_there_are_none(self, prices: Prices, venue: str) -> None:
        assert prices.variances(venue, GOLD, 0, NOON_MS) == {}
        assert prices.variances(venue, GOLD, NOON_MS, NOON_MS) == {}
        prices.save_variances(venue, GOLD, {})
        assert prices.variances(venue, GOLD, 0, NOON_MS) == {}

    def test_a_week_of_them_comes_back_in_part_and_whole(self, prices: Prices, venue: str) -> None:
        week = {BUCKET_0 + number * BUCKET_MS: 1e-7 / (number + 3) for number in range(1_008)}
        for first in range(0, 1_008, 99):
            prices.save_variances(venue, GOLD, dict(list(week.items())[first : first + 99]))
        assert prices.variances(venue, GOLD, BUCKET_0, BUCKET_0 + 1_008 * BUCKET_MS) == week
        some = prices.variances(venue, GOLD, BUCKET_0 + BUCKET_MS, BUCKET_0 + 3 * BUCKET_MS)
        assert some.keys() == {BUCKET_0 + BUCKET_MS, BUCKET_0 + 2 * BUCKET_MS}
        assert prices.variances(venue, BITCOIN, 0, 2 * BUCKET_0) == {}
        assert prices.variances(f"{venue}x", GOLD, 0, 2 * BUCKET_0) == {}
        assert prices.last_kline_ms(venue, GOLD) is None

    def test_a_kept_one_stays_as_it_is_missing_or_not(self, prices: Prices, venue: str) -> None:  # C3
        first, second, third = (BUCKET_0 + number * BUCKET_MS for number in range(3))
        prices.save_variances(venue, GOLD, {first: 1e-7, second: None})
        prices.save_variances(venue, GOLD, {first: None, second: 2e-7, third: 0.0})
        assert prices.variances(venue, GOLD, 0, 2 * BUCKET_0) == {first: 1e-7, second: None, third: 0.0}


class TestTriangles:
    def test_an_edge_opens_once_and_ends_once(self, prices: Prices, venue: str) -> None:  # C3
        marks = [(False, False), (True, True), (True, False), (False, True), (False, False), (True, True)]
        for now_ms, (is_open, is_news) in enumerate(marks):
            assert prices.mark_triangle(venue, GOLD, ACCOUNT, is_open=is_open, now_ms=now_ms) is is_news

    def test_each_account_market_and_venue_has_its_own(self, prices: Prices, venue: str) -> None:
        others = [(venue, GOLD, AccountName("other")), (venue, BITCOIN, ACCOUNT), (f"{venue}x", GOLD, ACCOUNT)]
        for where, symbol, account in [(venue, GOLD, ACCOUNT), *others]:
            assert prices.mark_triangle(where, symbol, account, is_open=True, now_ms=1)
        assert prices.last_kline_ms(venue, GOLD) is None


few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class TestExactness:
    @few
    @given(data=st.data())
    def test_any_minute_comes_back_as_it_was(self, prices: Prices, data: st.DataObject) -> None:
        venue = f"venue{next(_venues)}"
        wanted = data.draw(strategies.kline_minutes())
        prices.save_klines(venue, GOLD, wanted)
        found: list[Kline] = list(prices.klines(venue, GOLD, wanted.start_ms, wanted.start_ms + MINUTE_MS))
        assert found == list(wanted.klines)

    @few
    @given(known=st.dictionaries(st.integers(0, 400), st.none() | st.floats(0, allow_infinity=False), max_size=20))
    def test_any_variances_come_back_as_they_were(self, prices: Prices, known: dict[int, float | None]) -> None:
        venue = f"venue{next(_venues)}"
        wanted = {number * BUCKET_MS: variance for number, variance in known.items()}
        prices.save_variances(venue, GOLD, wanted)
        assert prices.variances(venue, GOLD, 0, NOON_MS) == wanted

    @few
    @given(volume=strategies.day_volumes(GOLD))
    def test_any_volume_comes_back_as_it_was(self, prices: Prices, volume: DayVolume) -> None:
        venue = f"venue{next(_venues)}"
        prices.save_day_volume(venue, volume)
        assert prices.day_volumes(venue, [GOLD]).get(GOLD) == volume

    @few
    @given(wanted=strategies.metadata(GOLD))
    def test_any_metadata_comes_back_as_it_was(self, prices: Prices, wanted: VenueMetadata) -> None:
        venue = f"venue{next(_venues)}"
        prices.save_metadata(venue, [wanted])
        assert list(prices.metadata(venue, [GOLD])) == [wanted]
