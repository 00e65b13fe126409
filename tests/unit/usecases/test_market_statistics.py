"""Ticks read what was measured once a minute, beside the venue, and go on without it."""

from dataclasses import replace

import pytest

from marketmaker.domain.calibration import Calibration
from marketmaker.domain.statistics import Unfit
from marketmaker.domain.units import Symbol
from marketmaker.domain.volatility import VolatilityFit
from marketmaker.errors import Fatal, MarketMakerError, Retryable
from marketmaker.usecases.market_statistics import RELOAD_MS, RETRY_MS
from marketmaker.usecases.observe import Seen, observe
from tests.builders import SLOT_MS, SYMBOL
from tests.fakes.desk import Bench, bench

NO = Unfit(reason="no")
MEASURED = Calibration(
    until_ms=SLOT_MS,
    volatility=VolatilityFit(sigma=1e-4, best_distance=2e-4, moves=9, span_ms=6_000),
    intensity=NO,
    regime=NO,
)


def keep(at: Bench, calibration: Calibration = MEASURED, symbol: Symbol = SYMBOL) -> None:
    at.prices.save_calibration(at.desk.settings.venue, symbol, calibration)


def see(at: Bench) -> Seen:
    return observe(at.desk, at.control, at.deadline())


def told(at: Bench) -> int:
    return sum(event == "prices_unreadable" for event, _ in at.telemetry.lines)


def test_a_tick_sees_what_was_measured_of_its_own_markets() -> None:
    at = bench()
    keep(at)
    keep(at, symbol=Symbol("BTC/USDT"))
    assert see(at).statistics == {SYMBOL: MEASURED.statistics}


def test_a_market_that_nobody_measured_has_no_statistics() -> None:
    at = bench()
    assert see(at).statistics == {}
    assert told(at) == 0


def test_the_table_is_asked_once_a_minute() -> None:
    at = bench()
    see(at)
    keep(at)
    at.clock.advance(RELOAD_MS - 1)
    assert see(at).statistics == {}
    at.clock.advance(1)
    assert see(at).statistics == {SYMBOL: MEASURED.statistics}


@pytest.mark.parametrize("error", [Retryable("throttled"), Fatal("no such table")])
def test_an_unreadable_table_leaves_what_is_kept_and_is_told_once_a_try(error: MarketMakerError) -> None:
    at = bench()
    keep(at)
    see(at)
    at.clock.advance(RELOAD_MS)
    at.prices.faults.fail_always("calibrations", error)
    assert see(at).statistics == {SYMBOL: MEASURED.statistics}
    assert ("prices_unreadable", {"reason": str(error)}) in at.telemetry.lines
    assert at.telemetry.counted["prices_unreadable"] == 1
    at.clock.advance(RETRY_MS - 1)
    see(at)
    assert told(at) == 1
    keep(at, replace(MEASURED, until_ms=SLOT_MS + 1))
    at.prices.faults.heal("calibrations")
    at.clock.advance(1)
    assert see(at).statistics[SYMBOL].until_ms == SLOT_MS + 1


def test_a_cold_start_without_the_table_knows_nothing_and_goes_on() -> None:  # R31
    at = bench()
    keep(at)
    at.prices.faults.fail_always("calibrations", Retryable("throttled"))
    assert see(at).statistics == {}


def test_a_risk_check_does_not_read_them() -> None:
    at = bench()
    at.prices.faults.fail_always("calibrations", Retryable("throttled"))
    at.check()
    assert told(at) == 0


def test_settings_applied_since_the_deploy_share_what_is_kept() -> None:
    at = bench()
    keep(at)
    see(at)
    other = replace(at.desk, settings=at.desk.settings)
    at.prices.faults.fail_always("calibrations", Retryable("throttled"))
    assert observe(other, at.control, at.deadline()).statistics == {SYMBOL: MEASURED.statistics}
    assert told(at) == 0
