"""A recording that a test writes itself, in the layout of the recorders."""

import gzip
from decimal import Decimal
from pathlib import Path
from random import Random

START_US = 1_760_000_000_000_000


def write_walk(prefix: Path, seconds: int = 300) -> Path:
    """Write quotes and trades of a market that wanders round 1900; returns the prefix of both files."""
    random, mid = Random(7), Decimal(1900)  # noqa: S311 - a market, not a secret
    quotes = ["exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"]
    trades = ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount"]
    for second in range(seconds):
        now_us = START_US + second * 1_000_000
        mid += Decimal(random.choice(("-0.25", "0", "0.25")))
        quotes.append(f"test,PAXGUSDT,{now_us},{now_us},5,{mid + Decimal('0.1')},{mid - Decimal('0.1')},5")
        side, price = ("sell", mid - 1) if second % 3 else ("buy", mid + 1)
        trades.append(f"test,PAXGUSDT,{now_us + 500_000},{now_us + 500_000},{second},{side},{price},0.3")
    for name, rows in (("quotes", quotes), ("trades", trades)):
        with gzip.open(f"{prefix}_{name}.csv.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")
    return prefix
