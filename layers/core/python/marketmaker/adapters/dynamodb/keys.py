"""How items are named: an account's partition of the state table, a market's partitions of ledger and prices."""

from marketmaker.domain.inventory import FundingRow, LedgerRow, OpeningRow, TransferRow
from marketmaker.domain.units import AccountName, Symbol, TradeId

CONTROL = "control"
PORTFOLIO = "#portfolio"
"""The partition that all accounts share; no account's name starts so."""
EXPOSURE = "exposure#"
CONFIG = "config#"
"""Sorts before everything that a tick reads."""
COMPLIANCE = "compliance#"
"""Sorts before everything that a tick reads, as `CONFIG`."""
MARKET = "market#"
EPISODE = "episode#"
PAPER = "paper"
OPENING = "opening#"
FILL = "fill#"
FUNDING = "funding#"
TRANSFER = "transfer#"
METADATA = "metadata"
DAY_VOLUME = "day_volume"
KLINES = "klines#"
CALIBRATION = "calibration"
VARIANCES = "variance#"
TRIANGLE = "triangle#"

_ID_DIGITS = 20
_TIME_DIGITS = 15
LAST_FILL = FILL + "9" * _ID_DIGITS


def ledger_partition(account: AccountName, symbol: Symbol) -> str:
    """Name a market's ledger; it starts with the account, to which roles are limited."""
    return f"{account}#{symbol}"


def prices_partition(venue: str, symbol: Symbol) -> str:
    """Name what a venue publishes of a market."""
    return f"{venue}#{symbol}"


def compliance_key(symbol: Symbol, day_ms: int) -> str:
    """Name a market's counts of a day so that they sort by time."""
    return f"{COMPLIANCE}{symbol}#{day_ms:0{_TIME_DIGITS}d}"


def minute_key(start_ms: int) -> str:
    """Name a minute's klines so that they sort by time."""
    return f"{KLINES}{start_ms:0{_TIME_DIGITS}d}"


def minute_start_ms(key: str) -> int:
    """Read a minute's start back from its key."""
    return int(key.removeprefix(KLINES))


def day_key(start_ms: int) -> str:
    """Name a day's variances so that they sort by time."""
    return f"{VARIANCES}{start_ms:0{_TIME_DIGITS}d}"


def triangle_key(account: AccountName) -> str:
    """Name an account's triangle round a market."""
    return f"{TRIANGLE}{account}"


def day_start_ms(key: str) -> int:
    """Read a day's start back from its key."""
    return int(key.removeprefix(VARIANCES))


def fill_key(number: int) -> str:
    """Name a fill's row so that rows sort by trade id."""
    return f"{FILL}{max(number, 0):0{_ID_DIGITS}d}"


def row_key(row: LedgerRow) -> str:
    """Name a ledger row; one trade id has exactly one name (R14)."""
    if isinstance(row, OpeningRow):
        return OPENING
    if isinstance(row, FundingRow):
        return f"{FUNDING}{row.key:0{_TIME_DIGITS}d}"
    if isinstance(row, TransferRow):
        return f"{TRANSFER}{row.transfer.id}"
    trade_id = row.fill.trade_id
    if (
        not (trade_id.isascii() and trade_id.isdigit() and len(trade_id) <= _ID_DIGITS)
        or str(int(trade_id)) != trade_id
    ):
        raise ValueError(f"trade id {trade_id!r} cannot be a ledger key; allowed: whole numbers of {_ID_DIGITS} digits")
    return fill_key(int(trade_id))


def trade_id(key: str) -> TradeId:
    """Read a trade id back from its row's key."""
    return TradeId(str(int(key.removeprefix(FILL))))
