"""`make compare DATA=FOLDER`: every recording × the guide's loop, our default and each other model, as one table.

The default of a recording is its own file in `infra/local/recordings`; everything else changes that file's market
alone. What a risk aversion means depends on the price, so γ is 20 / price. Runs are whole recordings, each in its own
process. Each account opens with base: what that gains or loses by itself is taken off the PnL that the tables show.

A second table has the preset `referee` beside what another simulator publishes of the same strategy (golden.json).
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.progress import track

from marketmaker.bootstrap.backtests import BacktestOptions, MarketFiles, Preset, QueueModel, backtest, played_account
from marketmaker.config import load_deployment
from marketmaker.domain.backtests import BacktestResult
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.units import BPS, ZERO
from marketmaker.simulation.events import Trade
from marketmaker.simulation.market_data import read_market
from tests.golden import golden

FILES = Path("infra/local/recordings")
RECORDINGS: Mapping[str, str] = {
    "gemini_ethusd_2021-07-01": "gemini_ethusd",
    "binance_btcusdt_2024-08-08": "binance_btcusdt",
    "hyperliquid_btc-usdc-perp_2025-09-04": "hyperliquid_btc",
    "hyperliquid_sol-usdc-perp_2025-09-04": "hyperliquid_sol",
    "lighter_paxg-usdc-perp_2025-09-15": "lighter_paxg",
}
"""Which file quotes which recording."""
CRASH, CRASH_FROM_MS, CRASH_MS = "gemini_btcusd_2025-10-10", 1_760_130_000_000, 45 * 60_000
OPEN_STOP = 'stop_loss={ fall = 0.05, basis = "day_open" }'


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to quote: a preset, and values over it."""

    name: str
    preset: Preset | None = None
    changes: tuple[str, ...] = ()


def contenders(half_bps: Decimal, price: Decimal) -> Iterator[Contender]:
    """List the ways to quote a market whose default half-spread is given."""
    gamma = f"{Decimal(20) / price:.3g}"

    def band(policy: str, below: str, above: str) -> str:
        narrow, wide = (f"{{ bps = {(half_bps * Decimal(share)).normalize():f} }}" for share in (below, above))
        ratios = "min_ratio = 0.2, max_ratio = 0.5"
        distances = f"half_spread_below = {narrow}, half_spread_above = {wide}"
        return f'inventory={{ policy = "{policy}", {ratios}, {distances} }}'

    reservation = 'inventory={ policy = "reservation" }'
    yield Contender(name="naive loop", preset=Preset.NAIVE)
    as_wide = (f"half_spread.bps={half_bps}", band("both_sides", "0.8", "1.2"))
    yield Contender(name="naive loop, as wide as the default", preset=Preset.NAIVE, changes=as_wide)
    yield Contender(name="**default**")
    for name, table in (
        ("sigma_optimal", 'model = "sigma_optimal", distribution = "measured"'),
        ("regime", f'model = "regime", narrow = {{ bps = {half_bps} }}, wide = {{ bps = {2 * half_bps} }}'),
    ):
        yield Contender(name=name, changes=(f"half_spread={{ {table} }}",))
    for model in ("avellaneda_stoikov", "glft"):
        table = f'half_spread={{ model = "{model}", gamma = {gamma} }}'
        yield Contender(name=f"{model}, reservation", changes=(table, reservation))
    for fair in ("last", "microprice", "depth_weighted"):
        yield Contender(name=f"fair price {fair}", changes=(f"fair_price={fair}",))
    yield Contender(name="inventory bid_only", changes=(band("bid_only", "0.4", "2"),))
    yield Contender(name="inventory both_sides", changes=(band("both_sides", "0.8", "1.2"),))
    yield Contender(name="size_skew", changes=("size_skew={}",))
    yield Contender(name="touch join", changes=('touch={ placement = "join" }',))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its title and columns, the backtests behind its rows, and what it shows of each."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], BacktestOptions], ...]
    cells: Callable[[BacktestResult], Iterator[str]]
    beside: tuple[tuple[str, ...], ...] = ()


def main(arguments: Sequence[str]) -> int:
    """Run everything and print the tables; what is not there is left out and said."""
    parser = argparse.ArgumentParser(prog="make compare")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the recordings")
    data: Path = parser.parse_args(arguments).data
    notes = Console(stderr=True)
    shown = Console(file=sys.stdout, highlight=False, markup=False, soft_wrap=True)
    tables = [each for each in (models(data), referee(data), crash(data)) if each.rows]
    if not tables:
        notes.print(f"--data: {data} is not allowed: a folder with at least one of {', '.join(RECORDINGS)}")
        return 2
    options = [each for table in tables for _, each in table.rows]
    with ProcessPoolExecutor(max_workers=os.process_cpu_count()) as pool:
        runs = iter(track(pool.map(backtest, options), "playing", len(options), console=notes))
        for table in tables:
            shown.print(f"{table.title}\n\n| {' | '.join(table.head)} |\n{'|---' * len(table.head)}|")
            for row in table.beside:
                shown.print(f"| {' | '.join(row)} |")
            for labels, _ in table.rows:
                shown.print(f"| {' | '.join((*labels, *table.cells(next(runs).result)))} |")
            shown.print()
    return 0


def models(data: Path) -> Table:
    """Compare the ways to quote on every recording with quotes and trades."""
    there = [(name, file) for name, file in RECORDINGS.items() if (data / f"{name}_quotes.csv.gz").is_file()]
    return Table(
        title="Each recording by each model",
        head=("recording", "quoted by", "fills", "PnL", "inventory", "cancel ratio", "edge", "1 s", "10 s", "60 s"),
        rows=tuple(row for name, file in there for row in _contests(name, file, data)),
        cells=_cells,
    )


