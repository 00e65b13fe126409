"""Perpetuals on paper: positions on margin, held as they are set, funded as the venue publishes, and liquidated."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from marketmaker.adapters.ccxt_venue import Premium
from marketmaker.adapters.paper_venue import PaperAccount, PaperLogin
from marketmaker.adapters.paper_venue.holdings import MAX_UNREAD_PAYMENTS
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fee, NewOrder, Side
from marketmaker.domain.positions import FundingRate, MarginMode, Position
from marketmaker.domain.units import Asset, Symbol
from marketmaker.errors import Refused, Retryable
from marketmaker.ports import Accepted, Balance, Rejected, RejectionKind, Unknown
from tests.builders import ACCOUNT, PAXG, SLOT_MS, SYMBOL, USDT, fees, instrument
from tests.fakes.clock import ManualClock
from tests.fakes.paper import FakePublicMarket, InMemoryPaperStore
from tests.fakes.sinks import RecordingTelemetry
from tests.unit.paper.paper_desk import OPENING, PaperDesk, paper_desk

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
SOL, BTC, USDC = Symbol("SOL/USDC:USDC"), Symbol("BTC/USDC:USDC"), Asset("USDC")
HOUR_MS = 3_600_000
HELD = Perpetual(leverage=D(10), margin_mode=MarginMode.CROSS, max_exposure=D(2), min_liquidation_distance=D("0.1"))


def publish(
    desk: PaperDesk, mark: str, *, symbol: Symbol = SOL, rate: str = "0.0001", next_ms: int = SLOT_MS + HOUR_MS
) -> None:
    """Let the venue publish a mark and its next funding."""
    told = FundingRate(symbol=symbol, rate=D(rate), next_ms=next_ms)
    desk.market.premium_of[symbol] = Premium(rate=told, mark_price=D(mark))


@pytest.fixture
def desk() -> PaperDesk:
    clock = ManualClock(SLOT_MS)
    rules = [
        instrument(symbol=symbol, base=symbol.partition("/")[0], quote=USDC, lot_size="0.01", min_size_base="0.01")
        for symbol in (SOL, BTC)
    ]
    made = PaperDesk(
        clock=clock,
        market=FakePublicMarket(clock, rules),
        store=InMemoryPaperStore(),
        telemetry=RecordingTelemetry(),
        login=PaperLogin(
            account=ACCOUNT, opening={USDC: D(1000)}, fees={symbol: fees(maker_bps="2") for symbol in (SOL, BTC)}
        ),
    )
    for symbol in (SOL, BTC):
        made.market.quote("99x100 98x200", "101x100 102x200", symbol)
        publish(made, "100", symbol=symbol)
        made.venue.set_leverage(symbol, HELD, made.deadline())
    return made


def position(desk: PaperDesk, symbol: Symbol = SOL) -> Position:
    found = desk.venue.observe([SOL, BTC], [], desk.deadline()).positions[symbol]
    assert isinstance(found, Position), found
    return found


def collateral(desk: PaperDesk) -> Balance:
    balances = desk.venue.observe([SOL, BTC], [], desk.deadline()).balances
    assert not isinstance(balances, Unknown)
    return balances[USDC]


def long_at_99(desk: PaperDesk, size: str = "2.5", symbol: Symbol = SOL) -> None:
    """Buy at 99 as a maker; the fee is 2 bps."""
    desk.rest(BUY, "99", size, symbol=symbol)
    desk.market.trade(SELL, "98.9", "1000", symbol)
    assert position(desk, symbol).size_base == D(size)


def reducing(desk: PaperDesk, side: Side, price: str, size: str, *, immediate: bool = False) -> NewOrder:
    order = desk.new(side, price, size, symbol=SOL)
    return replace(order, reduce_only=True, post_only=False, immediate=immediate)


# Positions


def test_an_account_opens_flat_with_its_collateral_alone(desk: PaperDesk) -> None:
    seen = desk.venue.observe([SOL], [], desk.deadline())
    held = position(desk)
    assert seen.balances == {USDC: Balance(free=D(1000), reserved=D(0))}
    assert (held.size_base, held.entry_price, held.mark_price, held.unrealised_quote) == (D(0), None, D(100), D(0))
    assert seen.funding_rates[SOL] == FundingRate(symbol=SOL, rate=D("0.0001"), next_ms=SLOT_MS + HOUR_MS)


def test_a_fill_opens_a_position_and_costs_its_fee_in_quote(desk: PaperDesk) -> None:
    long_at_99(desk)
    held = position(desk)
    assert (held.size_base, held.entry_price, held.mark_price) == (D("2.5"), D(99), D(100))
    assert held.unrealised_quote == D("2.5")
    (fill,) = desk.venue.fills_since(SOL, 0, desk.deadline())
    assert fill.fee == Fee(amount=D("0.0495"), asset=USDC)
    balance = collateral(desk)
    assert (balance.total, balance.free) == (D(1000) - D("0.0495"), D("1002.5") - D("0.0495") - 25)


def test_a_short_is_opened_without_owning_any_base(desk: PaperDesk) -> None:
    desk.rest(SELL, "101", "2", symbol=SOL)
    desk.market.trade(BUY, "101.1", "1000", SOL)
    held = position(desk)
    assert (held.size_base, held.entry_price, held.unrealised_quote) == (D(-2), D(101), D(2))


def test_a_round_trip_realises_in_the_collateral(desk: PaperDesk) -> None:  # P9
    long_at_99(desk, "0.1")
    desk.rest(SELL, "101", "0.1", symbol=SOL)
    desk.market.trade(BUY, "101.1", "1000", SOL)
    assert position(desk).size_base == 0
    assert collateral(desk).total == D(1000) + D("0.2") - D("0.00198") - D("0.00202")


def test_another_process_sees_the_same_position(desk: PaperDesk) -> None:  # R31
    long_at_99(desk)
    seen = position(desk)
    desk.venue = desk.another()
    assert position(desk) == seen


def test_a_mark_that_cannot_be_read_is_no_flat_position(desk: PaperDesk) -> None:  # R7
    long_at_99(desk)
    desk.market.unknown["premiums"] = Unknown(reason="maintenance")
    seen = desk.venue.observe([SOL], [], desk.deadline())
    assert seen.positions[SOL] == seen.funding_rates[SOL] == Unknown(reason="maintenance")
    assert not isinstance(seen.open_orders, Unknown)


# Orders


def test_orders_beyond_the_margin_of_the_whole_account_are_refused(desk: PaperDesk) -> None:  # P4, S17
    desk.rest(BUY, "99", "60", symbol=SOL)
    (refused,) = desk.place(desk.new(BUY, "99", "60", symbol=BTC))
    assert isinstance(refused, Rejected)
    assert (refused.kind, refused.reason) == (RejectionKind.REFUSED, "insufficient margin")
    assert isinstance(desk.place(desk.new(BUY, "99", "40", symbol=BTC))[0], Accepted)


def test_a_reducing_order_closes_and_never_turns_a_position(desk: PaperDesk) -> None:  # R23
    long_at_99(desk)
    (outcome,) = desk.place(reducing(desk, SELL, "98", "9", immediate=True))
    assert isinstance(outcome, Accepted)
    assert (outcome.order.executed_base, outcome.order.is_live) == (D("2.5"), False)
    assert position(desk).size_base == 0
    (refused,) = desk.place(reducing(desk, SELL, "98", "1"))
    assert isinstance(refused, Rejected)
    assert refused.reason == "reduces nothing"


def test_a_resting_reducing_order_is_still_one_in_another_process(desk: PaperDesk) -> None:  # R23, R31
    long_at_99(desk)
    (outcome,) = desk.place(reducing(desk, SELL, "101", "9"))
    assert isinstance(outcome, Accepted)
    desk.venue = desk.another()
    desk.market.trade(BUY, "101.1", "1000", SOL)
    assert position(desk).size_base == 0
    assert desk.open_orders() == []


# How it is held


def test_the_leverage_that_is_set_is_the_one_that_is_told(desk: PaperDesk) -> None:  # S17
    assert position(desk).leverage == D(10)
    desk.venue.set_leverage(SOL, replace(HELD, leverage=D(4)), desk.deadline())
    desk.venue = desk.another()
    assert (position(desk).leverage, position(desk).margin_mode) == (D(4), MarginMode.CROSS)
    assert position(desk, BTC).leverage == D(10)


def test_a_market_that_nobody_set_is_held_otherwise() -> None:  # S17
    desk = paper_desk(instrument(symbol=SOL, base="SOL", quote=USDC))
    publish(desk, "100")
    seen = desk.venue.observe([SOL], [], desk.deadline()).positions[SOL]
    assert isinstance(seen, Position)
    assert (seen.leverage, seen.size_base) == (D(20), D(0))


@pytest.mark.parametrize(
    ("symbol", "wanted", "said"),
    [
        (SOL, replace(HELD, leverage=D(51)), "leverage 51; allowed: 1 to 50"),
        (SOL, replace(HELD, leverage=D(1)), "leverage 1: the margin that is there would not do"),
        (SOL, replace(HELD, margin_mode=MarginMode.ISOLATED), "margin mode isolated: allowed on paper is cross"),
        (SYMBOL, HELD, "no perpetual of this account"),
    ],
)
def test_what_cannot_be_held_so_is_refused(desk: PaperDesk, symbol: Symbol, wanted: Perpetual, said: str) -> None:
    desk.rest(BUY, "99", "60", symbol=SOL)
    with pytest.raises(Refused, match=said):
        desk.venue.set_leverage(symbol, wanted, desk.deadline())
    assert position(desk).leverage == D(10)


# Funding


def test_funding_is_paid_at_its_time_by_the_rate_and_mark_last_told_and_listed_once(desk: PaperDesk) -> None:  # R22
    long_at_99(desk)
    publish(desk, "104", rate="0.0002")
    desk.clock.advance(HOUR_MS - 1)
    before = collateral(desk).total
    assert desk.venue.funding_since(SOL, 0, desk.deadline()) == []
    desk.clock.advance(1)
    (paid,) = desk.venue.funding_since(SOL, 0, desk.deadline())
    assert (paid.time_ms, paid.amount_quote) == (SLOT_MS + HOUR_MS, D("-0.052"))
    publish(desk, "104", next_ms=SLOT_MS + 2 * HOUR_MS)
    desk.venue = desk.another()
    assert collateral(desk).total == before - D("0.052")
    assert desk.venue.funding_since(SOL, 0, desk.deadline()) == [paid]
    assert desk.venue.funding_since(SOL, paid.time_ms + 1, desk.deadline()) == []


def test_a_fill_after_the_funding_time_pays_nothing(desk: PaperDesk) -> None:
    desk.rest(BUY, "99", "2.5", symbol=SOL)
    desk.clock.advance(HOUR_MS + 1_000)
    desk.market.trade(SELL, "98.9", "1000", SOL)
    assert position(desk).size_base == D("2.5")
    assert desk.venue.funding_since(SOL, 0, desk.deadline()) == []


def test_a_venue_that_has_not_reached_the_funding_time_yet_has_it_paid_once(desk: PaperDesk) -> None:  # R22
    long_at_99(desk)
    desk.clock.advance(HOUR_MS + 500)
    for _ in range(3):
        position(desk)
    publish(desk, "100", next_ms=SLOT_MS + 2 * HOUR_MS)
    for _ in range(3):
        position(desk)
    assert len(desk.venue.funding_since(SOL, 0, desk.deadline())) == 1


def test_a_venue_that_is_past_the_funding_time_already_has_it_paid(desk: PaperDesk) -> None:  # R22
    long_at_99(desk)
    desk.clock.advance(HOUR_MS - 500)
    publish(desk, "100", next_ms=SLOT_MS + 2 * HOUR_MS)
    position(desk)
    position(desk)
    (paid,) = desk.venue.funding_since(SOL, 0, desk.deadline())
    assert paid.time_ms == SLOT_MS + HOUR_MS
    desk.clock.advance(1_000)
    assert len(desk.venue.funding_since(SOL, 0, desk.deadline())) == 1


def test_times_that_passed_unseen_are_paid_an_interval_apart(desk: PaperDesk) -> None:
    long_at_99(desk)
    desk.clock.advance(HOUR_MS)
    publish(desk, "100", next_ms=SLOT_MS + 2 * HOUR_MS)
    position(desk)
    desk.clock.advance(3 * HOUR_MS)
    paid = desk.venue.funding_since(SOL, 0, desk.deadline())
    assert [each.time_ms for each in paid] == [SLOT_MS + hours * HOUR_MS for hours in (1, 2, 3, 4)]


def test_payments_are_kept_until_they_are_read_and_then_no_more_are_made(desk: PaperDesk) -> None:  # R24
    long_at_99(desk)
    for hours in range(1, MAX_UNREAD_PAYMENTS + 4):
        desk.clock.advance(HOUR_MS)
        publish(desk, "100", next_ms=SLOT_MS + (hours + 1) * HOUR_MS)
        position(desk)
    kept = desk.kept().payments
    assert len(kept) == MAX_UNREAD_PAYMENTS
    newest_ms = kept[-1].time_us // 1000
    desk.venue.funding_since(SOL, newest_ms + 1, desk.deadline())
    desk.clock.advance(HOUR_MS)
    publish(desk, "100", next_ms=SLOT_MS + 999 * HOUR_MS)
    position(desk)
    assert len(desk.kept().payments) < 30
    assert len(desk.venue.funding_since(SOL, newest_ms + 1, desk.deadline())) == 1


# Liquidation


def test_the_mark_is_the_venues_and_not_the_middle_of_the_book(desk: PaperDesk) -> None:
    publish(desk, "104")
    desk.rest(BUY, "99", "1", symbol=SOL)
    assert desk.kept().positions[SOL].mark == D(104)
    assert position(desk).mark_price == D(104)


def test_without_a_mark_no_book_closes_a_position(desk: PaperDesk) -> None:  # R7
    long_at_99(desk, "90")
    desk.market.unknown["premiums"] = Unknown(reason="maintenance")
    desk.market.quote("70x1000", "71x100", SOL)
    desk.venue.observe([SOL], [], desk.deadline())
    del desk.market.unknown["premiums"]
    desk.market.quote("99x1000", "101x100", SOL)
    assert position(desk).size_base == D(90)


def test_a_position_whose_margin_is_gone_is_closed_at_the_book(desk: PaperDesk) -> None:
    long_at_99(desk, "90")
    desk.rest(SELL, "103", "1", symbol=SOL)
    liquidated_at = position(desk).liquidation_price
    assert liquidated_at is not None
    assert D(88) < liquidated_at < D(90)
    desk.market.quote("88x1000 87x1000", "89x100", SOL)
    publish(desk, "88.5")
    assert position(desk).size_base == 0
    assert desk.open_orders() == []
    first, last = desk.venue.fills_since(SOL, 0, desk.deadline())
    assert (last.side, last.size_base, last.price, last.is_maker) == (SELL, D(90), D(88), False)
    assert last.fee == Fee(amount=D(90) * 88 * D("0.0125"), asset=USDC)
    assert first.size_base == D(90)
    client_id = desk.venue.client_id_of(SOL, last.venue_order_id, desk.deadline())
    assert client_id is not None
    assert client_id.startswith("autoclose")


def test_what_a_closed_position_owes_the_fund_bears(desk: PaperDesk) -> None:
    long_at_99(desk, "90")
    desk.market.quote("70x1000", "89x100", SOL)
    publish(desk, "71")
    assert position(desk).size_base == 0
    assert collateral(desk) == Balance(free=D(0), reserved=D(0))


def test_a_gain_in_one_market_backs_a_loss_in_another(desk: PaperDesk) -> None:
    long_at_99(desk, "50")
    long_at_99(desk, "45", BTC)
    publish(desk, "120", symbol=BTC)
    desk.market.quote("119x100", "121x100", BTC)
    desk.market.quote("78x1000", "79x100", SOL)
    publish(desk, "78.5")
    assert position(desk).size_base == D(50)
    publish(desk, "100", symbol=BTC)
    desk.market.quote("99x1000", "101x100", BTC)
    position(desk)
    assert desk.kept().held == frozenset()


# What is kept


def test_looks_that_change_nothing_write_nothing_but_the_minute_before_funding(desk: PaperDesk) -> None:
    long_at_99(desk)
    writes = desk.store.writes
    for price in ("100.1", "100.2", "100.3"):
        publish(desk, price)
        position(desk)
    assert desk.store.writes == writes
    desk.clock.advance(HOUR_MS - 30_000)
    publish(desk, "100")
    position(desk)
    writes = desk.store.writes
    publish(desk, "104", rate="0.0003")
    position(desk)
    assert desk.store.writes == writes + 1
    desk.clock.advance(60_000)
    (paid,) = desk.another().funding_since(SOL, 0, desk.deadline())
    assert paid.amount_quote == -D("2.5") * 104 * D("0.0003")


def test_without_trades_to_read_a_position_is_not_known(desk: PaperDesk) -> None:  # R7
    long_at_99(desk)
    desk.rest(SELL, "103", "1", symbol=SOL)
    desk.market.unknown["trades"] = Unknown(reason="maintenance")
    seen = desk.venue.observe([SOL], [], desk.deadline())
    assert SOL not in seen.positions
    assert isinstance(seen.balances, Unknown)
    with pytest.raises(Retryable, match="maintenance"):
        desk.venue.funding_since(SOL, 0, desk.deadline())


def test_a_spot_account_of_an_earlier_release_is_read_as_it_was() -> None:
    desk = paper_desk()
    desk.rest(BUY, "1898.5")
    desk.market.trade(SELL, "1898.5", "0.04")
    desk.open_orders()
    document = msgspec.json.decode(msgspec.json.encode(desk.kept()))
    for name in ("positions", "payments"):
        del document[name]
    for order in (*document["resting"], *document["finished"]):
        del order["reduce_only"]
    earlier = msgspec.json.decode(msgspec.json.encode(document), type=PaperAccount)
    assert earlier == desk.kept()
    assert earlier.totals[PAXG] > OPENING[PAXG]
    assert earlier.balances()[USDT].reserved > 0
    assert desk.venue.funding_since(SYMBOL, 0, desk.deadline()) == []
    assert desk.venue.observe([SYMBOL], [], desk.deadline()).positions == {}
