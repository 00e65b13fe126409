"""Inventory by cost basis, and the ledger rows that produce it.

Identity that every function here preserves exactly (R17):

    quote + base · mark − deposited = realised + (base · mark − cost basis) − fees + funding

On a perpetual `quote` is what would be left had the position been paid for, so the identity is the same there and
`collateral` is what the venue holds. `realised` and the cost basis are gross; `fees` holds every fee priced in quote
currency, rebates negative. The *net* cost of M1 and M2 is `(cost basis + fees in basis) / base`.
"""

from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Fee, Fill
from marketmaker.domain.positions import FundingPayment
from marketmaker.domain.units import ZERO, Asset, ClientOrderId, Symbol

_QUANTUM = Decimal("1e-18")
_WIDE_PRECISION = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one market owns of its base and quote asset, what that cost, and when it was taken on.

    `opened_ms` is the size-weighted mean time of what is held; None when flat, or unknown.
    """

    base: Decimal = ZERO
    quote: Decimal = ZERO
    deposited_quote: Decimal = ZERO
    cost_basis_quote: Decimal = ZERO
    fees_in_basis_quote: Decimal = ZERO
    realised_quote: Decimal = ZERO
    fees_quote: Decimal = ZERO
    funding_quote: Decimal = ZERO
    unpriced_fees: tuple[Fee, ...] = ()
    fills_without_fee: int = 0
    opened_ms: int | None = None

    @property
    def average_cost_quote(self) -> Decimal | None:
        """Average price paid for the base held, net of fees and rebates; None when flat (M1, M3)."""
        return (self.cost_basis_quote + self.fees_in_basis_quote) / self.base if self.base else None

    def unrealised_quote(self, mark: Decimal) -> Decimal:
        """Gross gain of the base held at a mark price: 10 bought at 1900, marked at 1800, is −1000 (S18)."""
        return self.base * mark - self.cost_basis_quote

    def pnl_quote(self, mark: Decimal) -> Decimal:
        """Realised and unrealised gain after every priced fee and all funding."""
        return self.realised_quote + self.unrealised_quote(mark) - self.fees_quote + self.funding_quote

    @property
    def collateral_quote(self) -> Decimal:
        """What a venue of perpetuals holds for the market: all but what is not realised."""
        return self.quote + self.cost_basis_quote

    def equity_quote(self, mark: Decimal) -> Decimal:
        """Value of base and quote together."""
        return self.quote + self.base * mark

    def ratio(self, mark: Decimal) -> Decimal | None:
        """Share of the market's capital held in base (S2); None without capital."""
        equity = self.equity_quote(mark)
        return self.base * mark / equity if equity > ZERO else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRow:
    """The market's first ledger row: what it was given, and at what cost (S2b)."""

    symbol: Symbol
    time_ms: int
    base: Decimal
    quote: Decimal
    cost_quote: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRow:
    """One booked fill with its effect on the market's holdings."""

    fill: Fill
    client_id: ClientOrderId | None
    base_change: Decimal
    quote_change: Decimal
    realised_quote: Decimal
    fee_quote: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRow:
    """One booked funding payment (R22); `key` tells it from all others of its market."""

    payment: FundingPayment

    @property
    def key(self) -> int:
        """The moment of the payment: a market has one at a time."""
        return self.payment.time_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money that came from outside, or below zero went there; `id` makes it one, however often it is told (S2b).

    `price_quote` is what one unit of the asset is worth in the market's quote: 1 of the quote itself.
    """

    id: str
    time_ms: int
    asset: Asset
    amount: Decimal
    price_quote: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow:
    """One booked transfer with its effect on the market's holdings."""

    transfer: Transfer
    base_change: Decimal
    quote_change: Decimal
    realised_quote: Decimal


LedgerRow = OpeningRow | FillRow | FundingRow | TransferRow


def open_inventory(row: OpeningRow) -> Inventory:
    """Start a market's inventory from its opening row."""
    cost = row.base * row.cost_quote
    return Inventory(
        base=row.base,
        quote=row.quote,
        deposited_quote=row.quote + cost,
        cost_basis_quote=cost,
        opened_ms=row.time_ms if row.base else None,
    )


def book_funding(inventory: Inventory, payment: FundingPayment) -> tuple[Inventory, FundingRow]:
    """Take a funding payment in: it changes the cash, not what the position cost."""
    paid = replace(
        inventory,
        quote=inventory.quote + payment.amount_quote,
        funding_quote=inventory.funding_quote + payment.amount_quote,
    )
    return paid, FundingRow(payment=payment)


