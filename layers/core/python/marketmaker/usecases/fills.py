"""What an account traded, from its ledger: the newest fills of its markets, and what they come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.inventory import FillRow
from marketmaker.domain.orders import Fee, Side
from marketmaker.domain.units import ZERO, AccountName, Asset, Symbol
from marketmaker.usecases.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class FillTotals:
    """What fills come to; `realised_quote` is before fees, which `fees` holds by asset, rebates negative (R16).

    The fees of `fills_without_fee` are unknown, hence in no sum.
    """

    bought_base: Decimal
    bought_quote: Decimal
    sold_base: Decimal
    sold_quote: Decimal
    realised_quote: Decimal
    fees: tuple[Fee, ...]
    fills_without_fee: int

    @property
    def net_base(self) -> Decimal:
        """Bought less sold, before fees taken in base."""
        return self.bought_base - self.sold_base


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFills:
    """One market's fills, newest last; `is_cut` says that older ones were asked for too, but exceed the limit."""

    account: AccountName
    symbol: Symbol
    rows: tuple[FillRow, ...]
    is_cut: bool

    @property
    def totals(self) -> FillTotals:
        """What these fills come to, and no others."""
        return add_up(self.rows)


def read_fills(desk: Desk, symbols: Iterable[Symbol], *, since_ms: int | None, limit: int) -> tuple[MarketFills, ...]:
    """Read the newest fills of each of these markets, at most `limit` a market; the venue is not asked.

    Raises:
        Retryable, Fatal: the ledger could not be read.
    """
    return tuple(_read_market(desk, symbol, since_ms, limit) for symbol in symbols)


def _read_market(desk: Desk, symbol: Symbol, since_ms: int | None, limit: int) -> MarketFills:
    newest = desk.store.recent_fills(desk.settings.name, symbol, since_ms=since_ms, limit=limit + 1)
    return MarketFills(
        account=desk.settings.name,
        symbol=symbol,
        rows=tuple(reversed(newest[:limit])),
        is_cut=len(newest) > limit,
    )


def add_up(rows: Sequence[FillRow]) -> FillTotals:
    """Add fills up."""
    base = {side: sum((row.fill.size_base for row in rows if row.fill.side is side), ZERO) for side in Side}
    quote = {side: sum((row.fill.notional_quote for row in rows if row.fill.side is side), ZERO) for side in Side}
    fees: dict[Asset, Decimal] = {}
    for row in rows:
        if row.fill.fee is not None:
            fees[row.fill.fee.asset] = fees.get(row.fill.fee.asset, ZERO) + row.fill.fee.amount
    return FillTotals(
        bought_base=base[Side.BUY],
        bought_quote=quote[Side.BUY],
        sold_base=base[Side.SELL],
        sold_quote=quote[Side.SELL],
        realised_quote=sum((row.realised_quote for row in rows), ZERO),
        fees=tuple(Fee(asset=asset, amount=amount) for asset, amount in sorted(fees.items())),
        fills_without_fee=sum(row.fill.fee is None for row in rows),
    )
