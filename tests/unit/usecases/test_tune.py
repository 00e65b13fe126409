"""What a market did, gathered from ledger, state and kept prices, and judged by the settings in force (S7)."""

from decimal import Decimal

import pytest

from marketmaker.domain.calibration import Calibration
from marketmaker.domain.klines import MINUTE_MS, in_minutes, minute_of
from marketmaker.domain.orders import Side
from marketmaker.domain.statistics import Unfit
from marketmaker.domain.tuning import AdviceKind
from marketmaker.domain.volatility import VolatilityFit
from marketmaker.errors import Refused
from marketmaker.usecases import tune
from marketmaker.usecases.tune import TunedMarket, tune_market
from tests.builders import SYMBOL, kline
from tests.fakes.desk import Bench, bench

HOUR_MS = 3_600_000


def traded(fills: int = 3) -> Bench:
    """Return a desk that was worked for three hours and booked some fills of its bid at the end of the second."""
    at = bench()
    at.tick()
    wait(at, hours=2)
    bid = at.venue.only(Side.BUY)
    for _ in range(fills):
        at.venue.fill(bid, Decimal("0.01"))
    at.tick()
    wait(at, hours=1)
    return at


def wait(at: Bench, hours: int) -> None:
    at.clock.advance(hours * HOUR_MS)
    at.slot_ms += hours * HOUR_MS


def tuned(at: Bench, hours: int = 24) -> TunedMarket:
    return tune_market(at.desk, SYMBOL, since_ms=at.clock.now_ms() - hours * HOUR_MS)


def test_a_market_is_judged_since_it_opened_by_its_newest_fill() -> None:
    found = tuned(traded())
    assert found.past.span_ms == pytest.approx(3 * HOUR_MS, rel=0.01), "not 24 hours: it opened three hours ago"
    assert (found.figures.fills, found.past.mark) == (3, Decimal("1899.5"))
    assert found.figures.fills_an_hour == pytest.approx(1, rel=Decimal("0.01"))
    assert not found.is_cut
    assert tuned(traded(), hours=2).past.span_ms == 2 * HOUR_MS


def test_the_newest_kept_price_is_the_mark() -> None:
    at = traded()
    start_ms = minute_of(at.clock.now_ms()) - MINUTE_MS
    (minute,) = in_minutes([kline(start_ms, close="1901")])
    at.desk.prices.save_klines(at.desk.settings.venue, SYMBOL, minute)
    assert tuned(at).past.mark == 1901


def test_the_floor_takes_the_measured_volatility_where_there_is_one() -> None:  # R36
    at = traded()
    assumed = tuned(at).past.floor
    refused = Unfit(reason="nothing traded")
    fit = VolatilityFit(sigma=1e-3, best_distance=None, moves=600, span_ms=6_000)
    measured = Calibration(until_ms=at.clock.now_ms(), volatility=fit, intensity=refused, regime=refused)
    at.desk.prices.save_calibration(at.desk.settings.venue, SYMBOL, measured)
    assert tuned(at).past.floor > 3 * assumed > 0


def test_a_market_that_never_traded_has_no_mark_and_too_little_to_judge_by() -> None:
    at = bench()
    at.tick()
    wait(at, hours=1)
    found = tuned(at)
    assert (found.past.mark, found.past.floor, len(found.past.fills)) == (None, Decimal(0), 0)
    assert [each.kind for each in found.advice] == [AdviceKind.TOO_LITTLE]


def test_a_market_that_sold_all_it_opened_with_is_judged_since_its_first_fill() -> None:
    at = bench(totals={"PAXG": "0", "USDT": "19000"})
    at.tick()
    wait(at, hours=1)
    assert tuned(at).past.span_ms == 0, "nothing tells since when it is open"


def test_only_the_newest_fills_are_read_and_their_span_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune, "MOST_FILLS", 2)
    found = tuned(traded())
    assert (found.is_cut, found.figures.fills) == (True, 2)
    assert found.past.span_ms == pytest.approx(HOUR_MS, rel=0.01)


def test_a_market_that_has_not_opened_cannot_be_judged() -> None:
    with pytest.raises(Refused, match="PAXG/USDT has not opened"):
        tuned(bench())
