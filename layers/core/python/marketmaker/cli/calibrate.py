"""`mm calibrate`: what was measured of the markets, or why a measurement is not used.

`--json` prints a list with one object a market: source (the account, or the recording), symbol, until_ms, and

    volatility      sigma (per √s, a share of the price), best_distance (a share, null where it was not seen),
                    moves, span_ms
    intensity       intensity (A, orders a second and side), decay (k, per share of the price), r_squared, hits,
                    distances
    regime          daily and intraday (level, and the variance of ten minutes with its thresholds), buckets

each of them `{"reason"}` where it was refused, null where nobody measured the market yet.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.markup import escape

from marketmaker.bootstrap.calibrations import Measurement, measure_recording, open_measurements
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    Market,
    one_line_errors,
    print_failures,
    print_json,
    work_all,
)
from marketmaker.cli.style import UNKNOWN, indented, moment, now_ms, show, span, table
from marketmaker.domain.intensity import IntensityFit
from marketmaker.domain.regime import LevelReading, VolatilityRegime
from marketmaker.domain.statistics import Unfit
from marketmaker.domain.units import AccountName
from marketmaker.domain.volatility import VolatilityFit

_PER_BPS = 1e4
_PARTS = ("volatility", "intensity", "regime")

RecordingPrefix = Annotated[
    Path | None,
    typer.Option(
        "--recording",
        "-r",
        help="Measure PREFIX_quotes.csv.gz and PREFIX_trades.csv.gz instead, in Tardis's layout.",
        metavar="PREFIX",
    ),
]
Exposure = Annotated[
    float, typer.Option("--exposure-s", help="How long a quote stands; with --recording.", min=1, max=3_600)
]


def show_calibration(
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: Market = None,
    recording: RecordingPrefix = None,
    exposure_s: Exposure = 5.5,
    as_json: Json = False,
) -> None:
    """Show each market's volatility, order arrivals and regime as the models use them, with how well they fit.

    fetch_prices measures them once a minute, σ, A and k on the last hour, the
    regime on a week. What does not fit is refused: the models then do without.
    Exit code 1: a market was not measured yet, or could not be read.
    """
    if recording is not None:
        with one_line_errors():
            measured = [measure_recording(recording, exposure_ms=int(exposure_s * 1000))]
        _print(measured, {}, as_json=as_json)
        return
    with one_line_errors():
        opened = open_measurements(deployment, account, symbol)
    worked = work_all(opened, lambda read: read)
    measured = [each for found in worked.results.values() for each in found]
    _print(measured, worked.failures, as_json=as_json)
    print_failures(worked.failures)
    worked.finish(failed=any(each.calibration is None for each in measured))


def _print(measured: Sequence[Measurement], failures: Mapping[AccountName, Exception], *, as_json: bool) -> None:
    if as_json:
        print_json([_document(each) for each in measured], failures)
        return
    for each in measured:
        show(measurement_parts(each, now_ms()))


def _document(measured: Measurement) -> dict[str, Any]:
    found = measured.calibration
    parts = {name: None if found is None else asdict(getattr(found, name)) for name in _PARTS}
    until_ms = None if found is None else found.until_ms
    return {"source": measured.source, "symbol": measured.symbol, "until_ms": until_ms, **parts}


def measurement_parts(measured: Measurement, time_ms: int) -> list[RenderableType]:
    """Show what was measured of a market, a row each."""
    name = f"[bold]{escape(measured.source)} {escape(measured.symbol)}[/bold]"
    found = measured.calibration
    if found is None:
        return [f"{name}  [yellow]not measured yet[/yellow]"]
    rows = table("measured", "value", "of", whole="measured")
    for row in (*_volatility(found.volatility), *_intensity(found.intensity), *_regime(found.regime)):
        rows.add_row(*row)
    return [f"{name}  up to {moment(found.until_ms)}, {span(time_ms - found.until_ms)} ago", indented(rows)]


def _volatility(fit: VolatilityFit | Unfit) -> list[tuple[str, str, str]]:
    if isinstance(fit, Unfit):
        return [_refused("σ", fit)]
    of = f"{fit.moves} moves of {fit.span_ms / 1000:g} s"
    best = UNKNOWN if fit.best_distance is None else f"{fit.best_distance * _PER_BPS:.2f} bps"
    seen = (
        "klines longer than a quote stands" if fit.best_distance is None else "earns most if every move takes a quote"
    )
    return [
        ("σ", f"{fit.sigma * _PER_BPS:.3g} bps per √s, {fit.yearly:.0%} a year", of),
        ("best distance", best, seen),
    ]


def _intensity(fit: IntensityFit | Unfit) -> list[tuple[str, str, str]]:
    if isinstance(fit, Unfit):
        return [_refused("A, k", fit)]
    half_bps = math.log(2) / fit.decay * _PER_BPS
    return [
        ("A", f"{fit.intensity:.3g} orders a second and side", f"{fit.hits} hits"),
        (
            "k",
            f"{fit.decay:.4g}: half as many every {half_bps:.2f} bps",
            f"r² {fit.r_squared:.2f} over {fit.distances} distances",
        ),
    ]


def _regime(regime: VolatilityRegime | Unfit) -> list[tuple[str, str, str]]:
    if isinstance(regime, Unfit):
        return [_refused("regime", regime)]
    return [_level("last day", regime.daily), _level("last hour", regime.intraday)]


def _level(name: str, reading: LevelReading) -> tuple[str, str, str]:
    now, low, high = reading.yearly
    return name, f"{reading.level}: {now:.0%} a year", f"low below {low:.0%}, high above {high:.0%}"


def _refused(name: str, unfit: Unfit) -> tuple[str, str, str]:
    return name, "[yellow]refused[/yellow]", escape(unfit.reason)
