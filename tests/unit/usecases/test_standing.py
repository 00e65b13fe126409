"""How an account stands: state and venue each on its own, and orders told apart."""

from decimal import Decimal

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.state import Mode, Refreshed
from marketmaker.domain.units import ZERO, Symbol, VenueOrderId
from marketmaker.errors import AccountRefused, Fatal, Retryable, StateUnreachable
from marketmaker.ports import HaltRequest, Unknown
from marketmaker.usecases.halt import halt
from marketmaker.usecases.listed_orders import ListedOrder, OrderStanding
from marketmaker.usecases.standing import describe
from marketmaker.usecases.standing_report import (
    AccountStanding,
    ControlStanding,
    InventoryStanding,
    MarketStanding,
    OpenAlert,
    RestrictedMarket,
    Touch,
)
from tests.builders import (
    ACCOUNT,
    BNB,
    PAXG,
    SYMBOL,
    USDT,
    account_settings,
    fee,
    foreign_order,
    instrument,
    market_settings,
    order,
)
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import BOOKS, OPEN_ORDERS

WORKING, ORPHAN, GONE = OrderStanding.WORKING, OrderStanding.ORPHAN, OrderStanding.GONE
UNRESOLVED, UNCHECKED, FOREIGN = OrderStanding.UNRESOLVED, OrderStanding.UNCHECKED, OrderStanding.FOREIGN


def look(at: Bench) -> AccountStanding:
    return describe(at.desk, at.deadline())


def control_of(standing: AccountStanding) -> ControlStanding:
    assert isinstance(standing.control, ControlStanding)
    return standing.control


def market_of(standing: AccountStanding) -> MarketStanding:
    (market,) = standing.markets
    return market


def inventory_of(standing: AccountStanding) -> InventoryStanding:
    inventory = market_of(standing).inventory
    assert isinstance(inventory, InventoryStanding)
    return inventory


def told(standing: AccountStanding) -> list[tuple[OrderStanding, Side]]:
    return [(each.standing, each.side) for each in standing.own]


def only(standing: AccountStanding, kind: OrderStanding) -> ListedOrder:
    (found,) = [each for each in standing.own if each.standing is kind]
    return found


# --- the account -----------------------------------------------------------------------------------------------------


def test_quoting_account_names_its_settings_and_its_last_tick() -> None:
    at = bench()
    at.tick()
    at.clock.advance(2_000)
    standing = look(at)
    control = control_of(standing)
    assert (standing.account, standing.venue, standing.config_hash) == (ACCOUNT, "binance", "0123456789abcdef")
    assert (control.mode, control.epoch, control.since_ms) == (Mode.QUOTING, 0, None)
    assert standing.time_ms - (control.last_tick_ms or 0) == 2_000
    assert (control.lease_owner, control.lease_ends_ms) == (None, None)
    assert standing.is_complete
    assert standing.state_problem is None


def test_account_that_never_ticked_has_no_last_tick_and_is_not_late() -> None:
    standing = look(bench())
    control = control_of(standing)
    assert (control.last_tick_ms, control.is_late) == (None, False)
    assert market_of(standing).inventory is None
    assert standing.own == ()


@pytest.mark.parametrize(("mode", "age_ms", "is_late"), [(0, 15_000, False), (0, 15_001, True), (3, 15_001, False)])
def test_only_a_quoting_account_without_a_tick_for_three_intervals_is_late(
    mode: int, age_ms: int, is_late: bool
) -> None:
    at = bench()
    at.tick()
    at.store.strengthen(ACCOUNT, Mode(mode), reason="drill", now_ms=at.clock.now_ms())
    at.clock.advance(age_ms)
    assert control_of(look(at)).is_late is is_late


def test_halted_account_says_why_and_since_when() -> None:
    at = bench()
    at.store.strengthen(ACCOUNT, Mode.HALTED, reason="drill (operator)", now_ms=at.clock.now_ms())
    since_ms = at.clock.now_ms()
    at.clock.advance(5_000)
    control = control_of(look(at))
    assert (control.mode, control.reason, control.since_ms) == (Mode.HALTED, "drill (operator)", since_ms)


def test_lease_is_named_until_it_has_expired() -> None:
    at = bench()
    now_ms = at.clock.now_ms()
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 1_000, owner="tick", now_ms=now_ms, lease_ms=20_000)
    control = control_of(look(at))
    assert (control.lease_owner, control.lease_ends_ms) == ("tick", now_ms + 20_000)
    at.clock.advance(20_000)
    assert control_of(look(at)).lease_owner is None


