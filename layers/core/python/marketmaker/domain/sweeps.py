"""A grid of settings tried on one recorded market, each compared with the file's own, block by block of time.

A run's span is cut into equal blocks, and a block's gain is a sample. Two settings are compared in the same blocks
(paired): both saw the same market there, so most of what the market did cancels out of the difference, and what is
left is what the setting did.

Whether that is more than noise is asked of the signs. If the setting made no difference, each block's difference could
as well have had the other sign (Fisher 1935, "The Design of Experiments", §21): p is the share of all ways to flip
them whose sum is as far from zero as the one found. It assumes no distribution, only that blocks are exchangeable
under that hypothesis, each difference as likely above zero as below, independent of the others. Neighbouring blocks
share inventory, and that autocorrelation is ignored: blocks should be much longer than the time in which inventory
halves, or p is too small. Who compares many settings finds a good one by luck: p is corrected for their number (Holm
1979), which bounds the chance of even one false word.
"""

import math
import random
import statistics
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate, pairwise, product

from marketmaker.domain.backtests import BacktestResult
from marketmaker.domain.units import ZERO

MARKOUT_S = 10
LEAST_BLOCKS = 4
MOST_BLOCKS = 512
MOST_POINTS = 1_000
ALPHA = 0.05
"""The chance that a sweep of settings that all make no difference calls any of them better or worse."""
_EXACT_BLOCKS = 16
DRAWS = 1 << _EXACT_BLOCKS
"""Ways to flip that are looked at: all of them for up to 16 blocks, else the one found and drawn ones."""
_BYTE = 8
_ROUNDING = 1e-9
"""Sums of the same floats in another order differ by less than this share; they are ties."""


class Figure(StrEnum):
    """A figure of a run by which a sweep can be ranked."""

    TOTAL_PNL = "total_pnl_quote"
    REALISED_PNL = "realised_pnl_quote"
    VOLUME = "volume_quote"
    FILLS = "fills"
    EDGE = "edge_at_fill_bps"
    MARKOUT = f"markout_{MARKOUT_S}s_bps"
    TWO_SIDED = "two_sided_uptime"
    CANCEL_RATIO = "cancel_ratio"
    MAX_INVENTORY = "inventory_max_abs_base"
    MAX_DRAWDOWN = "max_drawdown_quote"

    @property
    def is_least_best(self) -> bool:
        """Tell whether less of it is better."""
        return self in {Figure.CANCEL_RATIO, Figure.MAX_INVENTORY, Figure.MAX_DRAWDOWN}

    def of(self, result: BacktestResult) -> Decimal | None:
        """Read it from a run; None where nothing was counted."""
        if self is Figure.MARKOUT:
            return result.markout_bps[MARKOUT_S]
        value: Decimal | int | None = getattr(result, self.value)
        return None if value is None else Decimal(value)


