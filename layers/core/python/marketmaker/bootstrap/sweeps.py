"""A sweep put together: every point a backtest of its own, on all cores."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Self

from marketmaker.bootstrap.backtests import (
    BacktestOptions,
    ConfigError,
    MarketFiles,
    Preset,
    QueueModel,
    backtest,
    opening_base,
    played_account,
)
from marketmaker.bootstrap.environment import set_decimal_context
from marketmaker.config.variations import read_variation
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.sweeps import (
    LEAST_BLOCKS,
    MOST_BLOCKS,
    MOST_POINTS,
    Figure,
    Point,
    Trial,
    Variation,
    block_pnl,
    grid,
)
from marketmaker.errors import Fatal
from marketmaker.usecases.sweep import Job, Part, SweepPlan, Swept, Tell
from marketmaker.usecases.sweep import sweep as sweep_points

__all__ = [
    "BacktestOptions",
    "ConfigError",
    "Figure",
    "MarketFiles",
    "Preset",
    "QueueModel",
    "SweepDone",
    "SweepOptions",
    "Swept",
    "read_variation",
    "sweep",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """What a sweep is of: the grid of `variations` over a backtest, whose own changes hold in every run.

    Every run opens with what the file's own opens with, so that none gains by what it held at the start. With
    `test_from_ms` the search ends there, and what it picks is run on what comes after.
    """

    backtest: BacktestOptions
    variations: tuple[Variation, ...]
    by: Figure = Figure.TOTAL_PNL
    blocks: int = 12
    seed: int = 0
    workers: int | None = None
    test_from_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepDone:
    """What a sweep found, and how long it took."""

    swept: Swept
    wall_seconds: float


def sweep(options: SweepOptions, tell: Tell = lambda _done, _runs: None) -> SweepDone:
    """Run a sweep; nothing runs before every point, and the recording, is known to be usable.

    Raises:
        ConfigError: the grid, a value or the recording cannot be used.
        Fatal: a run failed; the text names its point.
    """
    set_decimal_context()
    started_s = time.perf_counter()
    plan = SweepPlan(
        points=_points(options),
        by=options.by,
        is_tested=options.test_from_ms is not None,
        seed=options.seed,
    )
    parts = _parts(options)
    workers = min(options.workers or os.process_cpu_count() or 1, len(plan.points))
    with _Pool(parts, options.blocks, workers) as pool:
        swept = sweep_points(plan, pool.work, tell)
    return SweepDone(swept=swept, wall_seconds=time.perf_counter() - started_s)


def _points(options: SweepOptions) -> tuple[Point, ...]:
    """List the points, the file's own first; the one of the grid that says the same is the file's own."""
    keys = [each.key for each in options.variations]
    twice = next((key for index, key in enumerate(keys) if key in keys[:index]), None)
    if twice is not None:
        raise ConfigError(f"--vary: {twice} twice is not allowed: each key once")
    if not LEAST_BLOCKS <= options.blocks <= MOST_BLOCKS:
        raise ConfigError(f"--blocks: {options.blocks} is not allowed: {LEAST_BLOCKS} to {MOST_BLOCKS}")
    size = 1
    for each in options.variations:
        size *= len(each.values)
    if not options.variations or size > MOST_POINTS:
        raise ConfigError(f"--vary: a grid of {size} runs is not allowed: 2 to {MOST_POINTS} runs, by at least one key")
    own = played_account(options.backtest).markets[0]
    found: list[tuple[Point, MarketSettings]] = []
    for point in grid(options.variations):
        settings = _settings(options.backtest, point)
        same = next((each for each, others in found if others == settings), None)
        if same is not None:
            raise ConfigError(f"--vary: {point.label} is not allowed beside {same.label}: both say the same")
        found.append((point, settings))
    points = [replace(point, is_file=settings == own) for point, settings in found]
    if any(each.is_file for each in points):
        return tuple(sorted(points, key=lambda each: not each.is_file))
    return (Point(is_file=True), *points)


def _settings(options: BacktestOptions, point: Point) -> MarketSettings:
    try:
        return played_account(_changed(options, point)).markets[0]
    except ConfigError as error:
        raise ConfigError(f"--vary {point.label}: {error}") from error


def _changed(options: BacktestOptions, point: Point) -> BacktestOptions:
    """Return the options of a point's run; the file's own is run as it stands."""
    changes = () if point.is_file else tuple(f"{key}={value}" for key, value in point.values)
    return replace(options, changes=(*options.changes, *changes))


def _parts(options: SweepOptions) -> dict[Part, BacktestOptions]:
    """Return the options of the part to search and of the one kept back."""
    whole, cut_ms = options.backtest, options.test_from_ms
    parts = {Part.SEARCH: whole if cut_ms is None else replace(whole, to_ms=cut_ms)}
    if cut_ms is not None:
        if cut_ms <= (whole.from_ms or 0) or (whole.to_ms is not None and cut_ms >= whole.to_ms):
            raise ConfigError("--test-from: it is not allowed outside of --from and --to: a moment between them")
        parts[Part.TEST] = replace(whole, from_ms=cut_ms)
    return {part: replace(each, opening_base=opening_base(each)) for part, each in parts.items()}


class _Pool:
    """Processes that make runs; none outlives this one, however it ends."""

    def __init__(self, parts: dict[Part, BacktestOptions], blocks: int, workers: int) -> None:
        self._parts, self._blocks = parts, blocks
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(max_workers=workers, mp_context=spawn, initializer=_start_worker)
        self._others = set(multiprocessing.active_children())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for process in set(multiprocessing.active_children()) - self._others:
                process.terminate()
        self._pool.shutdown(cancel_futures=True)

    def work(self, jobs: Sequence[Job]) -> Iterator[Trial]:
        """Yield runs as they end; the first that fails ends all."""
        waiting: dict[Future[Trial], Job] = {}
        for job in jobs:
            waiting[self._pool.submit(_run, _changed(self._parts[job.part], job.point), self._blocks, job.point)] = job
        for future in as_completed(waiting):
            yield _ended(future, waiting[future].point.label)


def _ended(future: Future[Trial], label: str) -> Trial:
    try:
        return future.result()
    except ConfigError as error:
        raise ConfigError(f"{label}: {error}") from error
    except Exception as error:
        raise Fatal(f"the run of {label} failed: {type(error).__name__}: {error}") from error


def _run(options: BacktestOptions, blocks: int, point: Point) -> Trial:
    done = backtest(options)
    try:
        gains = block_pnl(done.result, blocks)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return Trial(
        point=point,
        result=replace(done.result, fill_list=(), samples=()),
        block_pnl_quote=gains,
        note=done.note,
    )


def _start_worker() -> None:
    """Leave Ctrl-C to the process that started this one, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: "multiprocessing.process.BaseProcess") -> None:
    parent.join()
    os._exit(1)
