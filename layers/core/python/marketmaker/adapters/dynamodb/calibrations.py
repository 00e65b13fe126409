"""What is measured of a market, as items of the prices table; floats come back bit by bit."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import batched, groupby
from typing import Any

import msgspec
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.failures import RawItem
from marketmaker.adapters.dynamodb.models import CalibrationItem, VariancesItem
from marketmaker.domain.calibration import Calibration
from marketmaker.domain.intensity import IntensityFit
from marketmaker.domain.regime import BUCKET_MS, BUCKETS_A_DAY, Variances, VolatilityRegime
from marketmaker.domain.statistics import Unfit
from marketmaker.domain.volatility import VolatilityFit

DAY_MS = BUCKETS_A_DAY * BUCKET_MS
VARIANCES_KEPT_S = 9 * 86_400
"""How long a day's variances are kept after its start: the week that they are judged in, its own day, one to spare."""
MOST_AN_UPDATE = 48
"""Variances in one update: its expression stays far below DynamoDB's 4 KB and 300 operators."""


def calibration_item(partition: str, calibration: Calibration) -> CalibrationItem:
    """Write a calibration as one text."""
    parts = {name: getattr(calibration, name) for name in ("volatility", "intensity", "regime")}
    content = {name: {"unfit" if isinstance(part, Unfit) else "fit": asdict(part)} for name, part in parts.items()}
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return CalibrationItem(partition, keys.CALIBRATION, until_ms=calibration.until_ms, content=text)


def calibration_from(item: CalibrationItem) -> Calibration | None:
    """Read a calibration back; None for one that another version wrote, which a minute replaces."""
    try:
        content = json.loads(item.content)
        return Calibration(
            until_ms=item.until_ms,
            volatility=_part(content["volatility"], VolatilityFit),
            intensity=_part(content["intensity"], IntensityFit),
            regime=_part(content["regime"], VolatilityRegime),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _part[Fit](content: Mapping[str, Any], kind: type[Fit]) -> Fit | Unfit:
    if "unfit" in content:
        return msgspec.convert(content["unfit"], Unfit)
    return msgspec.convert(content["fit"], kind)


def variance_updates(variances: Variances) -> Iterator[tuple[str, Sequence[Action]]]:
    """Write variances into the rows of their days, each only where none is kept."""
    for day_ms, of_day in groupby(sorted(variances.items()), key=lambda each: each[0] - each[0] % DAY_MS):
        expires = VariancesItem.expires_s.set(day_ms // 1000 + VARIANCES_KEPT_S)
        for some in batched(of_day, MOST_AN_UPDATE, strict=False):
            kept = [_keep((start_ms - day_ms) // BUCKET_MS, variance) for start_ms, variance in some]
            yield keys.day_key(day_ms), [expires, *kept]


def variances_from(raw: RawItem) -> dict[int, float | None]:
    """Read a day's row back."""
    day_ms = keys.day_start_ms(raw["row"]["S"])
    return {
        day_ms + int(name) * BUCKET_MS: float(value["S"]) if "S" in value else None
        for name, value in raw.items()
        if name.isdigit()
    }


def _keep(number: int, variance: float | None) -> Action:
    here = Path(f"{number:03d}")
    return here.set(here | ({"NULL": True} if variance is None else {"S": repr(variance)}))
