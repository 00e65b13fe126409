"""The paper venue: orders rest in an account that functions share, and the public market fills them."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.adapters.ccxt_venue import Hole
from marketmaker.adapters.paper_venue.account import MAX_RESTING, MAX_UNREAD_TRADES
from marketmaker.adapters.paper_venue.venue import ATTEMPTS
from marketmaker.domain.orders import Fee, Side
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import ClientOrderId, Symbol
from marketmaker.errors import Conflict, Retryable
from marketmaker.ports import (
    Accepted,
    Balance,
    CancelResult,
    KeyPermissions,
    OutcomeUnknown,
    RateLimit,
    Rejected,
    RejectionKind,
    Unknown,
)
from tests.builders import ACCOUNT, PAXG, SYMBOL, USDT, fees, instrument
from tests.unit.paper.paper_desk import OPENING, PaperDesk, paper_desk

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
BTC = Symbol("BTC/USDT")


@pytest.fixture
def desk() -> PaperDesk:
    return paper_desk()


def rejection(desk: PaperDesk, side: Side, price: str, size: str = "0.1") -> tuple[RejectionKind, str]:
    (outcome,) = desk.place(desk.new(side, price, size))
    assert isinstance(outcome, Rejected)
    return outcome.kind, outcome.reason


# What fills


def test_an_account_opens_with_the_balances_of_the_file(desk: PaperDesk) -> None:
    seen = desk.venue.observe([SYMBOL], [SYMBOL], desk.deadline())

    assert seen.balances == {asset: Balance(free=amount, reserved=D(0)) for asset, amount in OPENING.items()}
    assert seen.open_orders == ()
    assert seen.last_prices == {SYMBOL: D(1899)}


def test_a_trade_through_an_order_fills_it_at_its_own_price(desk: PaperDesk) -> None:
    order = desk.rest(BUY, "1898.5")

    desk.market.trade(SELL, "1898", "3")

    assert desk.fills() == [(BUY, D("1898.5"), D("0.1"))]
    assert desk.open_orders() == []
    found = desk.venue.find_order(SYMBOL, order.venue_id, by_client_id=False, deadline=desk.deadline())
    assert found is not None
    assert (found.is_live, found.executed_base) == (False, D("0.1"))


def test_an_order_waits_for_what_stood_at_its_price_when_it_came(desk: PaperDesk) -> None:
    desk.rest(BUY, "1899")

    desk.market.trade(SELL, "1899", "1.99")
    assert desk.fills() == []
    desk.market.trade(SELL, "1899", "0.03")
    assert desk.fills() == [(BUY, D(1899), D("0.02"))]


def test_a_smaller_size_shown_shortens_the_queue(desk: PaperDesk) -> None:
    desk.rest(BUY, "1899")
    desk.market.quote("1899x0.5 1898x3", "1901x2")
    desk.venue.observe([SYMBOL], [], desk.deadline())
    desk.market.quote("1899x4 1898x3", "1901x2")

    desk.market.trade(SELL, "1899", "0.55")

    assert desk.fills() == [(BUY, D(1899), D("0.05"))]


def test_orders_beyond_the_sampled_book_wait_for_its_deepest_level(desk: PaperDesk) -> None:
    desk.rest(BUY, "1890")

    desk.market.trade(SELL, "1890", "3")
    assert desk.fills() == []
    desk.market.trade(SELL, "1890", "0.1")
    assert desk.fills() == [(BUY, D(1890), D("0.1"))]


def test_trades_from_before_an_order_do_not_fill_it(desk: PaperDesk) -> None:
    desk.market.trade(SELL, "1898", "5")

    desk.rest(BUY, "1898.5")

    assert desk.fills() == []
    assert len(desk.open_orders()) == 1


def test_trades_between_the_book_and_an_orders_arrival_do_not_fill_it(desk: PaperDesk) -> None:
    desk.market.after_books = lambda: desk.market.trade(SELL, "1898", "5")

    desk.rest(BUY, "1898.5")
    desk.rest(BUY, "1898.4")

    assert desk.fills() == [(BUY, D("1898.5"), D("0.1"))]


def test_a_market_is_not_read_back_while_nothing_of_ours_rests_there(desk: PaperDesk) -> None:
    order = desk.rest(BUY, "1898.5")
    desk.venue.cancel([order], desk.deadline())
    for _ in range(5):
        desk.market.trade(SELL, "1890", "1")
    desk.market.asked.clear()

    desk.open_orders()
    desk.rest(BUY, "1898.5")

    assert desk.market.asked == [{SYMBOL: None}]
    assert desk.fills() == []


def test_a_book_at_or_through_an_order_fills_it(desk: PaperDesk) -> None:
    desk.rest(SELL, "1901.5")
    desk.market.quote("1901.5x0.04 1901x9", "1903x1")

    seen = desk.venue.observe([SYMBOL], [], desk.deadline())

    assert desk.fills() == [(SELL, D("1901.5"), D("0.04"))]
    book = seen.books[SYMBOL]
    assert isinstance(book, Book)
    assert [(level.price, level.size_base) for level in book.asks] == [(D("1901.5"), D("0.06")), (D(1903), D(1))]
    assert book.best_bid == D(1901)


def test_what_an_order_trades_between_two_looks_is_one_trade(desk: PaperDesk) -> None:
    order = desk.rest(BUY, "1898.5")
    for size in ("0.01", "0.02", "0.03"):
        desk.clock.advance(100)
        desk.market.trade(SELL, "1898.5", size)

    (fill,) = desk.venue.fills_since(SYMBOL, 0, desk.deadline())

    assert (fill.size_base, fill.venue_order_id, fill.is_maker) == (D("0.06"), order.venue_id, True)
    assert fill.fee == Fee(amount=D("0.06") * D("0.0001"), asset=PAXG)
    assert fill.time_ms == desk.clock.now_ms()
    assert desk.kept().totals[PAXG] == D(20) + D("0.06") - D("0.000006")


def test_a_sale_pays_its_fee_in_quote_and_a_rebate_adds() -> None:
    desk = paper_desk(maker_bps="-1")
    desk.rest(SELL, "1901.5")
    desk.market.trade(BUY, "1902", "1")

    (fill,) = desk.venue.fills_since(SYMBOL, 0, desk.deadline())

    assert fill.fee == Fee(amount=D("-0.019015"), asset=USDT)
    assert desk.kept().totals == {PAXG: D("19.9"), USDT: D(65_000) + D("190.15") + D("0.019015")}


def test_markets_of_an_account_share_its_balances() -> None:
    desk = paper_desk(instrument(), instrument(symbol=BTC, base="BTC"))
    desk.rest(BUY, "1898.5", "20")
    desk.rest(BUY, "1898.5", "14", symbol=BTC)

    assert rejection(desk, BUY, "1898.5", "1") == (RejectionKind.REFUSED, "insufficient balance")
    desk.market.trade(SELL, "1898", "30", BTC)
    assert desk.fills(symbol=BTC) == [(BUY, D("1898.5"), D(14))]
    assert desk.fills() == []
    assert {order.symbol for order in desk.open_orders()} == {SYMBOL}
    assert desk.kept().totals[USDT] == D(65_000) - 14 * D("1898.5")


def test_only_the_markets_concerned_are_read() -> None:
    desk = paper_desk(instrument(), instrument(symbol=BTC, base="BTC"))
    order = desk.rest(BUY, "1898.5")
    other = desk.rest(BUY, "1898.5", symbol=BTC)
    desk.market.asked.clear()

    desk.venue.observe([SYMBOL, BTC], [], desk.deadline())
    desk.open_orders()
    desk.fills()
    desk.venue.find_order(BTC, other.venue_id, by_client_id=False, deadline=desk.deadline())
    desk.venue.cancel([order], desk.deadline())

    assert [set(asked) for asked in desk.market.asked] == [{SYMBOL, BTC}, {SYMBOL, BTC}, {SYMBOL}, {BTC}, {SYMBOL}]


# What is accepted


@pytest.mark.parametrize(
    ("side", "price", "size", "kind", "reason"),
    [
        (BUY, "1901", "0.1", RejectionKind.WOULD_TAKE, "would take"),
        (SELL, "1899", "0.1", RejectionKind.WOULD_TAKE, "would take"),
        (BUY, "1898.505", "0.1", RejectionKind.OFF_GRID, "off tick"),
        (BUY, "0", "0.1", RejectionKind.OFF_GRID, "off tick"),
        (BUY, "1898.5", "0.00005", RejectionKind.OFF_GRID, "off lot"),
        (BUY, "1898.5", "0.0025", RejectionKind.OFF_GRID, "below min notional"),
        (BUY, "1898.5", "40", RejectionKind.REFUSED, "insufficient balance"),
        (SELL, "1901.5", "20.1", RejectionKind.REFUSED, "insufficient balance"),
    ],
)
def test_an_order_is_refused_as_a_venue_would(
    desk: PaperDesk, side: Side, price: str, size: str, kind: RejectionKind, reason: str
) -> None:
    assert rejection(desk, side, price, size) == (kind, reason)
    assert desk.venue.doubts([SYMBOL]) == (kind is RejectionKind.OFF_GRID)
    assert desk.open_orders() == []
    assert desk.kept().balances()[USDT].reserved == 0


def test_a_resting_order_reserves_and_its_cancel_frees(desk: PaperDesk) -> None:
    order = desk.rest(BUY, "1898.5", "2")
    assert desk.kept().balances()[USDT] == Balance(free=D(65_000) - 3797, reserved=D(3797))

    (outcome,) = desk.venue.cancel([order], desk.deadline())

    assert (outcome.result, outcome.executed_base) == (CancelResult.CANCELLED, D(0))
    assert desk.kept().balances()[USDT] == Balance(free=D(65_000), reserved=D(0))
    assert [each.result for each in desk.venue.cancel([order], desk.deadline())] == [CancelResult.GONE]


def test_a_client_id_is_used_once_at_a_time(desk: PaperDesk) -> None:
    first, second = desk.place(desk.new(BUY, "1898.5", id="same"), desk.new(BUY, "1898.4", id="same"))

    assert isinstance(first, Accepted)
    assert isinstance(second, Rejected)
    assert (second.kind, second.reason) == (RejectionKind.REFUSED, "duplicate client id")


def test_orders_rest_up_to_a_number(desk: PaperDesk) -> None:  # R24
    prices = [D(1800) + number * D("0.01") for number in range(MAX_RESTING + 1)]

    *accepted, last = desk.place(*(desk.new(BUY, price, "0.003") for price in prices))

    assert all(isinstance(each, Accepted) for each in accepted)
    assert isinstance(last, Rejected)
    assert (last.kind, last.reason) == (RejectionKind.REFUSED, "200 orders rest already")
    assert len(desk.open_orders()) == MAX_RESTING


def test_a_cancel_says_what_was_executed_before_it(desk: PaperDesk) -> None:  # R13
    order = desk.rest(BUY, "1898.5")
    desk.market.trade(SELL, "1898.5", "0.04")

    (outcome,) = desk.venue.cancel([order], desk.deadline())

    assert (outcome.result, outcome.executed_base) == (CancelResult.CANCELLED, D("0.04"))
    assert desk.fills() == [(BUY, D("1898.5"), D("0.04"))]


def test_a_cancel_of_a_filled_order_finds_it_gone(desk: PaperDesk) -> None:
    order = desk.rest(BUY, "1898.5")
    desk.market.trade(SELL, "1898", "1")

    assert [each.result for each in desk.venue.cancel([order], desk.deadline())] == [CancelResult.GONE]


@pytest.mark.parametrize("venue_id", ["1", "foreign"])
def test_a_cancel_of_an_unknown_order_finds_it_gone(desk: PaperDesk, venue_id: str) -> None:
    resting = desk.rest(BUY, "1898.5")
    unknown = resting.__class__(**{name: getattr(resting, name) for name in resting.__slots__} | {"venue_id": venue_id})

    assert [each.result for each in desk.venue.cancel([unknown], desk.deadline())] == [CancelResult.GONE]
    assert desk.open_orders() == [resting]


# What cannot be read


def test_without_the_trades_nothing_of_the_account_is_known(desk: PaperDesk) -> None:  # R7
    order = desk.rest(BUY, "1898.5")
    desk.market.unknown["trades"] = Unknown(reason="maintenance")

    seen = desk.venue.observe([SYMBOL], [], desk.deadline())

    assert isinstance(seen.open_orders, Unknown)
    assert isinstance(seen.balances, Unknown)
    assert "maintenance" in seen.open_orders.reason
    assert isinstance(seen.books[SYMBOL], Book)
    with pytest.raises(Retryable, match="maintenance"):
        desk.venue.open_orders(desk.deadline())
    (cancelled,) = desk.venue.cancel([order], desk.deadline())
    assert cancelled.result is CancelResult.FAILED
    assert rejection(desk, BUY, "1898.5")[0] is RejectionKind.RETRYABLE


def test_without_the_book_nothing_is_placed_but_orders_still_fill(desk: PaperDesk) -> None:
    desk.rest(BUY, "1898.5")
    desk.market.unknown["books"] = Unknown(reason="maintenance")
    desk.market.trade(SELL, "1898", "1")

    assert rejection(desk, BUY, "1898.4") == (RejectionKind.RETRYABLE, "maintenance")
    seen = desk.venue.observe([SYMBOL], [], desk.deadline())
    assert isinstance(seen.books[SYMBOL], Unknown)
    assert seen.open_orders == ()
    assert desk.fills() == [(BUY, D("1898.5"), D("0.1"))]


def test_a_crossed_book_is_shown_as_it_is_and_fills_nothing(desk: PaperDesk) -> None:
    desk.rest(BUY, "1898.5")
    desk.market.quote("1902x1", "1898x1")

    seen = desk.venue.observe([SYMBOL], [], desk.deadline())

    book = seen.books[SYMBOL]
    assert isinstance(book, Book)
    assert (book.best_bid, book.best_ask) == (D(1902), D(1898))
    assert desk.fills() == []
    kind, reason = rejection(desk, BUY, "1897")
    assert (kind, "crossed" in reason) == (RejectionKind.RETRYABLE, True)


def test_a_hole_in_the_trades_is_counted_and_fills_nothing(desk: PaperDesk) -> None:
    desk.rest(BUY, "1898.5")
    desk.market.holes[SYMBOL] = (Hole(from_id=0, to_id=70),)

    assert len(desk.open_orders()) == 1
    desk.open_orders()

    assert desk.kept().markets[SYMBOL].holes == 1
    assert desk.telemetry.lines == [
        ("paper_trades_missed", {"account": ACCOUNT, "symbol": SYMBOL, "from_id": 0, "to_id": 70})
    ]
    assert desk.telemetry.counted["paper_trades_missed"] == 70


@pytest.mark.parametrize("work", ["observe", "open_orders", "cancel", "place"])
def test_nothing_starts_without_time_left(desk: PaperDesk, work: str) -> None:
    order = desk.rest(BUY, "1898.5")
    late = desk.deadline(ms=10)
    writes = desk.store.writes

    match work:
        case "observe":
            seen = desk.venue.observe([SYMBOL], [], late)
            assert isinstance(seen.open_orders, Unknown)
            assert "no time left" in seen.open_orders.reason
        case "open_orders":
            with pytest.raises(Retryable, match="no time left"):
                desk.venue.open_orders(late)
        case "cancel":
            assert [each.result for each in desk.venue.cancel([order], late)] == [CancelResult.FAILED]
        case _:
            (outcome,) = desk.venue.place([desk.new(BUY, "1898.4")], late)
            assert isinstance(outcome, Rejected)
            assert outcome.kind is RejectionKind.RETRYABLE
    assert desk.store.writes == writes


# What is kept


def test_another_process_sees_orders_fills_and_ids(desk: PaperDesk) -> None:  # R31
    order = desk.rest(BUY, "1898.5")
    desk.market.trade(SELL, "1898.5", "0.04")

    other = desk.another()

    assert [each.remaining_base for each in other.open_orders(desk.deadline())] == [D("0.06")]
    assert [each.size_base for each in other.fills_since(SYMBOL, 0, desk.deadline())] == [D("0.04")]
    assert other.client_id_of(SYMBOL, order.venue_id, desk.deadline()) == order.client_id
    assert [each.result for each in other.cancel([order], desk.deadline())] == [CancelResult.CANCELLED]
    assert desk.open_orders() == []


def test_quiet_reads_write_nothing(desk: PaperDesk) -> None:
    desk.rest(BUY, "1898.5")
    writes = desk.store.writes

    for _ in range(3):
        desk.market.trade(BUY, "1901", "1")
        desk.venue.observe([SYMBOL], [], desk.deadline())

    assert desk.store.writes == writes
    assert desk.market.asked[-1] == {SYMBOL: 0}


def test_many_trades_that_mean_nothing_are_written_off_at_last(desk: PaperDesk) -> None:
    desk.rest(BUY, "1898.5")
    for _ in range(500):
        desk.market.trade(BUY, "1901", "1")

    desk.open_orders()
    desk.open_orders()

    assert desk.market.asked[-2:] == [{SYMBOL: 0}, {SYMBOL: 500}]


def test_ids_of_an_account_opened_anew_are_new(desk: PaperDesk) -> None:  # R14
    desk.rest(BUY, "1898.5")
    desk.market.trade(SELL, "1898", "1")
    (old,) = desk.venue.fills_since(SYMBOL, 0, desk.deadline())
    desk.clock.advance(1)
    anew = paper_desk()
    anew.clock.set(desk.clock.now_ms())
    anew.rest(BUY, "1898.5")
    anew.market.trade(SELL, "1898", "1")

    (new,) = anew.venue.fills_since(SYMBOL, 0, anew.deadline())

    assert int(new.trade_id) > int(old.trade_id)
    assert int(new.venue_order_id) > int(old.venue_order_id)
    assert str(int(new.trade_id)) == new.trade_id


def test_the_newest_trade_is_known_after_it_was_read_and_dropped(desk: PaperDesk) -> None:
    assert desk.venue.newest_trade_id(SYMBOL, desk.deadline()) is None
    desk.rest(BUY, "1898.5")
    desk.market.trade(SELL, "1898", "1")

    newest = desk.venue.newest_trade_id(SYMBOL, desk.deadline())

    assert newest is not None
    assert desk.fills(newest) == [(BUY, D("1898.5"), D("0.1"))]
    assert desk.fills(newest + 1) == []


def trade_often(desk: PaperDesk, count: int) -> list[int]:
    """Trade a crumb of one order at each of so many looks; returns the ids."""
    desk.rest(BUY, "1898.5", "5")
    for _ in range(count):
        desk.market.trade(SELL, "1898.5", "0.0001")
        desk.open_orders()
    return [trade.trade_id for trade in desk.kept().trades]


def test_trades_are_kept_until_they_are_read_and_no_longer(desk: PaperDesk) -> None:  # R24
    ids = trade_often(desk, 150)
    assert len(ids) == 150

    assert len(desk.fills(ids[-1])) == 1

    assert [trade.trade_id for trade in desk.kept().trades] == ids[-100:]


def test_with_too_many_unread_trades_the_market_stands_still_until_they_are_read(desk: PaperDesk) -> None:  # R24
    ids = trade_often(desk, MAX_UNREAD_TRADES + 3)
    assert len(ids) == MAX_UNREAD_TRADES
    resting = desk.open_orders()

    kind, reason = rejection(desk, BUY, "1898")
    assert (kind, "until its trades are read" in reason) == (RejectionKind.RETRYABLE, True)
    desk.market.quote("1890x1", "1891x9")
    desk.venue.observe([SYMBOL], [], desk.deadline())
    assert desk.open_orders() == resting
    assert len(desk.fills(0)) == MAX_UNREAD_TRADES

    desk.fills(ids[-1])
    desk.market.quote("1897x1", "1901x9")
    assert desk.fills(ids[-1] + 1) == [(BUY, D("1898.5"), D("0.0003"))]


def test_finished_orders_are_forgotten_after_a_while(desk: PaperDesk) -> None:  # R24
    orders = []
    for _ in range(210):
        orders.append(desk.rest(BUY, "1898.5"))
        desk.venue.cancel(orders[-1:], desk.deadline())
    assert len(desk.kept().finished) == 200

    desk.clock.advance(600_001)
    desk.rest(BUY, "1898.5")

    assert desk.kept().finished == ()
    last = desk.venue.find_order(SYMBOL, orders[-1].venue_id, by_client_id=False, deadline=desk.deadline())
    assert last is None


def test_a_trades_client_id_is_known_after_its_order_is_forgotten(desk: PaperDesk) -> None:
    order = desk.rest(BUY, "1898.5")
    desk.market.trade(SELL, "1898", "1")
    desk.open_orders()
    desk.clock.advance(600_001)
    desk.rest(BUY, "1898.5")

    assert desk.kept().finished == ()
    assert desk.venue.client_id_of(SYMBOL, order.venue_id, desk.deadline()) == order.client_id
    assert desk.venue.client_id_of(SYMBOL, desk.open_orders()[0].venue_id, desk.deadline()) != order.client_id


# Who writes first


def test_a_lost_race_is_played_again_and_nothing_is_lost(desk: PaperDesk) -> None:
    resting = desk.rest(SELL, "1901.5")
    other = desk.another()
    desk.store.before_save.append(lambda: other.cancel([resting], desk.deadline()))

    (outcome,) = desk.place(desk.new(BUY, "1898.5"))

    assert isinstance(outcome, Accepted)
    assert [each.side for each in desk.open_orders()] == [BUY]


def test_a_race_lost_again_and_again_is_left_to_the_next_tick(desk: PaperDesk) -> None:
    order = desk.rest(SELL, "1901.5")

    def win() -> None:
        stored = desk.store.load(ACCOUNT)
        assert stored is not None
        desk.store.save(ACCOUNT, stored.account, version=stored.version)

    def lose_all() -> None:
        desk.store.before_save.clear()
        desk.store.before_save.extend([win, lambda: None] * ATTEMPTS)

    lose_all()
    assert rejection(desk, BUY, "1898.5")[0] is RejectionKind.RETRYABLE
    lose_all()
    assert [each.result for each in desk.venue.cancel([order], desk.deadline())] == [CancelResult.FAILED]
    desk.store.before_save.clear()
    assert desk.open_orders() == [order]


def test_a_create_whose_write_got_no_answer_is_unknown_and_then_found(desk: PaperDesk) -> None:  # R1
    desk.store.lose_next_answer(is_written=True)
    order = desk.new(BUY, "1898.5")

    (outcome,) = desk.place(order)

    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.signed_ms == desk.clock.now_ms()
    found = desk.venue.find_order(SYMBOL, order.client_id, by_client_id=True, deadline=desk.deadline())
    assert found is not None
    assert found.is_live
    assert len(desk.open_orders()) == 1


def test_a_create_that_was_looked_up_in_vain_can_never_land(desk: PaperDesk) -> None:  # R1
    desk.rest(SELL, "1901.5")
    before = desk.store.load(ACCOUNT)
    assert before is not None
    late = before.account

    found = desk.venue.find_order(SYMBOL, ClientOrderId("lost"), by_client_id=True, deadline=desk.deadline())

    assert found is None
    with pytest.raises(Conflict):
        desk.store.save(ACCOUNT, late, version=before.version)


def test_a_cancel_whose_write_got_no_answer_has_failed(desk: PaperDesk) -> None:
    order = desk.rest(BUY, "1898.5")
    desk.store.lose_next_answer(is_written=False)

    assert [each.result for each in desk.venue.cancel([order], desk.deadline())] == [CancelResult.FAILED]
    assert desk.open_orders() == [order]


@pytest.mark.parametrize(
    "read",
    [
        lambda desk: desk.venue.open_orders(desk.deadline()),
        lambda desk: desk.venue.fills_since(SYMBOL, 0, desk.deadline()),
        lambda desk: desk.venue.find_order(SYMBOL, "x", by_client_id=True, deadline=desk.deadline()),
    ],
)
def test_a_read_whose_write_got_no_answer_is_left_to_the_next_tick(
    desk: PaperDesk, read: Callable[[PaperDesk], object]
) -> None:
    desk.rest(BUY, "1898.5")
    desk.market.trade(SELL, "1898", "1")
    desk.store.lose_next_answer(is_written=False)

    with pytest.raises(Retryable, match="may have been written"):
        read(desk)


def test_an_observation_whose_write_got_no_answer_is_unknown(desk: PaperDesk) -> None:
    desk.rest(BUY, "1898.5")
    desk.market.trade(SELL, "1898", "1")
    desk.store.lose_next_answer(is_written=True)

    assert isinstance(desk.venue.observe([SYMBOL], [], desk.deadline()).balances, Unknown)
    assert desk.fills() == [(BUY, D("1898.5"), D("0.1"))]


def test_a_book_that_is_read_again_has_our_orders_in_it(desk: PaperDesk) -> None:  # R19
    desk.rest(BUY, "1898.5")
    desk.market.quote("1899x1", "1901x2")

    book = desk.venue.read_books([SYMBOL], desk.deadline())[SYMBOL]

    assert isinstance(book, Book)
    assert [(level.price, level.size_base) for level in book.bids] == [(D(1899), D(1)), (D("1898.5"), D("0.1"))]


def test_only_an_order_that_may_takes_on_paper_and_pays_for_it(desk: PaperDesk) -> None:  # R20, S9
    taking = replace(desk.new(BUY, "1901"), post_only=False, immediate=True, size_base=D("0.2"))
    (refused,) = desk.place(replace(taking, post_only=True, immediate=False))
    (outcome,) = desk.place(taking)

    assert isinstance(refused, Rejected)
    assert refused.kind is RejectionKind.WOULD_TAKE
    assert isinstance(outcome, Accepted)
    assert not outcome.order.is_live
    fills = desk.venue.fills_since(SYMBOL, 0, desk.deadline())
    assert sum(each.size_base for each in fills) == outcome.order.executed_base > 0
    assert {each.is_maker for each in fills} == {False}
    taker_fee = fees().taker_bps / 10_000
    assert [each.fee for each in fills] == [Fee(amount=each.size_base * taker_fee, asset=PAXG) for each in fills]


# What needs no account


def test_the_venues_public_side_is_passed_on(desk: PaperDesk) -> None:
    venue = desk.venue
    metadata = venue.fetch_metadata([SYMBOL], desk.deadline())
    venue.load(metadata)

    assert venue.knows([SYMBOL])
    assert venue.instrument(SYMBOL) == instrument()
    assert venue.fetch_klines(SYMBOL, 0, 1, desk.deadline()) == []
    assert venue.fetch_day_volume([SYMBOL], desk.deadline()) == []
    assert venue.time_ms(desk.deadline()) == desk.clock.now_ms()
    assert venue.rate_limit() == RateLimit()
    venue.block_until(7, is_ban=True)
    assert venue.rate_limit() == RateLimit(blocked_until_ms=7, is_ban=True)


def test_a_login_without_a_key_cannot_withdraw(desk: PaperDesk) -> None:
    permissions = desk.venue.key_permissions(desk.deadline())

    assert permissions == KeyPermissions(trades=True, withdraws=False, is_ip_bound=True)