def test_block_of_the_venue_is_named_until_it_is_over() -> None:  # R10
    at = bench()
    until_ms = at.clock.now_ms() + 30_000
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 1_000, owner="tick", now_ms=at.clock.now_ms(), lease_ms=20_000)
    refreshed = Refreshed(book_marks={}, differing={}, unreachable_ticks=0, blocked_until_ms=until_ms, is_banned=True)
    at.store.release(ACCOUNT, owner="tick", refreshed=refreshed)
    control = control_of(look(at))
    assert (control.blocked_until_ms, control.is_banned) == (until_ms, True)
    at.clock.advance(30_000)
    control = control_of(look(at))
    assert (control.blocked_until_ms, control.is_banned) == (None, False)


def test_open_alerts_come_with_their_text_and_since_when() -> None:
    at = bench()
    at.tick()
    at.venue.quote(SYMBOL, "2100", "2100.2")
    at.tick()
    (alert,) = control_of(look(at)).alerts
    assert (alert.key, alert.since_ms) == (f"price_band#{SYMBOL}", at.clock.now_ms())
    assert "outside" in alert.text


def test_halt_messages_that_were_told_are_no_open_alerts() -> None:
    at = bench()
    at.tick()
    halt(HaltRequest(account=ACCOUNT, reason="drill", requested_by="x", delivery="message"), at.desk, at.deadline())
    at.store.open_episode(ACCOUNT, "other", text="something", now_ms=7)
    assert control_of(look(at)).alerts == (OpenAlert(key="other", text="something", since_ms=7),)


def test_restricted_market_says_why_and_since_when() -> None:
    at = bench()
    at.tick()
    assert control_of(look(at)).restrictions == ()
    at.venue.quote(SYMBOL, "2000.9", "2001.1")
    at.check()
    since_ms = at.clock.now_ms()
    at.clock.advance(61_000)
    reason = "fair price 2001 is outside [1800, 2000]"
    assert control_of(look(at)).restrictions == (
        RestrictedMarket(symbol=SYMBOL, mode=Mode.REDUCE_ONLY, reason=reason, since_ms=since_ms),
    )


def test_drawdown_compares_the_equity_with_its_peak() -> None:  # R6
    at = bench()
    at.tick()
    at.check()
    at.venue.quote(SYMBOL, "1899.4", "1899.6")
    at.tick()
    (found,) = control_of(look(at)).drawdowns
    assert (found.asset, found.peak_equity_quote) == (USDT, Decimal(28_500))
    assert found.drawdown_share == Decimal("2.5") / Decimal(28_500)


def test_drawdown_without_prices_is_unknown() -> None:  # R7
    at = bench()
    at.tick()
    at.check()
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    (found,) = control_of(look(at)).drawdowns
    assert (found.peak_equity_quote, found.drawdown_share) == (Decimal(28_500), None)


# --- a market --------------------------------------------------------------------------------------------------------


def test_market_is_valued_at_the_mid_of_what_others_quote() -> None:
    at = bench(totals={PAXG: "5", USDT: "19000", BNB: "1"})
    at.venue.quote(SYMBOL, "1899", "1901")
    at.tick()
    at.venue.trade_fee = fee("0.001", BNB)
    at.venue.fill(at.venue.only(Side.BUY))
    at.tick()
    standing = look(at)
    market, inventory = market_of(standing), inventory_of(standing)
    assert market.others == Touch(bid=Decimal(1899), ask=Decimal(1901))
    assert market.everyone == Touch(bid=Decimal("1899.5"), ask=Decimal("1900.5"))
    assert market.mark == 1900
    assert (inventory.base, inventory.quote) == (Decimal("5.1"), Decimal("18810.05"))
    assert (inventory.deposited_quote, inventory.capital_quote) == (Decimal(28_500), Decimal("28500.05"))
    assert inventory.ratio == Decimal(9690) / Decimal("28500.05")
    assert (inventory.realised_quote, inventory.unrealised_quote) == (ZERO, Decimal("0.05"))
    assert (inventory.fees_quote, inventory.pnl_quote) == (ZERO, Decimal("0.05"))
    assert [(each.asset, each.amount) for each in inventory.unpriced_fees] == [(BNB, Decimal("0.001"))]


def test_fills_whose_fee_nobody_told_are_counted() -> None:  # R16
    at = bench()
    at.tick()
    at.venue.fill(at.venue.only(Side.BUY))
    at.tick()
    assert inventory_of(look(at)).fills_without_fee == 1


@pytest.mark.parametrize(("base", "is_outside"), [("2.99", True), ("3", False), ("7.5", False), ("7.51", True)])
def test_ratio_is_told_against_its_band(base: str, is_outside: bool) -> None:  # S2
    at = bench(totals={PAXG: base, USDT: str((15 - Decimal(base)) * 1900)})
    at.tick()
    market = market_of(look(at))
    assert (market.min_ratio, market.max_ratio) == (Decimal("0.2"), Decimal("0.5"))
    assert market.is_outside_band is is_outside