def book_transfer(inventory: Inventory, transfer: Transfer, instrument: Instrument) -> tuple[Inventory, TransferRow]:
    """Take a deposit or a withdrawal in: neither is a gain or a loss, now or at the peak (R6).

    Base that comes is as if deposited in quote and bought at its price; base that goes, as if sold at it and withdrawn.
    """
    value = transfer.amount * transfer.price_quote
    if transfer.asset == instrument.quote:
        after = replace(inventory, quote=inventory.quote + value)
        changes = (ZERO, value)
    else:
        after = _move(
            inventory,
            base_change=transfer.amount,
            price=transfer.price_quote,
            fee_quote=ZERO,
            time_ms=transfer.time_ms,
        )
        changes = (transfer.amount, ZERO)
    after = replace(after, deposited_quote=inventory.deposited_quote + value)
    row = TransferRow(
        transfer=transfer,
        base_change=changes[0],
        quote_change=changes[1],
        realised_quote=after.realised_quote - inventory.realised_quote,
    )
    return after, row


def book_fill(
    inventory: Inventory, fill: Fill, instrument: Instrument, client_id: ClientOrderId | None = None
) -> tuple[Inventory, FillRow]:
    """Apply one fill: a sale removes `basis · sold / held`, rounded once.

    A fill that crosses zero closes what is held and opens the rest at its own price. A fee in base changes the base
    received and is priced at the fill; a fee in a third asset is kept in that asset (R16).
    """
    fee_quote, fee_base = _price_fee(fill, instrument)
    traded = fill.side.sign * fill.size_base - fee_base
    opened = _move(inventory, base_change=traded, price=fill.price, fee_quote=fee_quote or ZERO, time_ms=fill.time_ms)
    quote_fee = ZERO if fee_base or fee_quote is None else fee_quote
    quote_change = -fill.side.sign * fill.notional_quote - quote_fee
    after = replace(
        opened,
        quote=inventory.quote + quote_change,
        fees_quote=inventory.fees_quote + (fee_quote or ZERO),
        unpriced_fees=_add_unpriced(inventory.unpriced_fees, fill.fee if fee_quote is None else None),
        fills_without_fee=inventory.fills_without_fee + (fill.fee is None),
    )
    row = FillRow(
        fill=fill,
        client_id=client_id,
        base_change=traded,
        quote_change=quote_change,
        realised_quote=after.realised_quote - inventory.realised_quote,
        fee_quote=fee_quote,
    )
    return after, row


def _price_fee(fill: Fill, instrument: Instrument) -> tuple[Decimal | None, Decimal]:
    """Return the fee in quote currency (None where unknown) and the part of it that was taken in base."""
    fee = fill.fee
    if fee is None:
        return None, ZERO
    if fee.asset == instrument.quote:
        return fee.amount, ZERO
    if fee.asset == instrument.base:
        return fee.amount * fill.price, fee.amount
    return None, ZERO


def _move(inventory: Inventory, *, base_change: Decimal, price: Decimal, fee_quote: Decimal, time_ms: int) -> Inventory:
    """Change the base held at a price; `base_change · price` is the gross value that enters or leaves the basis."""
    held = inventory.base
    closing = _closing_part(held, base_change)
    opening = base_change - closing
    removed = _share(inventory.cost_basis_quote, closing, held)
    removed_fees = _share(inventory.fees_in_basis_quote, closing, held)
    opening_fees = _share(fee_quote, opening, base_change)
    return replace(
        inventory,
        base=held + base_change,
        cost_basis_quote=inventory.cost_basis_quote - removed + opening * price,
        fees_in_basis_quote=inventory.fees_in_basis_quote - removed_fees + opening_fees,
        realised_quote=inventory.realised_quote - closing * price - removed,
        opened_ms=_mean_time(inventory.opened_ms, abs(held + closing), time_ms, abs(opening)),
    )


def _mean_time(opened_ms: int | None, kept: Decimal, time_ms: int, opening: Decimal) -> int | None:
    """Weigh when the part that is kept was taken on and when the new part is; unknown stays unknown until flat."""
    if not kept:
        return time_ms if opening else None
    if opened_ms is None or not opening:
        return opened_ms
    return int((opened_ms * kept + time_ms * opening) / (kept + opening))


def _closing_part(held: Decimal, change: Decimal) -> Decimal:
    """Return the part of a change that reduces the holding, with the change's sign."""
    if held * change >= ZERO:
        return ZERO
    return change if abs(change) <= abs(held) else -held


def _share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Return total · |part / whole|, exact at the ends and rounded once to 1e-18 between them."""
    if not part:
        return ZERO
    if abs(part) == abs(whole):
        return total
    with localcontext(prec=_WIDE_PRECISION):
        return (total * abs(part) / abs(whole)).quantize(_QUANTUM)


def _add_unpriced(fees: tuple[Fee, ...], fee: Fee | None) -> tuple[Fee, ...]:
    if fee is None:
        return fees
    total: dict[Asset, Decimal] = {each.asset: each.amount for each in fees}
    total[fee.asset] = total.get(fee.asset, ZERO) + fee.amount
    return tuple(Fee(asset=asset, amount=amount) for asset, amount in sorted(total.items()))
