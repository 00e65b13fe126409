"""Orders against the market: who waits, who fills, at what price, and what it costs."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Asset, ClientOrderId, Symbol
from marketmaker.simulation.account import KEPT_FINISHED, Account, FeeAsset, FeeRates
from marketmaker.simulation.events import Event, Level, Quote, Trade
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import (
    AccountOrder,
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejection,
    RejectReason,
    TimeInForce,
)
from marketmaker.simulation.wallet import Wallet

D = Decimal
BASE, QUOTE = Asset("PAXG"), Asset("USDT")
BUY, SELL = Side.BUY, Side.SELL
INSTRUMENT = Instrument(
    symbol=Symbol("PAXG/USDT"),
    base=BASE,
    quote=QUOTE,
    tick_size=D("0.1"),
    lot_size=D("0.1"),
    min_size_base=D("0.1"),
    min_notional_quote=D(5),
)
FREE = FeeRates(maker=D(0), taker=D(0))


def sides(text: str) -> tuple[Level, ...]:
    return tuple(Level(*(D(part) for part in level.split("x"))) for level in text.split())


def quote(time_us: int, bids: str = "100x5 99x3", asks: str = "101x5 102x3") -> Quote:
    return Quote(time_us=time_us, bids=sides(bids), asks=sides(asks))


def trade(time_us: int, side: Side, price: str, size: str) -> Trade:
    return Trade(time_us=time_us, taker_side=side, price=D(price), size_base=D(size))


def market(events: Sequence[Event] = (), *, fees: FeeRates = FREE, base: str = "100", cash: str = "10000") -> Engine:
    feed = MarketFeed([quote(0), *events], tick_size=INSTRUMENT.tick_size)
    account = Account(instrument=INSTRUMENT, fees=fees, wallet=Wallet({BASE: D(base), QUOTE: D(cash)}))
    engine = Engine(account=account, feed=feed)
    engine.advance(0)
    return engine


def send(
    engine: Engine,
    side: Side,
    price: str | None,
    size: str,
    kind: OrderType = OrderType.LIMIT_MAKER,
    *,
    client_id: str | None = None,
    time_in_force: TimeInForce = TimeInForce.GTC,
) -> AccountOrder | Rejection:
    request = OrderRequest(
        client_id=ClientOrderId(client_id or f"c{len(engine.account.orders)}"),
        side=side,
        type=kind,
        size_base=D(size),
        price=None if price is None else D(price),
        time_in_force=time_in_force,
    )
    return engine.submit(request, engine.now_us)


def accepted(*args: object, **kwargs: object) -> AccountOrder:
    order = send(*args, **kwargs)  # type: ignore[arg-type]
    assert isinstance(order, AccountOrder)
    return order


class TestQueue:
    def test_a_trade_at_our_price_first_serves_those_ahead(self) -> None:
        engine = market([trade(1, SELL, "100", "4"), trade(2, SELL, "100", "3")])
        order = accepted(engine, BUY, "100", "3")
        assert order.queue_ahead == 5
        engine.advance(1)
        assert (order.queue_ahead, order.executed_base) == (D(1), D(0))
        engine.advance(2)
        assert (order.queue_ahead, order.executed_base) == (D(0), D(2))
        assert order.status is OrderStatus.PARTIALLY_FILLED

    def test_the_queue_is_never_longer_than_what_is_displayed(self) -> None:
        events = [quote(1, bids="100x2"), quote(2, bids="100x9"), quote(3, bids="99x1")]
        engine = market(events)
        order = accepted(engine, BUY, "100", "3")
        engine.advance(2)
        assert order.queue_ahead == 2
        engine.advance(3)
        assert order.queue_ahead == 0

    def test_beyond_the_known_book_the_wait_stands_until_the_price_is_shown(self) -> None:
        engine = market([quote(1, bids="100x1 99x1"), quote(2, bids="98x2")])
        order = accepted(engine, BUY, "98", "3")
        assert order.queue_ahead == 3
        engine.advance(1)
        assert order.queue_ahead == 3
        engine.advance(2)
        assert order.queue_ahead == 2

    def test_a_better_price_than_the_touch_waits_for_nobody(self) -> None:
        engine = market([trade(1, BUY, "100.6", "2")])
        order = accepted(engine, SELL, "100.6", "3")
        engine.advance(1)
        assert order.executed_base == 2

    def test_a_later_order_waits_for_what_came_between(self) -> None:
        engine = market([quote(1, bids="100x8"), trade(2, SELL, "100", "12.5")])
        first = accepted(engine, BUY, "100", "2")
        engine.advance(1)
        second = accepted(engine, BUY, "100", "2")
        assert (first.queue_ahead, second.queue_ahead) == (D(5), D(8))
        engine.advance(2)
        assert (first.executed_base, second.executed_base) == (D(2), D(2))

    def test_a_short_trade_leaves_the_later_order_what_it_still_waits_for(self) -> None:
        engine = market([quote(1, bids="100x8"), trade(2, SELL, "100", "6")])
        first = accepted(engine, BUY, "100", "2")
        engine.advance(1)
        second = accepted(engine, BUY, "100", "2")
        engine.advance(2)
        assert (first.executed_base, second.executed_base) == (D(1), D(0))
        assert second.queue_ahead == 3


class TestFills:
    def test_a_trade_through_our_price_fills_at_our_price(self) -> None:
        engine = market([trade(1, SELL, "99", "2")])
        order = accepted(engine, BUY, "100", "3")
        engine.advance(1)
        (ours,) = engine.account.trades
        assert (ours.price, ours.size_base, ours.is_maker, ours.time_us) == (D(100), D(2), True, 1)
        assert order.queue_ahead == 0

    def test_a_trade_short_of_our_price_does_nothing(self) -> None:
        engine = market([trade(1, SELL, "100.1", "50"), trade(2, BUY, "100", "50")])
        order = accepted(engine, BUY, "100", "3")
        engine.advance(2)
        assert (order.executed_base, order.queue_ahead) == (D(0), D(5))

    def test_orders_share_a_trade_once_by_price_then_time(self) -> None:
        engine = market([trade(1, SELL, "98", "5")])
        late_best, early, late = (accepted(engine, BUY, price, "2") for price in ("100", "99", "99"))
        engine.advance(1)
        assert [order.executed_base for order in (late_best, early, late)] == [2, 2, 1]

    def test_fills_are_whole_lots(self) -> None:
        engine = market([trade(1, SELL, "99", "1.07"), trade(2, SELL, "99", "0.04")])
        order = accepted(engine, BUY, "100", "3")
        engine.advance(2)
        assert order.executed_base == 1

    @pytest.mark.parametrize("ask", ["100", "99.5"])
    def test_a_quote_at_or_through_our_price_fills_us_up_to_its_size(self, ask: str) -> None:
        engine = market([quote(1, bids="98x1", asks=f"{ask}x1 100.5x9")])
        order = accepted(engine, BUY, "100", "3")
        engine.advance(1)
        assert (order.executed_base, order.executed_quote) == (D(1), D(100))
        depth = engine.depth(5)
        assert depth.bids[0] == Level(D(100), D(2))
        assert depth.asks[0] == Level(D("100.5"), D(9))

    def test_a_filled_order_is_closed_and_releases_nothing_more(self) -> None:
        engine = market([trade(1, BUY, "102", "9")])
        order = accepted(engine, SELL, "101.5", "3")
        engine.advance(1)
        assert order.status is OrderStatus.FILLED
        assert order.remaining_base == order.reserved == 0
        assert engine.account.open_orders(SELL) == []
        assert engine.account.counts.filled == 1
        assert engine.cancel(order.order_id, 2) is None


class TestTaking:
    def test_post_only_is_rejected_when_it_would_take(self) -> None:
        engine = market()
        assert send(engine, BUY, "101", "1") == Rejection(reason=RejectReason.WOULD_TAKE)
        assert send(engine, SELL, "100", "1") == Rejection(reason=RejectReason.WOULD_TAKE)
        assert engine.account.rejected[RejectReason.WOULD_TAKE] == 2
        assert engine.account.counts.accepted == 0

    def test_post_only_is_rejected_against_our_own_order(self) -> None:
        engine = market()
        accepted(engine, BUY, "100.5", "1")
        assert send(engine, SELL, "100.5", "1") == Rejection(reason=RejectReason.WOULD_TAKE)

    def test_a_limit_order_takes_then_rests(self) -> None:
        engine = market(fees=FeeRates(maker=D(0), taker=D("0.001"), asset=FeeAsset.QUOTE))
        order = accepted(engine, BUY, "101", "7", OrderType.LIMIT)
        assert (order.executed_base, order.status) == (D(5), OrderStatus.PARTIALLY_FILLED)
        assert engine.account.trades[0].commission == D("0.505")
        assert not engine.account.trades[0].is_maker
        assert engine.depth(1).bids[0] == Level(D(101), D(2))
        assert engine.depth(1).asks[0] == Level(D(102), D(3))

    def test_what_was_taken_is_back_with_the_next_quote(self) -> None:
        engine = market([quote(1)])
        accepted(engine, BUY, None, "5", OrderType.MARKET)
        assert engine.depth(1).asks[0].price == 102
        engine.advance(1)
        assert engine.depth(1).asks[0] == Level(D(101), D(5))

    def test_a_market_order_walks_and_what_is_left_expires(self) -> None:
        engine = market()
        order = accepted(engine, SELL, None, "9", OrderType.MARKET)
        assert (order.executed_base, order.executed_quote) == (D(8), D(5) * D(100) + D(3) * D(99))
        assert order.status is OrderStatus.EXPIRED
        assert engine.account.counts.expired == 1
        with pytest.raises(ValueError, match="has no limit"):
            _ = order.limit

    def test_ioc_expires_its_rest_and_fok_trades_whole_or_not(self) -> None:
        engine = market()
        ioc = accepted(engine, BUY, "101", "6", OrderType.LIMIT, time_in_force=TimeInForce.IOC)
        assert (ioc.executed_base, ioc.status) == (D(5), OrderStatus.EXPIRED)
        fok = accepted(engine, BUY, "102", "6", OrderType.LIMIT, time_in_force=TimeInForce.FOK)
        assert (fok.executed_base, fok.status) == (D(0), OrderStatus.EXPIRED)
        whole = accepted(engine, BUY, "102", "3", OrderType.LIMIT, time_in_force=TimeInForce.FOK)
        assert whole.status is OrderStatus.FILLED
        assert engine.account.wallet.locked(QUOTE) == 0

    def test_our_own_orders_in_the_way_expire(self) -> None:
        engine = market()
        near, far = accepted(engine, BUY, "100.5", "1"), accepted(engine, BUY, "98", "1")
        accepted(engine, SELL, "100", "2", OrderType.LIMIT)
        assert (near.status, far.status) == (OrderStatus.EXPIRED_IN_MATCH, OrderStatus.NEW)
        accepted(engine, SELL, None, "50", OrderType.MARKET)
        assert far.status is OrderStatus.EXPIRED_IN_MATCH

    def test_an_order_that_asks_to_ends_at_our_own_and_leaves_them(self) -> None:
        engine = market([quote(1, "100x5 99x3", "101x5 102x3")])
        own = accepted(engine, BUY, "99.5", "1")
        request = OrderRequest(
            client_id=ClientOrderId("taker"),
            side=SELL,
            type=OrderType.LIMIT,
            size_base=D(7),
            price=D(99),
            ends_at_own_orders=True,
        )
        taker = engine.submit(request, 0)
        assert isinstance(taker, AccountOrder)
        assert (taker.executed_base, taker.status) == (D(5), OrderStatus.EXPIRED_IN_MATCH)
        assert (own.status, engine.account.wallet.locked(BASE)) == (OrderStatus.NEW, D(0))
        engine.advance(1)
        whole = replace(request, client_id=ClientOrderId("fok"), time_in_force=TimeInForce.FOK)
        refused = engine.submit(whole, 1)
        assert isinstance(refused, AccountOrder)
        assert (refused.executed_base, refused.status) == (D(0), OrderStatus.EXPIRED)


class TestRefusals:
    @pytest.mark.parametrize(
        ("side", "price", "size", "reason"),
        [
            (BUY, "99.95", "1", RejectReason.OFF_TICK),
            (BUY, "-1", "1", RejectReason.OFF_TICK),
            (BUY, "99", "1.05", RejectReason.OFF_LOT),
            (BUY, "99", "0", RejectReason.OFF_LOT),
            (BUY, "0.1", "1", RejectReason.BELOW_MIN_NOTIONAL),
            (BUY, "100", "100.1", RejectReason.INSUFFICIENT_BALANCE),
            (SELL, "102", "100.1", RejectReason.INSUFFICIENT_BALANCE),
            (BUY, None, "0.01", RejectReason.OFF_LOT),
        ],
    )
    def test_each_filter_has_its_reason(self, side: Side, price: str | None, size: str, reason: RejectReason) -> None:
        engine = market()
        kind = OrderType.MARKET if price is None else OrderType.LIMIT_MAKER
        assert send(engine, side, price, size, kind) == Rejection(reason=reason)

    def test_a_market_order_needs_what_its_walk_costs(self) -> None:
        engine = market(cash="606")
        assert send(engine, BUY, None, "6", OrderType.MARKET) == Rejection(reason=RejectReason.INSUFFICIENT_BALANCE)
        assert accepted(engine, BUY, None, "5", OrderType.MARKET).executed_quote == 505

    def test_a_client_id_is_unique_among_open_orders(self) -> None:
        engine = market()
        first = accepted(engine, BUY, "99", "1", client_id="a")
        assert send(engine, BUY, "98", "1", client_id="a") == Rejection(reason=RejectReason.DUPLICATE_CLIENT_ID)
        engine.cancel(first.order_id, 0)
        second = accepted(engine, BUY, "98", "1", client_id="a")
        assert engine.account.order_by_client_id(ClientOrderId("a")) is second

    def test_finished_orders_are_forgotten_oldest_first_and_resting_ones_never(self) -> None:
        engine = market()
        account, resting = engine.account, accepted(engine, BUY, "99", "1", client_id="resting")
        finished = []
        for number in range(KEPT_FINISHED + 2):
            finished.append(accepted(engine, BUY, "98", "1", client_id="again" if number < 2 else f"f{number}"))
            engine.cancel(finished[-1].order_id, 0)
        assert list(account.orders.values()) == [resting, *finished[2:]]
        assert account.order_by_client_id(ClientOrderId("resting")) is resting
        assert account.order_by_client_id(ClientOrderId("again")) is None
        assert account.order_by_client_id(finished[2].request.client_id) is finished[2]

    def test_a_client_id_that_was_used_again_is_not_forgotten_with_its_first_order(self) -> None:
        engine = market()
        for number in range(KEPT_FINISHED + 1):
            order = accepted(engine, BUY, "98", "1", client_id="again" if number in {0, 5} else f"f{number}")
            engine.cancel(order.order_id, 0)
        kept = engine.account.order_by_client_id(ClientOrderId("again"))
        assert kept is not None
        assert kept.order_id == 6

    @pytest.mark.parametrize(("kind", "price"), [(OrderType.MARKET, D(1)), (OrderType.LIMIT, None)])
    def test_only_market_orders_have_no_price(self, kind: OrderType, price: Decimal | None) -> None:
        with pytest.raises(ValueError, match="no price for MARKET"):
            OrderRequest(client_id=ClientOrderId("a"), side=BUY, type=kind, size_base=D(1), price=price)


class TestFeesAndBalances:
    @pytest.mark.parametrize(
        ("side", "asset", "commission", "base", "cash"),
        [
            (BUY, FeeAsset.RECEIVED, ("0.002", BASE), "101.998", "9800"),
            (BUY, FeeAsset.QUOTE, ("0.2", QUOTE), "102", "9799.8"),
            (SELL, FeeAsset.RECEIVED, ("0.204", QUOTE), "98", "10203.796"),
            (SELL, FeeAsset.QUOTE, ("0.204", QUOTE), "98", "10203.796"),
        ],
    )
    def test_commissions_are_charged_in_their_asset(
        self, side: Side, asset: FeeAsset, commission: tuple[str, Asset], base: str, cash: str
    ) -> None:
        events = [trade(1, SELL, "99", "2"), trade(2, BUY, "103", "2")]
        engine = market(events, fees=FeeRates(maker=D("0.001"), taker=D("0.002"), asset=asset))
        accepted(engine, side, "100" if side is BUY else "102", "2")
        engine.advance(2)
        (ours,) = engine.account.trades
        assert (ours.commission, ours.commission_asset) == (D(commission[0]), commission[1])
        wallet = engine.account.wallet
        assert (wallet.free(BASE), wallet.free(QUOTE)) == (D(base), D(cash))
        assert wallet.locked(BASE) == wallet.locked(QUOTE) == 0

    def test_a_rebate_is_a_negative_commission(self) -> None:
        engine = market([trade(1, SELL, "99", "2")], fees=FeeRates(maker=D("-0.0001"), taker=D("0.001")))
        accepted(engine, BUY, "100", "2")
        engine.advance(1)
        assert engine.account.trades[0].commission == D("-0.0002")
        assert engine.account.wallet.free(BASE) == D("102.0002")

    @pytest.mark.parametrize(("rate", "cut"), [("0.00000019", "0.00000001"), ("-0.00000019", "-0.00000001")])
    def test_commissions_are_cut_to_eight_decimals_towards_zero(self, rate: str, cut: str) -> None:
        engine = market([trade(1, SELL, "99", "0.1")], fees=FeeRates(maker=D(rate), taker=D(0)))
        accepted(engine, BUY, "100", "0.1")
        engine.advance(1)
        assert engine.account.trades[0].commission == D(cut)

    def test_a_reserve_covers_the_fee_that_is_charged_on_top(self) -> None:
        fees = FeeRates(maker=D("0.001"), taker=D("0.002"), asset=FeeAsset.QUOTE)
        assert isinstance(send(market(cash="200.3", fees=fees), BUY, "100", "2"), Rejection)
        engine = market([trade(1, SELL, "99", "1")], cash="200.4", fees=fees)
        accepted(engine, BUY, "100", "2")
        assert engine.account.wallet.locked(QUOTE) == D("200.4")
        engine.advance(1)
        assert engine.account.wallet.locked(QUOTE) == D("100.2")
        assert engine.account.wallet.free(QUOTE) == D("0.1")

    def test_fees_of_everything_are_refused(self) -> None:
        with pytest.raises(ValueError, match="between -1 and 1"):
            FeeRates(maker=D(1), taker=D(0))

    def test_a_cancel_frees_what_is_left(self) -> None:
        engine = market([trade(1, SELL, "99", "1")])
        partly, untouched = accepted(engine, BUY, "100", "2"), accepted(engine, SELL, "101", "2")
        engine.advance(1)
        assert engine.cancel(partly.order_id, 1) is partly
        assert engine.cancel(untouched.order_id, 1) is untouched
        assert engine.cancel(99, 1) is None
        assert engine.account.wallet.locked(QUOTE) == engine.account.wallet.locked(BASE) == 0
        counts = engine.account.counts
        assert (counts.accepted, counts.cancelled, counts.cancelled_unfilled) == (2, 2, 1)


class TestTimeAndBook:
    def test_clients_see_their_own_orders_in_the_book(self) -> None:
        engine = market()
        accepted(engine, BUY, "100", "1")
        accepted(engine, BUY, "100.5", "2")
        assert engine.depth(2).bids == sides("100.5x2 100x6")

    def test_the_update_id_rises_with_each_change_and_only_then(self) -> None:
        engine = market([quote(1), quote(2, asks="101x4")])
        seen = [engine.update_id]
        engine.advance(1)
        assert engine.update_id == seen[0]
        engine.advance(2)
        seen.append(engine.update_id)
        order = accepted(engine, BUY, "100", "1")
        seen.append(engine.update_id)
        engine.cancel(order.order_id, 2)
        seen.append(engine.update_id)
        assert seen == sorted(set(seen))

    def test_an_earlier_moment_changes_nothing(self) -> None:
        engine = market([quote(5)])
        engine.advance(9)
        engine.advance(3)
        assert engine.now_us == 9

    def test_a_jump_moves_the_book_and_fills_what_it_crosses(self) -> None:
        engine = market()
        order = accepted(engine, BUY, "100", "2")
        engine.jump(D(-500), 7)
        assert order.executed_base == 2
        assert engine.account.trades[0].time_us == 7
        assert engine.depth(1).bids[0].price == 95

    def test_two_sided_presence_is_counted_from_the_first_order(self) -> None:
        engine = market()
        engine.advance(100)
        bid = accepted(engine, BUY, "100", "1")
        engine.advance(200)
        accepted(engine, SELL, "101", "1")
        engine.advance(250)
        engine.cancel(bid.order_id, 250)
        engine.advance(300)
        presence = engine.account.presence
        assert (presence.quoting_us(300), presence.two_sided_us(300)) == (200, 50)