def test_flat_market_has_no_average_cost_and_no_ratio_without_capital() -> None:
    at = bench(totals={PAXG: "0", USDT: "0"})
    at.tick()
    inventory = inventory_of(look(at))
    assert (inventory.average_cost_quote, inventory.ratio) == (None, None)
    assert not market_of(look(at)).is_outside_band


def test_one_sided_book_has_an_empty_side_and_no_mark() -> None:  # R11
    at = bench()
    at.tick()
    at.venue.quote(SYMBOL, "", "1900.1")
    standing = look(at)
    market, inventory = market_of(standing), inventory_of(standing)
    assert market.others == Touch(bid=None, ask=Decimal("1900.1"))
    assert (market.mark, inventory.ratio, inventory.pnl_quote, inventory.capital_quote) == (None, None, None, None)
    assert standing.is_complete
    buying, selling = (next(each for each in market.orders if each.side is side) for side in (Side.BUY, Side.SELL))
    assert buying.distance_bps is None
    assert selling.distance_bps is not None


# --- what could not be read ------------------------------------------------------------------------------------------


def test_without_the_venue_the_state_is_told_and_no_price_invented() -> None:  # R7
    at = bench()
    at.tick()
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    standing = look(at)
    market, inventory = market_of(standing), inventory_of(standing)
    assert (standing.venue_problem, standing.is_complete) == ("invalid API key", False)
    assert control_of(standing).mode is Mode.QUOTING
    assert (inventory.base, inventory.realised_quote) == (Decimal(5), ZERO)
    assert (inventory.capital_quote, inventory.ratio, inventory.unrealised_quote, inventory.pnl_quote) == (None,) * 4
    assert (market.mark, market.others, market.everyone) == (None, *[Unknown(reason="invalid API key")] * 2)
    assert standing.foreign == Unknown(reason="invalid API key")
    assert told(standing) == [(UNCHECKED, Side.SELL), (UNCHECKED, Side.BUY)]
    assert {(each.executed_base, each.remaining_base, each.distance_bps) for each in standing.own} == {(None,) * 3}


def test_without_metadata_the_venue_is_what_cannot_be_read() -> None:
    at = bench()
    at.venue.faults.fail_always("fetch_metadata", Retryable("503"))
    assert look(at).venue_problem == "503"


def test_without_the_state_the_venue_is_told_and_no_inventory_invented() -> None:  # R7
    at = bench()
    at.tick()
    at.venue.add_order(foreign_order(price="1700"))
    at.store.faults.fail_once("read_account", StateUnreachable("no table"))
    standing = look(at)
    market = market_of(standing)
    assert (standing.state_problem, standing.venue_problem) == ("no table", None)
    assert (market.inventory, market.mark) == (Unknown(reason="no table"), Decimal(1900))
    assert not market.is_outside_band
    assert told(standing) == [(UNCHECKED, Side.SELL), (UNCHECKED, Side.BUY)]
    assert [each.remaining_base for each in standing.own] == [Decimal("0.1")] * 2
    assert [each.standing for each in listed_foreign(standing)] == [FOREIGN]


def test_with_neither_there_is_nothing_to_tell() -> None:
    at = bench()
    at.venue.faults.fail_once("observe", Retryable("no venue"))
    at.store.faults.fail_once("read_account", Fatal("no table"))
    with pytest.raises(Retryable, match="neither state nor venue can be read: no table; no venue"):
        look(at)


def test_unknown_book_hides_its_touch_alone() -> None:  # R7
    at = bench()
    at.tick()
    at.venue.faults.fail_once(BOOKS, Retryable("503"))
    standing = look(at)
    market = market_of(standing)
    assert standing.venue_problem == "503"
    assert (market.everyone, market.others, market.mark) == (Unknown(reason="503"), Unknown(reason="503"), None)
    assert told(standing) == [(WORKING, Side.SELL), (WORKING, Side.BUY)]
    assert [each.distance_bps for each in market.orders] == [None, None]


def test_unknown_orders_hide_what_others_quote() -> None:  # R7
    at = bench()
    at.tick()
    at.venue.faults.fail_once(OPEN_ORDERS, Retryable("503"))
    standing = look(at)
    market = market_of(standing)
    assert isinstance(market.everyone, Touch)
    assert (market.others, market.mark) == (Unknown(reason="503"), None)
    assert told(standing) == [(UNCHECKED, Side.SELL), (UNCHECKED, Side.BUY)]


def test_every_reason_is_told_once() -> None:
    second = Symbol("XAUT/USDT")
    at = bench(
        account_settings(market_settings(), market_settings(symbol=second, number=1)),
        instruments=(instrument(), instrument(symbol=second, base="XAUT")),
        totals={PAXG: "5", USDT: "19000", "XAUT": "5"},
    )
    at.venue.faults.fail_always(BOOKS, Retryable("busy"))
    at.venue.faults.fail_always(OPEN_ORDERS, Retryable("503"))
    assert look(at).venue_problem == "503; busy"


