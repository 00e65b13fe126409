"""Every domain value goes through its item and comes back as it was (R31)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.models import ControlItem, FillItem, MarketItem, MetadataItem, OpeningItem
from marketmaker.adapters.dynamodb.serialisation import (
    book_mark_map,
    control_from,
    fill_from,
    ledger_item,
    market_from,
    market_item,
    metadata_from,
    metadata_item,
    opening_from,
)
from marketmaker.domain.inventory import FillRow, Inventory, OpeningRow
from marketmaker.domain.orders import Fill, Order, Side
from marketmaker.domain.state import Control, MarketState, TradeCursor, VenueMetadata
from marketmaker.domain.units import AccountName, TradeId, VenueOrderId
from tests import strategies

ACCOUNT = AccountName("main")
GOLD = strategies.SYMBOLS[0]


@given(market=strategies.market_states())
def test_market_survives(market: MarketState) -> None:
    raw = market_item(ACCOUNT, market, write_id="1").serialize()
    assert market_from(MarketItem.from_raw_data(raw)) == market


@given(row=st.sampled_from(strategies.SYMBOLS).flatmap(strategies.fill_rows))
def test_fill_survives(row: FillRow) -> None:
    raw = ledger_item(ACCOUNT, row.fill.symbol, row).serialize()
    assert fill_from(FillItem.from_raw_data(raw), row.fill.symbol) == row


@given(row=st.sampled_from(strategies.SYMBOLS).flatmap(strategies.opening_rows))
def test_opening_survives(row: OpeningRow) -> None:
    raw = ledger_item(ACCOUNT, row.symbol, row).serialize()
    assert opening_from(OpeningItem.from_raw_data(raw), row.symbol) == row


@given(metadata=strategies.metadata(GOLD))
def test_metadata_survives(metadata: VenueMetadata) -> None:
    assert metadata_from(MetadataItem.from_raw_data(metadata_item(ACCOUNT, metadata).serialize())) == metadata


@given(control=strategies.controls)
def test_control_survives(control: Control) -> None:
    item = ControlItem(
        control.account,
        keys.CONTROL,
        mode=int(control.mode),
        epoch=control.epoch,
        mode_reason=control.mode_reason,
        mode_since_ms=control.mode_since_ms,
        last_slot_ms=control.last_slot_ms,
        lease_owner=None if control.lease is None else control.lease.owner,
        lease_expires_ms=None if control.lease is None else control.lease.expires_ms,
        book_marks=[book_mark_map(symbol, mark) for symbol, mark in control.book_marks.items()],
        foreign=control.foreign,
        differing=control.differing,
        unreachable_ticks=control.unreachable_ticks,
    )
    assert control_from(ControlItem.from_raw_data(item.serialize())) == control


def test_no_number_is_written_as_text() -> None:
    order = Order(
        venue_id=VenueOrderId("1"),
        client_id=None,
        symbol=GOLD,
        side=Side.BUY,
        price=Decimal("1900.10"),
        size_base=Decimal(1),
        executed_base=Decimal(0),
        created_ms=5,
    )
    market = MarketState(
        symbol=GOLD,
        version=1,
        inventory=Inventory(base=Decimal("0.1")),
        reference_price=Decimal(1900),
        cursor=TradeCursor(),
        working=(order,),
    )
    raw = market_item(ACCOUNT, market, write_id="1").serialize()
    assert raw["inventory"]["M"]["base"] == {"N": "0.1"}
    assert raw["working"]["L"][0]["M"]["price"] == {"N": "1900.1"}
    assert "client_id" not in raw["working"]["L"][0]["M"]
    assert raw["version"] == {"N": "1"}


@given(number=strategies.trade_numbers, other=strategies.trade_numbers)
def test_row_keys_sort_as_trade_ids_do(number: int, other: int) -> None:
    assert (keys.fill_key(number) < keys.fill_key(other)) == (number < other)
    assert keys.trade_id(keys.fill_key(number)) == str(number)
    assert keys.fill_key(number) <= keys.LAST_FILL


@pytest.mark.parametrize("text", ["", "a1", "-1", "1.0", "007", " 7", "１", "1" * 21])
def test_trade_id_with_more_than_one_spelling_is_refused(text: str) -> None:  # R14
    row = FillRow(
        fill=replace(_fill(), trade_id=TradeId(text)),
        client_id=None,
        base_change=Decimal(1),
        quote_change=Decimal(-1),
        realised_quote=Decimal(0),
        fee_quote=None,
    )
    with pytest.raises(ValueError, match="cannot be a ledger key"):
        keys.row_key(row)


def _fill() -> Fill:
    return Fill(
        trade_id=TradeId("1"),
        venue_order_id=VenueOrderId("1"),
        symbol=GOLD,
        side=Side.BUY,
        price=Decimal(1),
        size_base=Decimal(1),
        fee=None,
        time_ms=1,
        is_maker=True,
    )
