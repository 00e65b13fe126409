"""Tiny recordings as a recorder would write them."""

import gzip
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from marketmaker.simulation.events import Quote, Trade
from marketmaker.simulation.market_data import MarketFiles, read_market

QUOTES = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"
TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
CANDLES = "open_time,open,high,low,close,volume"
BOOK = ",".join(
    [
        "exchange,symbol,timestamp,local_timestamp",
        *(f"{side}[{n}].{what}" for n in range(2) for side in ("asks", "bids") for what in ("price", "amount")),
    ]
)


def write(path: Path, header: str | None, rows: Sequence[str]) -> Path:
    """Write rows beneath a header, packed as the name says."""
    text = "".join(f"{row}\n" for row in ([header] if header else []) + list(rows))
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def archive(folder: Path, rows: Sequence[str], *, member: str = "BTCUSDC-aggTrades-2025-10-04.csv") -> Path:
    """Write an archive's zip of one file."""
    path = folder / "BTCUSDC-aggTrades-2025-10-04.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(member, "".join(f"{row}\n" for row in rows))
    return path


def quote_row(time_us: int, bid: str = "10.10", ask: str = "10.20", *, bid_size: str = "1", ask_size: str = "2") -> str:
    """Write a quote; a blank price makes its size blank."""
    return f"e,ETHUSD,0,{time_us},{ask_size if ask else ''},{ask},{bid},{bid_size if bid else ''}"


def trade_row(
    time_us: int, price: str = "10.1", size: str = "0.50", *, side: str = "sell", trade_id: str | None = None
) -> str:
    """Write a trade, by default with an id of its own."""
    return f"e,ETHUSD,0,{time_us},{f't{time_us}' if trade_id is None else trade_id},{side},{price},{size}"


def book_row(time_us: int, asks: str = "10.2x1 10.3x2", bids: str = "10.1x1 10.0x2") -> str:
    """Write a snapshot of two levels a side; fewer leave blanks."""
    levels = [(each.split(" ") + ["x"] * 2)[:2] for each in (asks, bids)]
    pairs = [side[n].replace("x", ",") for n in range(2) for side in levels]
    return f"e,ETHUSD,0,{time_us},{','.join(pairs)}"


HEADERS = {"quotes": QUOTES, "trades": TRADES, "book": BOOK, "candles": CANDLES}
ROWS: dict[str, Callable[[int], str]] = {
    "quotes": quote_row,
    "trades": trade_row,
    "book": book_row,
    "candles": lambda time_us: f"{1_751_629_800_000 + time_us * 60_000},10,11,9,10,4",
}


def files(
    folder: Path, kind: str, rows: Sequence[str], *, header: str | None = None, name: str = "x.csv"
) -> MarketFiles:
    """Write one file of a kind and name it as such."""
    return MarketFiles(**{kind: write(folder / name, header or HEADERS[kind], rows)})


def read(market: MarketFiles) -> tuple[list[int], dict[str, int]]:
    """Return the times of what was recorded, without the book that is assumed, and what was skipped."""
    data = read_market(market)
    wanted = Trade if market.trades or market.candles else Quote
    return [event.time_us for event in data.events() if isinstance(event, wanted)], dict(data.skipped)
