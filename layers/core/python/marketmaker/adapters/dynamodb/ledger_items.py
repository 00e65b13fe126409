"""Ledger rows to items and back, nothing lost on the way."""

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.models import (
    FillItem,
    FundingItem,
    LedgerItem,
    OpeningItem,
    TransferItem,
)
from marketmaker.domain.inventory import FillRow, FundingRow, LedgerRow, OpeningRow, Transfer, TransferRow
from marketmaker.domain.orders import Fee, Fill, Side
from marketmaker.domain.positions import FundingPayment
from marketmaker.domain.units import AccountName, Asset, ClientOrderId, Symbol, VenueOrderId


def ledger_item(account: AccountName, symbol: Symbol, row: LedgerRow) -> LedgerItem:
    """Write a ledger row."""
    partition, key = keys.ledger_partition(account, symbol), keys.row_key(row)
    if isinstance(row, OpeningRow):
        return OpeningItem(
            partition, key, time_ms=row.time_ms, base=row.base, quote=row.quote, cost_quote=row.cost_quote
        )
    if isinstance(row, FundingRow):
        return FundingItem(partition, key, time_ms=row.payment.time_ms, amount_quote=row.payment.amount_quote)
    if isinstance(row, TransferRow):
        return _transfer_item(partition, key, row)
    fill = row.fill
    return FillItem(
        partition,
        key,
        time_ms=fill.time_ms,
        venue_order_id=fill.venue_order_id,
        client_id=row.client_id,
        side=fill.side.value,
        price=fill.price,
        size_base=fill.size_base,
        fee_asset=None if fill.fee is None else fill.fee.asset,
        fee_amount=None if fill.fee is None else fill.fee.amount,
        is_maker=fill.is_maker,
        base_change=row.base_change,
        quote_change=row.quote_change,
        realised_quote=row.realised_quote,
        fee_quote=row.fee_quote,
    )


def _transfer_item(partition: str, key: str, row: TransferRow) -> TransferItem:
    transfer = row.transfer
    return TransferItem(
        partition,
        key,
        time_ms=transfer.time_ms,
        asset=transfer.asset,
        amount=transfer.amount,
        price_quote=transfer.price_quote,
        reason=transfer.reason,
        base_change=row.base_change,
        quote_change=row.quote_change,
        realised_quote=row.realised_quote,
    )


def transfer_from(item: TransferItem) -> TransferRow:
    """Read a transfer's row."""
    return TransferRow(
        transfer=Transfer(
            id=item.row.removeprefix(keys.TRANSFER),
            time_ms=item.time_ms,
            asset=Asset(item.asset),
            amount=item.amount,
            price_quote=item.price_quote,
            reason=item.reason,
        ),
        base_change=item.base_change,
        quote_change=item.quote_change,
        realised_quote=item.realised_quote,
    )


def opening_from(item: OpeningItem, symbol: Symbol) -> OpeningRow:
    """Read a market's opening row."""
    return OpeningRow(symbol=symbol, time_ms=item.time_ms, base=item.base, quote=item.quote, cost_quote=item.cost_quote)


def funding_from(item: FundingItem, symbol: Symbol) -> FundingRow:
    """Read a funding payment's row."""
    return FundingRow(payment=FundingPayment(symbol=symbol, time_ms=item.time_ms, amount_quote=item.amount_quote))


def fill_from(item: FillItem, symbol: Symbol) -> FillRow:
    """Read a fill's row."""
    asset, amount = item.fee_asset, item.fee_amount
    return FillRow(
        fill=Fill(
            trade_id=keys.trade_id(item.row),
            venue_order_id=VenueOrderId(item.venue_order_id),
            symbol=symbol,
            side=Side(item.side),
            price=item.price,
            size_base=item.size_base,
            fee=None if asset is None or amount is None else Fee(amount=amount, asset=Asset(asset)),
            time_ms=item.time_ms,
            is_maker=item.is_maker,
        ),
        client_id=None if item.client_id is None else ClientOrderId(item.client_id),
        base_change=item.base_change,
        quote_change=item.quote_change,
        realised_quote=item.realised_quote,
        fee_quote=item.fee_quote,
    )
