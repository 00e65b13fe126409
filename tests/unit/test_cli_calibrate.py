"""What `mm calibrate` writes of a market, and what it says of recordings."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from moto import mock_aws
from rich.console import Console
from typer.testing import CliRunner

from infra.local.tables import create_tables
from marketmaker.adapters.dynamodb import DynamoDbPrices
from marketmaker.bootstrap.calibrations import Measurement, measure_recording
from marketmaker.bootstrap.venues import tables
from marketmaker.cli import app
from marketmaker.cli.calibrate import measurement_parts
from marketmaker.config import load_deployment
from marketmaker.domain.calibration import Calibration
from marketmaker.domain.intensity import IntensityFit
from marketmaker.domain.regime import LevelReading, VolatilityRegime
from marketmaker.domain.statistics import Unfit, VolatilityLevel
from marketmaker.domain.volatility import VolatilityFit
from marketmaker.errors import Refused
from tests.builders import SLOT_MS, SYMBOL
from tests.tables import use_fake_credentials

FILE = "infra/deployments/local.toml"
RECORDINGS = Path(__file__).parents[3] / "shared" / "data"
CALM = LevelReading(level=VolatilityLevel.LOW, variance=6e-6, low_below=7e-6, high_above=9e-6)
MEASURED = Calibration(
    until_ms=SLOT_MS,
    volatility=VolatilityFit(sigma=1e-4, best_distance=1.84e-4, moves=3_594, span_ms=6_000),
    intensity=IntensityFit(intensity=0.4, decay=4_000, r_squared=0.981, hits=1_400, distances=20),
    regime=VolatilityRegime(
        daily=CALM, intraday=replace(CALM, level=VolatilityLevel.HIGH, variance=1e-5), buckets=1_008
    ),
)


def written(calibration: Calibration | None, *, width: int = 200) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        measured = Measurement(source="main", symbol=SYMBOL, calibration=calibration)
        for part in measurement_parts(measured, SLOT_MS + 35_000):
            console.print(part, soft_wrap=isinstance(part, str))
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def recording(name: str) -> Path:
    if not (RECORDINGS / f"{name}_trades.csv.gz").is_file():
        pytest.skip("the recordings are not beside this checkout")
    return RECORDINGS / name


def test_a_measured_market_shows_each_fit_in_the_units_of_people() -> None:
    assert written(MEASURED) == [
        "main PAXG/USDT up to 2023-11-14T22:13:20Z, 35 s ago",
        "measured value of",
        "─" * len(written(MEASURED)[2]),
        "σ 1 bps per √s, 56% a year 3594 moves of 6 s",
        "best distance 1.84 bps earns most if every move takes a quote",
        "A 0.4 orders a second and side 1400 hits",
        "k 4000: half as many every 1.73 bps r² 0.98 over 20 distances",
        "last day low: 56% a year low below 61%, high above 69%",
        "last hour high: 72% a year low below 61%, high above 69%",
    ]


def test_no_line_is_wider_than_the_terminal() -> None:
    assert max(len(line) for line in written(MEASURED, width=100)) <= 100


def test_what_was_refused_says_why() -> None:
    no = Unfit(reason="the price [never] moved")
    lines = written(replace(MEASURED, volatility=no, intensity=no, regime=no))
    assert lines[3:] == [f"{name} refused the price [never] moved" for name in ("σ", "A, k", "regime")]


def test_a_distance_that_was_not_seen_is_unknown() -> None:
    coarse = VolatilityFit(sigma=1e-4, best_distance=None, moves=59, span_ms=60_000)
    assert "best distance unknown klines longer than a quote stands" in written(replace(MEASURED, volatility=coarse))


def test_a_market_that_nobody_measured_says_so() -> None:
    assert written(None) == ["main PAXG/USDT not measured yet"]


@pytest.mark.parametrize(
    ("name", "sigma_bps", "decay"),
    [
        ("gemini_ethusd_2021-07-01", (1.7, 2.0), (2_500, 4_500)),
        ("hyperliquid_btc-usdc-perp_2025-09-04", (0.4, 0.7), (10_000, 20_000)),
        ("binance_btcusdt_2024-08-08", (1.0, 1.6), (7_000, 12_000)),
    ],
)
def test_real_markets_fit(name: str, sigma_bps: tuple[float, float], decay: tuple[float, float]) -> None:
    found = measure_recording(recording(name), exposure_ms=5_500).calibration
    assert found is not None
    assert isinstance(found.volatility, VolatilityFit)
    assert isinstance(found.intensity, IntensityFit)
    assert sigma_bps[0] < found.volatility.sigma * 1e4 < sigma_bps[1]
    assert found.volatility.best_distance is not None
    assert 0.2 < found.volatility.best_distance / (found.volatility.sigma * 6**0.5) < 2
    assert decay[0] < found.intensity.decay < decay[1]


def test_a_crash_fits_no_exponential() -> None:
    found = measure_recording(recording("gemini_btcusd_2025-10-10"), exposure_ms=5_500).calibration
    assert found is not None
    assert isinstance(found.intensity, Unfit)


def test_a_recording_that_does_not_exist_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"none_trades\.csv\.gz does not exist"):
        measure_recording(tmp_path / "none", exposure_ms=5_500)
    ended = CliRunner().invoke(app, ["calibrate", "--recording", str(tmp_path / "none")])
    assert ended.exit_code == 2
    assert ended.stderr.count("\n") == 1


def test_json_has_every_figure(tmp_path: Path) -> None:
    prefix = recording("hyperliquid_btc-usdc-perp_2025-09-04")
    ended = CliRunner().invoke(app, ["calibrate", "--recording", str(prefix), "--json"])
    (market,) = json.loads(ended.stdout)
    assert (market["symbol"], market["volatility"]["span_ms"]) == ("BTC-USDC-PERP", 6_000)
    assert market["intensity"]["r_squared"] > 0.9
    assert market["regime"]["reason"].startswith("no variances")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDbPrices]:
    """Return the prices table of the local deployment, which is on moto."""
    use_fake_credentials(monkeypatch)
    deployment = load_deployment(FILE)
    names = {name: getattr(deployment, name) for name in ("state_table", "ledger_table", "prices_table")}
    with mock_aws():
        create_tables(**names, region=deployment.region)
        yield DynamoDbPrices(tables(deployment))


def test_what_fetch_prices_measured_is_shown(kept: DynamoDbPrices) -> None:
    kept.save_calibration("binance", SYMBOL, MEASURED)
    ended = CliRunner().invoke(app, ["calibrate", "-d", FILE])
    assert ended.exit_code == 0
    assert "1 bps per √s, 56% a year" in ended.stdout
    ended = CliRunner().invoke(app, ["calibrate", "-d", FILE, "--symbol", SYMBOL, "--account", "main", "--json"])
    (market,) = json.loads(ended.stdout)
    assert (market["source"], market["symbol"], market["until_ms"]) == ("main", SYMBOL, SLOT_MS)
    assert market["volatility"]["sigma"] == 1e-4
    assert market["regime"]["daily"]["level"] == "low"


def test_a_market_without_a_measurement_is_done_in_part(kept: DynamoDbPrices) -> None:
    ended = CliRunner().invoke(app, ["calibrate", "-d", FILE])
    assert (ended.exit_code, "not measured yet" in ended.stdout) == (1, True)
    (market,) = json.loads(CliRunner().invoke(app, ["calibrate", "-d", FILE, "--json"]).stdout)
    assert market["volatility"] is None


def test_an_unreachable_table_is_a_failure_of_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_credentials(monkeypatch)
    with mock_aws():
        ended = CliRunner().invoke(app, ["calibrate", "-d", FILE])
    assert ended.exit_code == 2
    assert ended.stderr.startswith("main: ")


def test_an_unknown_market_is_refused() -> None:
    ended = CliRunner().invoke(app, ["calibrate", "--symbol", "NO/THING", "-d", FILE])
    assert ended.exit_code == 2
    assert "--symbol: NO/THING is not allowed: one of PAXG/USDT" in " ".join(ended.stderr.split())
