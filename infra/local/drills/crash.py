"""The market of the price crash: a recording of 10 October 2025, or a generated one of its shape.

The recording fell from 112,000 to 108,400 without a trade between, at 21:20:46 UTC, and to 107,300 within 12 s. It may
not be passed on, so it is given with `--data` or lies in `data/` of the checkout. Neither has quotes: the exchange
assumes a book of one level round each trade.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path
from random import Random

from infra.local.aws import ROOT
from marketmaker.errors import ConfigError

RECORDING = "gemini_btcusd_2025-10-10"
RECORDED_CRASH_S = 76_839.0
"""When it falls, in seconds from the recording's first trade."""
QUIET_S = 18.0
"""What is replayed before it, for quotes to rest."""
_START_US = 1_760_000_000_000_000
_BEFORE, _AFTER = 112_000.0, 108_400.0
_LOWEST, _REST = 107_300.0, 108_500.0
_FALL_S, _END_S = 12.0, 150.0
_TRADES_PER_S = 2.0
_SIZE_BASE, _SIZE_TAIL = 0.001, 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A market that falls, from where on it is replayed, and what is said of it."""

    prefix: Path
    start_s: float
    note: str


def find_crash(data: str | None, directory: Path, seed: int = 1) -> Crash:
    """Return the recording that is given or found, else one that is generated into a directory."""
    if data is not None and not _trades(Path(data)).is_file():
        allowed = f"PREFIX of PREFIX_trades.csv.gz, of {RECORDING}"
        raise ConfigError(f"--data: {data} is not allowed: {allowed}; {_trades(Path(data))} does not exist")
    prefix = Path(data) if data is not None else ROOT / "data" / RECORDING
    if not _trades(prefix).is_file():
        generated = directory / "generated_crash"
        write_crash(generated, seed)
        return Crash(prefix=generated, start_s=0, note=f"generated crash of the recorded shape, seed {seed}")
    if prefix.name != RECORDING:
        raise ConfigError(f"--data: {prefix.name} is not allowed: {RECORDING}, whose crash is known")
    return Crash(prefix=prefix, start_s=RECORDED_CRASH_S - QUIET_S, note=f"{RECORDING} from 21:20 UTC")


def write_crash(prefix: Path, seed: int) -> None:
    """Write the trades of a market that is still, falls through everything at once, and then trembles."""
    random = Random(seed)  # noqa: S311 - a market, no secret
    rows = ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount"]
    now_s, price = 0.0, _BEFORE
    while now_s < _END_S:
        size = min(1.0, _SIZE_BASE * random.paretovariate(_SIZE_TAIL))
        time_us = _START_US + int(now_s * 1e6)
        side = "buy" if random.random() < 0.5 else "sell"
        rows.append(f"generated,BTCUSD,{time_us},{time_us},{len(rows)},{side},{price:.2f},{size:.8f}")
        now_s = QUIET_S if len(rows) == 2 else now_s + random.expovariate(_TRADES_PER_S)
        price = _price(now_s, random)
    with gzip.open(_trades(prefix), "wt", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")


def _price(now_s: float, random: Random) -> float:
    fallen_s = now_s - QUIET_S
    centre = _AFTER + (_LOWEST - _AFTER) * fallen_s / _FALL_S if fallen_s < _FALL_S else _REST
    return centre * (1 + random.gauss(0, 0.002))


def _trades(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}_trades.csv.gz")
