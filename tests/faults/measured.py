"""What fetch_prices would have measured of a world's market."""

from marketmaker.domain.calibration import Calibration
from marketmaker.domain.statistics import Unfit
from marketmaker.domain.volatility import VolatilityFit
from tests.builders import SYMBOL
from tests.faults.world import World

_REFUSED = Unfit(reason="nothing traded")


def measure(world: World, sigma: float) -> None:
    """Keep a volatility of now, as fetch_prices does."""
    now_ms = world.desk.clock.now_ms()
    fit = VolatilityFit(sigma=sigma, best_distance=None, moves=600, span_ms=6_000)
    calibration = Calibration(until_ms=now_ms, volatility=fit, intensity=_REFUSED, regime=_REFUSED)
    world.desk.prices.save_calibration(world.settings.venue, SYMBOL, calibration)
