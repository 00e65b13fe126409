"""One market's ledger in memory: the opening row, and the fills in the order of their trade ids."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from itertools import islice

from marketmaker.domain.inventory import FillRow, FundingRow, LedgerRow, OpeningRow, TransferRow
from marketmaker.domain.units import TradeId


class MarketLedger:
    """Rows that are written once; reading the newest costs no more than what is asked for."""

    def __init__(self) -> None:
        self.opening: OpeningRow | None = None
        self._fills: dict[int, FillRow] = {}
        self._ids: list[int] = []
        self._funding: dict[int, FundingRow] = {}
        self._transfers: dict[str, TransferRow] = {}

    def has_any(self, rows: Sequence[LedgerRow]) -> bool:
        """Tell whether one of these rows is there."""
        return any(self._has(row) for row in rows)

    def _has(self, row: LedgerRow) -> bool:
        match row:
            case OpeningRow():
                return self.opening is not None
            case FundingRow():
                return row.key in self._funding
            case TransferRow():
                return row.transfer.id in self._transfers
            case FillRow():
                return fill_id(row) in self._fills

    def add(self, rows: Sequence[LedgerRow]) -> None:
        """Write rows that are not there."""
        for row in rows:
            match row:
                case OpeningRow():
                    self.opening = row
                case FundingRow():
                    self._funding[row.key] = row
                case TransferRow():
                    self._transfers[row.transfer.id] = row
                case FillRow():
                    self._fills[fill_id(row)] = row
                    insort(self._ids, fill_id(row))

    def rows(self) -> list[LedgerRow]:
        """Return the opening row, the fills by trade id, the funding by time, the transfers by id."""
        opening = [] if self.opening is None else [self.opening]
        funding = [self._funding[each] for each in sorted(self._funding)]
        transfers = [self._transfers[each] for each in sorted(self._transfers)]
        return [*opening, *(self._fills[each] for each in self._ids), *funding, *transfers]

    def known_from(self, from_id: int) -> frozenset[TradeId]:
        """Return the trade ids at or above an id."""
        at_or_above = islice(self._ids, bisect_left(self._ids, from_id), None)
        return frozenset(self._fills[each].fill.trade_id for each in at_or_above)

    def keep_newest(self, most: int) -> None:
        """Forget the oldest fills, many together, so that at most twice so many stay."""
        if len(self._ids) > 2 * most:
            for each in self._ids[:-most]:
                del self._fills[each]
            del self._ids[:-most]

    def newest(self) -> Iterator[FillRow]:
        """Return the fills, newest trade id first."""
        return (self._fills[each] for each in reversed(self._ids))


def fill_id(row: FillRow) -> int:
    """Return what orders a market's fills: their trade ids grow."""
    return int(row.fill.trade_id)