# --- orders ----------------------------------------------------------------------------------------------------------


def listed_foreign(standing: AccountStanding) -> tuple[ListedOrder, ...]:
    assert not isinstance(standing.foreign, Unknown)
    return standing.foreign


def test_order_of_a_tick_is_working_and_tells_who_it_is() -> None:
    at = bench()
    at.tick()
    at.venue.fill(at.venue.only(Side.BUY), "0.04")
    selling, buying = look(at).own
    assert (selling.side, buying.side) == (Side.SELL, Side.BUY)
    assert (buying.standing, buying.level, buying.slot_ms) == (WORKING, 0, at.slot_ms)
    assert (buying.price, buying.size_base) == (Decimal("1899.5"), Decimal("0.1"))
    assert (buying.executed_base, buying.remaining_base) == (Decimal("0.04"), Decimal("0.06"))
    assert (buying.client_id, buying.since_ms) == (at.venue.only(Side.BUY).client_id, at.clock.now_ms())


@pytest.mark.parametrize(
    ("side", "price", "bps"),
    [
        (Side.BUY, "1998", 10),
        (Side.BUY, "2000", 0),
        (Side.BUY, "2001", -5),
        (Side.SELL, "2502.5", 10),
        (Side.SELL, "2500", 0),
        (Side.SELL, "2497.5", -10),
    ],
)
def test_distance_is_positive_behind_the_others_and_negative_in_front(side: Side, price: str, bps: int) -> None:
    at = bench()
    at.venue.quote(SYMBOL, "2000", "2500")
    at.venue.add_order(order(side, price))
    (listed,) = look(at).own
    assert listed.distance_bps == bps


def test_own_order_that_the_state_does_not_know_is_an_orphan() -> None:  # R3
    at = bench()
    at.tick()
    added = at.venue.add_order(order(Side.BUY, "1890", level=1))
    orphan = only(look(at), ORPHAN)
    assert (orphan.venue_id, orphan.price, orphan.level) == (added.venue_id, Decimal(1890), 1)


def test_order_of_the_state_that_is_not_live_is_gone_and_what_filled_unknown() -> None:
    at = bench()
    at.tick()
    at.venue.fill(at.venue.only(Side.SELL))
    gone = only(look(at), GONE)
    assert (gone.side, gone.executed_base, gone.remaining_base) == (Side.SELL, None, None)


def test_create_without_an_answer_is_unresolved_until_it_is_seen() -> None:  # R1
    at = bench()
    at.venue.lose_next_request()
    at.tick()
    unresolved = only(look(at), UNRESOLVED)
    assert (unresolved.venue_id, unresolved.executed_base) == (None, None)
    assert (unresolved.slot_ms, unresolved.since_ms) == (at.slot_ms, at.clock.now_ms())


def test_unresolved_create_that_is_live_is_listed_once_with_what_the_venue_says() -> None:  # R1
    at = bench()
    at.venue.lose_next_request()
    at.tick()
    (sent,) = at.state().unresolved
    arrived = at.venue.add_order(sent.order.resting(VenueOrderId(""), 0))
    standing = look(at)
    assert sorted(each.standing for each in standing.own) == [UNRESOLVED, WORKING]
    unresolved = only(standing, UNRESOLVED)
    assert (unresolved.venue_id, unresolved.remaining_base) == (arrived.venue_id, Decimal("0.1"))


def test_foreign_orders_are_listed_apart_and_have_no_level() -> None:  # R4
    at = bench()
    at.tick()
    at.venue.add_order(foreign_order(Side.SELL, "1950"))
    at.venue.add_order(foreign_order(Side.BUY, "1700"))
    standing = look(at)
    assert [each.price for each in listed_foreign(standing)] == [1950, 1700]
    assert {(each.standing, each.level, each.slot_ms) for each in listed_foreign(standing)} == {(FOREIGN, None, None)}
    assert len(standing.own) == 2


def test_own_order_in_a_market_that_the_file_does_not_list_is_a_stray() -> None:  # R3
    second = Symbol("XAUT/USDT")
    at = bench(
        instruments=(instrument(), instrument(symbol=second, base="XAUT")),
        totals={PAXG: "5", USDT: "19000", "XAUT": "5"},
    )
    at.venue.add_order(order(Side.BUY, "1890", symbol=second))
    (stray,) = look(at).strays
    assert (stray.standing, stray.symbol, stray.distance_bps) == (ORPHAN, second, None)
    assert market_of(look(at)).orders == ()
    assert look(at).own == look(at).strays