class Verdict(StrEnum):
    """What blocks of time say of a setting against the deployment file's."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "noise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """A key of a market and the values to try, written as after `--set KEY=`."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One combination of values, by key; `is_file` marks what the deployment file says itself.

    That one has no values where the grid does not hold it.
    """

    values: tuple[tuple[str, str], ...] = ()
    is_file: bool = False

    @property
    def label(self) -> str:
        """Name the point for people."""
        values = ", ".join(f"{key}={value}" for key, value in self.values)
        if not self.is_file:
            return values
        return f"{values} (as in the file)" if values else "as in the file"

    def value(self, key: str) -> str | None:
        """Return its value of a key; None where only the file says it."""
        return dict(self.values).get(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One run at a point: its figures, without samples and fills, and the gain of each block of time."""

    point: Point
    result: BacktestResult
    block_pnl_quote: tuple[Decimal, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a point's blocks differ from the file's: the mean of a block with its standard error, and what they say.

    `p` is the two-sided sign-flip p-value, `p_holm` the same corrected for how many points were compared.
    """

    mean_quote: float
    standard_error_quote: float
    p: float
    p_holm: float

    @property
    def verdict(self) -> Verdict:
        """Say whether it is more than noise, at 5 %."""
        if self.p_holm > ALPHA:
            return Verdict.NOISE
        return Verdict.BETTER if self.mean_quote > 0 else Verdict.WORSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A run in its place; only the file's own has no difference."""

    rank: int
    trial: Trial
    difference: Difference | None


def grid(variations: Iterable[Variation]) -> tuple[Point, ...]:
    """List every combination of values, the last key varying fastest."""
    columns = [[(each.key, value) for value in each.values] for each in variations]
    return tuple(Point(values=values) for values in product(*columns))


def block_pnl(result: BacktestResult, blocks: int) -> tuple[Decimal, ...]:
    """Cut a run into equal blocks of time and return what each gained, by the last sample at or before its end.

    The last block ends with the last sample, which what the last tick asked of the venue can delay past the span.

    Raises:
        ValueError: blocks are shorter than the time between ticks.
    """
    if blocks > result.ticks:
        raise ValueError(f"--blocks: {blocks} is not allowed: at most one a tick, and there were {result.ticks}")
    span_ms, samples = result.to_ms - result.from_ms, result.samples
    times = [each.time_ms for each in samples]
    ended = [bisect_right(times, result.from_ms + span_ms * number // blocks) for number in range(1, blocks)]
    gains = [samples[count - 1].pnl_quote if count else ZERO for count in (*ended, len(samples))]
    return tuple(after - before for before, after in pairwise((ZERO, *gains)))


def sign_flip_p(differences: Sequence[float], *, seed: int = 0) -> float:
    """Return the two-sided p-value of a mean of zero, by flipping signs.

    Exact for up to 16 differences. For more, of 65,535 drawn ways to flip and the one found (Phipson & Smyth 2010,
    "Permutation p-values should never be zero"); the seed says which.
    """
    count = len(differences)
    found, slack = abs(math.fsum(differences)), _ROUNDING * math.fsum(map(abs, differences))
    draw = random.Random(seed).getrandbits  # noqa: S311 - a sample, not a secret  # nosec B311
    drawn = count > _EXACT_BLOCKS
    flips = (draw(count) for _ in range(DRAWS - 1)) if drawn else range(1 << count)
    total, tables = math.fsum(differences), _sums_by_byte(differences)
    as_far = sum(1 for flip in flips if abs(total - 2 * _flipped(flip, tables)) >= found - slack)
    return (as_far + 1) / DRAWS if drawn else as_far / (1 << count)


def least_p(blocks: int) -> float:
    """Return the smallest p-value that so many blocks can have: with every difference on one side."""
    return 2 / (1 << blocks) if blocks <= _EXACT_BLOCKS else 1 / DRAWS


def fewest_blocks(compared: int) -> int:
    """Return how many blocks it takes until any of so many points, at most 1,000, can be told from noise."""
    return max(LEAST_BLOCKS, 1 + math.ceil(math.log2(compared / ALPHA))) if compared else LEAST_BLOCKS


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Correct p-values for their number, step by step from the smallest (Holm 1979); each stays in its place."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    scaled = (min(1.0, (len(p_values) - rank) * p_values[index]) for rank, index in enumerate(order))
    corrected = dict(zip(order, accumulate(scaled, max), strict=True))
    return tuple(corrected[index] for index in range(len(p_values)))


def differ(file: Trial, others: Sequence[Trial], *, seed: int = 0) -> tuple[Difference, ...]:
    """Compare runs with the file's own, block by block."""
    blocks = [
        [float(ours - own) for ours, own in zip(each.block_pnl_quote, file.block_pnl_quote, strict=True)]
        for each in others
    ]
    p_values = [sign_flip_p(each, seed=seed) for each in blocks]
    return tuple(
        Difference(
            mean_quote=statistics.fmean(each),
            standard_error_quote=statistics.stdev(each) / math.sqrt(len(each)),
            p=p,
            p_holm=p_holm,
        )
        for each, p, p_holm in zip(blocks, p_values, holm(p_values), strict=True)
    )


def rank(trials: Sequence[Trial], by: Figure, *, seed: int = 0) -> tuple[Ranked, ...]:
    """Put runs in order, the best first, those without the figure last, and compare each with the file's own."""
    (file,) = (each for each in trials if each.point.is_file)
    others = [each for each in trials if each is not file]
    differences = dict(zip((each.point for each in others), differ(file, others, seed=seed), strict=True))

    def place(trial: Trial) -> tuple[bool, Decimal]:
        value = by.of(trial.result)
        return value is None, ZERO if value is None else value if by.is_least_best else -value

    return tuple(
        Ranked(rank=number, trial=each, difference=differences.get(each.point))
        for number, each in enumerate(sorted(trials, key=place), 1)
    )


def _sums_by_byte(values: Sequence[float]) -> list[list[float]]:
    """Return for each eight values the sum of every choice of them, by the bits that choose."""
    tables = []
    for start in range(0, len(values), _BYTE):
        sums = [0.0]
        for value in values[start : start + _BYTE]:
            sums += [each + value for each in sums]
        tables.append(sums)
    return tables


def _flipped(flip: int, tables: Sequence[Sequence[float]]) -> float:
    """Return the sum of those whose bit is set."""
    total = 0.0
    for sums in tables:
        total += sums[flip & 0xFF]
        flip >>= _BYTE
    return total
