"""Every domain value goes through its item and comes back as it was (R31)."""

from dataclasses import asdict, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.account_items import (
    book_mark_map,
    control_from,
    day_map,
    episode_from,
    episode_item,
    equity_map,
    restriction_map,
)
from marketmaker.adapters.dynamodb.ledger_items import fill_from, ledger_item, opening_from
from marketmaker.adapters.dynamodb.market_items import market_from, market_item
from marketmaker.adapters.dynamodb.models import (
    ActiveSettingsMap,
    ControlItem,
    EpisodeItem,
    FillItem,
    KlinesItem,
    MarketItem,
    OpeningItem,
)
from marketmaker.adapters.dynamodb.prices import klines_from, klines_item
from marketmaker.domain.inventory import FillRow, Inventory, OpeningRow
from marketmaker.domain.klines import MINUTE_MS, Kline, KlineMinute
from marketmaker.domain.orders import Fill, Order, Side
from marketmaker.domain.state import Control, Episode, MarketState, TradeCursor
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


@given(minute=strategies.kline_minutes())
def test_klines_survive(minute: KlineMinute) -> None:
    raw = klines_item("binance", GOLD, minute).serialize()
    assert klines_from(KlinesItem.from_raw_data(raw)) == minute.klines


def test_the_longest_minute_stays_below_ten_kilobytes() -> None:  # R24
    longest = Decimal("0.1234567890123456789012")
    klines = tuple(
        Kline(
            open_ms=MINUTE_MS + 1000 * second,
            interval_ms=1000,
            open=longest,
            high=longest,
            low=longest,
            close=longest,
            volume_base=longest,
        )
        for second in range(60)
    )
    with pytest.raises(ValueError, match="allowed: at most 24 characters"):
        replace(klines[0], volume_base=longest + Decimal("1E-23"))
    raw = klines_item("binance", GOLD, KlineMinute(start_ms=MINUTE_MS, klines=klines)).serialize()
    size = sum(len(name) + len(text.encode()) for name, value in raw.items() for text in value.values())
    assert 7_500 < size < 10_000
    assert raw["klines"]["S"].startswith("[[0,0.1234567890123456789012,0.1234567890123456789012,")


@given(minute=st.integers(0, 60_000_000), other=st.integers(0, 60_000_000))
def test_minutes_sort_by_time(minute: int, other: int) -> None:
    first, second = keys.minute_key(minute * MINUTE_MS), keys.minute_key(other * MINUTE_MS)
    assert (first < second) == (minute < other)
    assert keys.minute_start_ms(first) == minute * MINUTE_MS


@given(
    episode=st.builds(
        Episode,
        text=strategies.texts,
        since_ms=strategies.times_ms,
        is_critical=st.booleans(),
        told_ms=st.none() | st.integers(1, 4_000_000_000_000),
        tried_ms=st.none() | strategies.times_ms,
        ended=st.none() | strategies.texts,
        version=st.integers(0, 9),
    )
)
def test_episode_survives(episode: Episode) -> None:
    item = episode_item(ACCOUNT, "stale", episode)
    assert episode_from(EpisodeItem.from_raw_data(item.serialize())) == episode


def test_episode_of_an_earlier_release_was_told_as_it_opened() -> None:
    item = EpisodeItem(ACCOUNT, keys.EPISODE + "stale", text="stale", opened_ms=5).serialize()
    for attribute in ("version", "is_critical"):
        del item[attribute]
    assert episode_from(EpisodeItem.from_raw_data(item)) == Episode(text="stale", since_ms=5, told_ms=5)


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
        blocked_until_ms=control.blocked_until_ms,
        is_banned=control.is_banned,
        restrictions={symbol: restriction_map(each) for symbol, each in control.restrictions.items()},
        peaks={asset: equity_map(each) for asset, each in control.peaks.items()},
        days={asset: day_map(each) for asset, each in control.days.items()},
        deployed=control.deployed,
        settings=None if control.settings is None else ActiveSettingsMap(**asdict(control.settings)),
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
