"""Recorded markets, read as one stream of events; whatever is wrong with a file is an error or a counted skip.

Files, gzipped or plain: `quotes`, `trades` and `book` (snapshots of any depth) in Tardis's normalised CSV layout;
`trades` also as the zip of Binance's public archive (`BTCUSDC-aggTrades-2025-10-04.zip`, stamps in ms or µs);
`candles` with `open_time` (ms or µs), open, high, low, close, volume. Events are merged by `local_timestamp` (µs UTC),
at equal stamps trades first, then snapshots, then quotes.

Where the book comes from (`BookSource`):

- recorded: each quote is the touch; behind it stands what the last snapshot showed beyond it, if there are snapshots.
- assumed: trades alone; after each, one level a side, `half_spread_bps` round its price, of its size.
- candles: a coarse mode. A candle becomes four trades of a quarter of its volume each: open, the extreme nearer to
  the open (the low if both are as near), the other one, close; at its start, after one and two thirds, and in its last
  microsecond. A trade above the one before was bought, one below sold. The book is assumed round them.

| what is wrong | becomes |
|---|---|
| bid above ask | skip `crossed`: the book before it stands on |
| bid equal to ask | skip `locked`: the same |
| one side blank | kept: that side of the book is empty |
| snapshot levels not best first, or two at one price | skip `unsorted_levels` |
| size zero, of a trade, of a level, or of a candle | skip `zero_size` |
| the same quote or snapshot twice in a row, stamps included | skip `duplicate`; with a later stamp it is kept |
| a trade with the id, side, price and size of one of the last 1,000 to 2,000 | skip `duplicate`; without ids kept |
| a second candle of the same time | skip `duplicate` |
| a taker side that the recorder did not know (`unknown`) | skip `unknown_side` |
| a candle whose high or low lies within its open and close | skip `impossible` |
| time going back by at most a second | skip `out_of_order` |
| time going back by more, or at all between candles | error |
| 1,000 skips in a row, or no row left: unsorted, or columns mislabelled | error |
| a missing column, another kind of file than said, an archive's zip other than of aggregated trades | error |
| a row longer or shorter than the header | error |
| what should be a number, a side or a time and is none; a price of 0, anything below it | error |
| stamps in ms or ns where µs are due | error |
| a second symbol in a file, or another one in the trades than in the quotes | error |
| a missing file, an empty one, one that ends early or does not unpack | error |
| trades and quotes that do not overlap; nothing between `from_us` and `to_us` | error |

Rows more than 1,001 before `from_us` are passed over: of what they say only symbol and stamp are looked at.

Errors are `RecordingError`: they name the file and the line (in an archive, the line within).
"""

from marketmaker.simulation.market_data.files import BookSource, MarketDescription, MarketFiles
from marketmaker.simulation.market_data.market import DEFAULT_HALF_SPREAD_BPS, MarketData, read_market
from marketmaker.simulation.market_data.odd_rows import Oddity, Window
from marketmaker.simulation.market_data.tables import RecordingError

__all__ = [
    "DEFAULT_HALF_SPREAD_BPS",
    "BookSource",
    "MarketData",
    "MarketDescription",
    "MarketFiles",
    "Oddity",
    "RecordingError",
    "Window",
    "read_market",
]