def _contests(recording: str, file: str, data: Path) -> Iterator[tuple[tuple[str, ...], BacktestOptions]]:
    options = _options(recording, file, data)
    (market,) = played_account(options).markets
    price, half = _price(options.files), market.half_spread
    if not isinstance(half, BpsDistance | QuoteDistance):
        raise TypeError(f"{options.deployment}: half_spread is not allowed: a fixed distance, as a default has")
    half_bps = half.bps if isinstance(half, BpsDistance) else (half.quote / price / BPS).quantize(Decimal("0.01"))
    for each in contenders(half_bps, price):
        yield (recording, each.name), replace(options, preset=each.preset, changes=each.changes)


def referee(data: Path) -> Table:
    """Compare the preset of another simulator's strategy with what is published of it."""
    rows: list[tuple[tuple[str, ...], BacktestOptions]] = []
    published: list[tuple[str, ...]] = []
    for row in golden("simulator_referee")["rows"]:
        name, size = row["data"], row["size"]
        if not (data / f"{name}_quotes.csv.gz").is_file():
            continue
        case = f"{name}, ± {row['half_bp']} bp"
        published.append((case, "as published", str(row["fills"]), f"{row['volume']:f}", f"{row['pnl']:+.2f}"))
        options = replace(
            _options(name, RECORDINGS[name], data),
            preset=Preset.REFEREE,
            changes=(f"half_spread.bps={row['half_bp']}", f"order_size_base={size}", f"inventory.max_base={20 * size}"),
            opening_base=10 * size,
            tick_size=Decimal("0.01"),
            lot_size=Decimal("1e-8"),
        )
        rows.append(((case, "live code, whole fills"), replace(options, whole_fills=True)))
        rows += [
            ((case, f"live code, partial fills, queue {each}"), replace(options, queue=each)) for each in QueueModel
        ]
    return Table(
        title="The strategy of another simulator",
        head=("recording", "simulated by", "fills", "volume", "PnL"),
        rows=tuple(rows),
        cells=_traded,
        beside=tuple(published),
    )


def crash(data: Path) -> Table:
    """Compare the price band (S3) and the stop loss (S9), on and off, through the crash of 2025-10-10."""
    trades = data / f"{CRASH}_trades.csv.gz"
    market = BacktestOptions(
        deployment=str(FILES / "binance_btcusdt.toml"),
        market="binance:BTC/USDT",
        files=MarketFiles(trades=trades),
        from_ms=CRASH_FROM_MS,
        to_ms=CRASH_FROM_MS + CRASH_MS,
    )
    bands = {"off": ("price_band.low=1", "price_band.high=1000000"), "± 5 %": ("price_band.bps=500",)}
    stops = {"off": (), "5 % below cost": ("stop_loss.fall=0.05",), "5 % below the open": (OPEN_STOP,)}
    rows = [
        ((band, stop), replace(market, changes=(*by_band, *by_stop)))
        for band, by_band in bands.items()
        for stop, by_stop in stops.items()
    ]
    return Table(
        title="The crash, 2025-10-10 21:00 to 21:45",
        head=("price band", "stop loss", "fills", "PnL", "largest fall", "held at the end"),
        rows=tuple(rows) if trades.is_file() else (),
        cells=_lost,
    )


def _options(recording: str, file: str, data: Path) -> BacktestOptions:
    path = FILES / f"{file}.toml"
    (account,) = load_deployment(path).accounts.values()
    (market,) = account.markets
    return BacktestOptions(
        deployment=str(path),
        market=f"{account.venue}:{market.symbol}",
        files=MarketFiles(quotes=data / f"{recording}_quotes.csv.gz", trades=data / f"{recording}_trades.csv.gz"),
    )


def _price(files: MarketFiles) -> Decimal:
    """Return the first price that was traded."""
    return next(event.price for event in read_market(files).events() if isinstance(event, Trade))


def _cells(result: BacktestResult) -> Iterator[str]:
    held = [each.inventory_base - result.samples[0].inventory_base for each in result.samples]
    yield str(result.fills)
    yield f"{result.total_pnl_quote - _held_gain(result):+.2f}"
    yield f"{float(min(held)):+.3g} to {float(max(held)):+.3g}"
    yield "–" if result.cancel_ratio is None else f"{result.cancel_ratio:.0%}"
    yield _bps(result.edge_at_fill_bps)
    yield from (_bps(result.markout_bps[after_s]) for after_s in sorted(result.markout_bps))


def _traded(result: BacktestResult) -> Iterator[str]:
    yield str(result.fills)
    yield f"{float(sum((each.size_base for each in result.fill_list), ZERO)):.6g}"
    yield f"{result.total_pnl_quote - _held_gain(result):+.2f}"


def _lost(result: BacktestResult) -> Iterator[str]:
    yield str(result.fills)
    yield f"{result.total_pnl_quote:+.0f}"
    yield f"{result.max_drawdown_quote:.0f}"
    yield f"{float(result.inventory_final_base):.4g}"


def _held_gain(result: BacktestResult) -> Decimal:
    """Return what the opening base gained by itself."""
    mids = [each.mid for each in result.samples if each.mid is not None]
    return result.samples[0].inventory_base * (mids[-1] - mids[0])


def _bps(value: Decimal | None) -> str:
    return "–" if value is None else f"{value:+.1f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
