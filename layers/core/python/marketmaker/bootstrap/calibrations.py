"""What `mm calibrate` needs: what was measured of the markets, from the prices table or anew from a recording."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from marketmaker.adapters.dynamodb import DynamoDbPrices
from marketmaker.bootstrap.environment import pick_account, set_decimal_context
from marketmaker.bootstrap.venues import tables
from marketmaker.config import Deployment, load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.calibration import Calibration, calibrate_recorded
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import ConfigError, Refused
from marketmaker.simulation.events import Quote
from marketmaker.simulation.recording import Recording, RecordingError

__all__ = ["Measurement", "measure_recording", "open_measurements"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What is known of one market; None where nobody has measured it yet."""

    source: str
    symbol: Symbol
    calibration: Calibration | None


type OpenMeasurements = Callable[[], list[Measurement]]


def open_measurements(
    deployment_file: str, account: str | None, symbol: str | None
) -> Mapping[AccountName, OpenMeasurements]:
    """Prepare to read what `fetch_prices` measured of the markets of one account, or of all."""
    set_decimal_context()
    deployment = load_deployment(deployment_file)
    accounts = [pick_account(deployment, account)] if account else list(deployment.accounts.values())
    with_market = [each for each in accounts if symbol is None or symbol in each.symbols]
    if not with_market:
        known = dict.fromkeys(symbol for each in accounts for symbol in each.symbols)
        raise ConfigError(f"--symbol: {symbol} is not allowed: one of {', '.join(known)}")
    return {each.name: partial(_read, deployment, each, symbol) for each in with_market}


def _read(deployment: Deployment, account: AccountSettings, symbol: str | None) -> list[Measurement]:
    symbols = [each for each in account.symbols if symbol in {None, each}]
    found = DynamoDbPrices(tables(deployment)).calibrations(account.venue, symbols)
    return [Measurement(source=account.name, symbol=each, calibration=found.get(each)) for each in symbols]


def measure_recording(prefix: Path, *, exposure_ms: int) -> Measurement:
    """Measure a recording's quotes and trades; without quotes, its trades stand for the middle of the book.

    Raises:
        Refused: the recording cannot be read.
    """
    trades: list[tuple[int, float]] = []
    mids: list[tuple[int, float]] = []
    try:
        recording = Recording(prefix)
        market = recording.describe()
        for event in recording.events():
            if not isinstance(event, Quote):
                trades.append((event.time_us // 1000, float(event.price)))
            elif event.mid is not None:
                mids.append((event.time_us // 1000, float(event.mid)))
    except RecordingError as error:
        raise Refused(str(error)) from error
    calibration = calibrate_recorded(
        trades,
        mids if recording.has_quotes else trades,
        exposure_ms=exposure_ms,
        tick_size=float(market.tick_size),
    )
    return Measurement(source=prefix.name, symbol=Symbol(market.symbol), calibration=calibration)
