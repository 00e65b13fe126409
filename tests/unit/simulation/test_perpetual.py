"""Positions, margins, funding and liquidation, by numbers worked out by hand."""

from decimal import Decimal

import pytest

from marketmaker.domain.orders import Side
from marketmaker.simulation.account import FeeRates
from marketmaker.simulation.events import Level, Quote
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.orders import OrderStatus, OrderType, Rejection, RejectReason, TimeInForce
from marketmaker.simulation.perpetual import FundingSchedule, MarginTerms, PerpetualEngine, Position
from tests.unit.simulation.perpetual_market import (
    FREE,
    HOUR_US,
    accepted,
    perpetual,
    quote,
    request,
    trade,
)

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


class TestPosition:
    def test_the_entry_is_the_average_of_what_is_open(self) -> None:
        position = Position()
        assert position.trade(BUY, D(100), D(1)) == 0
        assert position.trade(BUY, D(103), D(2)) == 0
        assert (position.size_base, position.entry_price) == (D(3), D(102))
        assert position.unrealised_quote(D(101)) == -3

    def test_reducing_realises_and_keeps_the_entry(self) -> None:
        position = Position(size_base=D(3), cost_quote=D(306))
        assert position.trade(SELL, D(110), D(1)) == 8
        assert (position.size_base, position.entry_price) == (D(2), D(102))

    def test_turning_realises_the_old_side_and_enters_the_new_at_the_price(self) -> None:
        position = Position(size_base=D(-2), cost_quote=D(-200))
        assert position.trade(BUY, D(90), D(5)) == 20
        assert (position.size_base, position.entry_price) == (D(3), D(90))

    def test_flat_has_no_entry_and_nothing_open(self) -> None:
        position = Position(size_base=D("0.3"), cost_quote=D(10))
        position.trade(SELL, D(50), D("0.3"))
        assert (position.size_base, position.cost_quote, position.entry_price) == (D(0), D(0), None)


class TestTheGuidesRoundTrip:
    def test_buying_at_99_and_selling_at_100_earns_a_tenth_and_ends_flat(self) -> None:
        """P9."""
        market = [trade(1, SELL, "98.9", "9"), trade(2, BUY, "100.1", "9")]
        engine = perpetual([*market])
        accepted(engine.submit(request(BUY, "0.1", "99", kind=OrderType.LIMIT_MAKER), 0))
        accepted(engine.submit(request(SELL, "0.1", "100", kind=OrderType.LIMIT_MAKER), 0))
        engine.advance(1)
        assert (engine.account.position.size_base, engine.account.unrealised_quote) == (D("0.1"), D("0.1"))
        engine.advance(2)
        account = engine.account
        assert (account.position.size_base, account.realised_quote) == (D(0), D("0.1"))
        assert account.balance_quote == D("1000.1")


class TestMargin:
    def test_position_and_open_orders_of_one_side_tie_margin_up(self) -> None:
        engine = perpetual(leverage="10")
        engine.submit(request(BUY, "10"), 0)
        account = engine.account
        # 10 long at 101, marked at 100: 1000 of notional over 10
        assert (account.position_margin_quote, account.unrealised_quote) == (D(100), D(-10))
        engine.submit(request(BUY, "2", "90"), 0)
        engine.submit(request(SELL, "15", "110"), 0)
        # all bids filled are 1180 of notional, all asks 650
        assert account.initial_margin_quote == 118
        assert account.available_quote == 990 - 118

    def test_an_order_is_refused_when_initial_margin_is_missing_open_orders_counted(self) -> None:
        engine = perpetual(collateral="100", leverage="10")
        accepted(engine.submit(request(BUY, "6", "99.5"), 0))  # 597 of 1000
        refused = engine.submit(request(BUY, "4.1", "99.4"), 0)  # 407.54 more
        assert refused == Rejection(reason=RejectReason.INSUFFICIENT_MARGIN)
        accepted(engine.submit(request(BUY, "4", "99.4"), 0))  # 397.6
        accepted(engine.submit(request(SELL, "9", "110"), 0))  # the other side ties nothing more up

    def test_less_exposure_is_never_refused(self) -> None:
        engine = perpetual([quote(1, "90", "92")], collateral="100", leverage="5")
        engine.submit(request(BUY, "4.9"), 0)
        engine.advance(1)
        assert engine.account.margin_balance_quote < engine.account.initial_margin_quote
        assert engine.submit(request(BUY, "0.1"), 1) == Rejection(reason=RejectReason.INSUFFICIENT_MARGIN)
        assert accepted(engine.submit(request(SELL, "4.9"), 1)).status is OrderStatus.FILLED

    def test_leverage_only_falls_as_far_as_there_is_margin(self) -> None:
        engine = perpetual(collateral="100", leverage="20")
        engine.submit(request(BUY, "10", "99.5"), 0)
        account = engine.account
        assert (account.set_leverage(D(9)), account.leverage) == (False, D(20))
        assert (account.set_leverage(D(10)), account.leverage) == (True, D(10))
        with pytest.raises(ValueError, match="leverage 51; allowed: 1 to 50"):
            account.set_leverage(D(51))

    def test_the_liquidation_price_is_where_the_balance_meets_maintenance(self) -> None:
        engine = perpetual(collateral="200", leverage="10")
        engine.submit(request(BUY, "10"), 0)
        # 200 + 10 (p - 101) = 0.05 · 10 p  →  p = 810 / 9.5
        price = engine.account.liquidation_price
        assert price == D(810) / D("9.5")
        engine.feed_mark(price + D("0.01"))
        assert not engine.account.must_be_liquidated
        assert engine.account.position.size_base == 10

    def test_no_liquidation_price_where_no_price_would_do(self) -> None:
        engine = perpetual(collateral="5000")
        assert engine.account.liquidation_price is None
        engine.submit(request(BUY, "10"), 0)
        assert engine.account.liquidation_price is None


class TestReduceOnly:
    def test_it_is_refused_where_there_is_nothing_to_reduce(self) -> None:
        engine = perpetual()
        refused = Rejection(reason=RejectReason.REDUCES_NOTHING)
        assert engine.submit(request(SELL, "1", reduce_only=True), 0) == refused
        engine.submit(request(BUY, "1"), 0)
        assert engine.submit(request(BUY, "1", reduce_only=True), 0) == refused

    def test_a_larger_one_closes_what_is_there_and_expires(self) -> None:
        engine = perpetual()
        engine.submit(request(BUY, "1"), 0)
        order = accepted(engine.submit(request(SELL, "3", reduce_only=True), 0))
        assert (order.status, order.executed_base) == (OrderStatus.EXPIRED, D(1))
        assert engine.account.position.size_base == 0

    def test_a_resting_one_never_turns_a_position_that_shrank_meanwhile(self) -> None:
        engine = perpetual([trade(1, BUY, "105.1", "50")])
        engine.submit(request(BUY, "2"), 0)
        order = accepted(engine.submit(request(SELL, "2", "105", reduce_only=True), 0))
        engine.submit(request(SELL, "1.5"), 0)
        engine.advance(1)
        assert (order.executed_base, order.status) == (D("0.5"), OrderStatus.EXPIRED)
        assert engine.account.position.size_base == 0

    def test_a_resting_one_expires_as_soon_as_the_position_is_gone(self) -> None:
        engine = perpetual()
        engine.submit(request(BUY, "2"), 0)
        order = accepted(engine.submit(request(SELL, "2", "105", reduce_only=True), 0))
        engine.submit(request(SELL, "2"), 0)
        assert (order.status, list(engine.account.open_orders(SELL))) == (OrderStatus.EXPIRED, [])

    def test_it_is_refused_where_others_ahead_close_everything(self) -> None:
        engine = perpetual()
        engine.submit(request(BUY, "2"), 0)
        accepted(engine.submit(request(SELL, "2", "105", reduce_only=True), 0))
        refused = Rejection(reason=RejectReason.REDUCES_NOTHING)
        assert engine.submit(request(SELL, "1", "105", reduce_only=True, client_id="b"), 0) == refused
        accepted(engine.submit(request(SELL, "1", "104", reduce_only=True, client_id="c"), 0))

    def test_one_trade_through_two_of_them_closes_the_position_once(self) -> None:
        engine = perpetual([trade(1, BUY, "106", "50")])
        engine.submit(request(BUY, "2"), 0)
        second = accepted(engine.submit(request(SELL, "2", "105", reduce_only=True), 0))
        first = accepted(engine.submit(request(SELL, "2", "104", reduce_only=True), 0))
        engine.advance(1)
        assert (first.status, second.status) == (OrderStatus.FILLED, OrderStatus.EXPIRED)
        assert (engine.account.position.size_base, len(engine.account.trades)) == (D(0), 2)

    def test_it_may_be_smaller_than_the_least_notional_and_needs_no_margin(self) -> None:
        engine = perpetual(collateral="10", leverage="10")
        engine.submit(request(BUY, "0.9"), 0)
        assert engine.submit(request(SELL, "0.01"), 0) == Rejection(reason=RejectReason.BELOW_MIN_NOTIONAL)
        accepted(engine.submit(request(SELL, "0.01", reduce_only=True), 0))
        assert engine.account.position.size_base == D("0.89")

    def test_an_immediate_one_takes_what_there_is_up_to_its_price(self) -> None:
        engine = perpetual([Quote(time_us=1, bids=(Level(D(99), D(1)), Level(D(98), D(9))), asks=())])
        engine.submit(request(BUY, "5"), 0)
        engine.advance(1)
        ioc = request(SELL, "5", "98.5", reduce_only=True, time_in_force=TimeInForce.IOC)
        order = accepted(engine.submit(ioc, 1))
        assert (order.status, order.executed_base, engine.account.position.size_base) == (
            OrderStatus.EXPIRED,
            D(1),
            D(4),
        )


class TestFunding:
    def test_longs_pay_a_positive_rate_at_every_funding_time_once(self) -> None:
        engine = perpetual([quote(HOUR_US + 1, "109", "111")], rate="0.0001")
        engine.submit(request(BUY, "10"), 0)
        engine.advance(HOUR_US - 1)
        assert engine.payments == []
        engine.advance(HOUR_US)
        engine.advance(HOUR_US)
        # 0.0001 · 10 · 100, then at 110
        assert [payment.received_quote for payment in engine.payments] == [D("-0.1")]
        engine.advance(2 * HOUR_US)
        assert [payment.received_quote for payment in engine.payments] == [D("-0.1"), D("-0.11")]
        assert engine.account.balance_quote == 1000 - D("0.21")

    def test_shorts_receive_it_and_a_negative_rate_turns_it_round(self) -> None:
        engine = perpetual(rate="0.0001")
        engine.submit(request(SELL, "10"), 0)
        engine.advance(HOUR_US)
        engine.funding.rate = D("-0.0003")
        engine.advance(2 * HOUR_US)
        assert [payment.received_quote for payment in engine.payments] == [D("0.1"), D("-0.3")]
        assert [past.rate for past in engine.funding.past] == [D("0.0001"), D("-0.0003")]

    def test_a_quote_at_the_funding_time_counts_and_a_later_one_does_not(self) -> None:
        engine = perpetual([quote(HOUR_US, "119", "121"), quote(HOUR_US + 5, "79", "81")], rate="0.001")
        engine.submit(request(BUY, "1"), 0)
        engine.advance(HOUR_US + 10)
        assert [payment.mark for payment in engine.payments] == [120]

    def test_nothing_is_paid_while_flat(self) -> None:
        engine = perpetual(rate="0.01")
        engine.advance(3 * HOUR_US)
        assert (engine.payments, len(engine.funding.past), engine.account.balance_quote) == ([], 3, D(1000))

    def test_nothing_is_charged_before_there_is_a_mark(self) -> None:
        known = perpetual(rate="0.01")
        schedule = FundingSchedule(rate=D("0.01"), interval_us=HOUR_US)
        engine = PerpetualEngine(account=known.account, feed=MarketFeed([], tick_size=D("0.1")), funding=schedule)
        known.account.mark = None
        engine.advance(HOUR_US)
        assert (list(schedule.past), engine.payments, schedule.next_us) == ([], [], 2 * HOUR_US)

    def test_times_are_multiples_of_the_interval(self) -> None:
        schedule = FundingSchedule(rate=D(0), interval_us=10, start_us=25)
        assert (list(schedule.due(29)), list(schedule.due(50)), schedule.next_us) == ([], [30, 40, 50], 60)

    def test_impossible_terms_are_refused(self) -> None:
        with pytest.raises(ValueError, match="interval of 0"):
            FundingSchedule(rate=D(0), interval_us=0)
        with pytest.raises(ValueError, match="rate of 1; allowed"):
            FundingSchedule(rate=D(1))


class TestLiquidation:
    def test_a_position_below_maintenance_is_closed_at_the_book_for_a_fee(self) -> None:
        engine = perpetual([quote(1, "84", "86")], collateral="200", leverage="10")
        engine.submit(request(BUY, "10"), 0)
        resting = accepted(engine.submit(request(BUY, "1", "50"), 0))
        engine.advance(1)
        account = engine.account
        # marked at 85: 200 - 160 = 40, maintenance 42.5; sold at 84: -170, fee 1 % of 840
        last = account.trades[-1]
        assert (last.is_liquidation, last.price, last.size_base, last.commission) == (True, D(84), D(10), D("8.4"))
        assert (account.position.size_base, account.balance_quote) == (D(0), D(200) - D(170) - D("8.4"))
        assert resting.status is OrderStatus.CANCELED
        assert [trade.is_liquidation for trade in account.trades] == [False, True]

    def test_it_stands_at_maintenance_and_falls_below(self) -> None:
        engine = perpetual(collateral="200", leverage="10")
        engine.submit(request(BUY, "10"), 0)
        engine.feed_mark(D("85.3"))  # 200 - 157 = 43 ≥ 42.65
        assert engine.account.position.size_base == 10
        engine.feed_mark(D("85.2"))  # 200 - 158 = 42 < 42.6
        assert engine.account.position.size_base == 0

    def test_a_thin_book_closes_it_piece_by_piece(self) -> None:
        engine = perpetual([quote(1, "70", "72", "4"), quote(2, "70", "72", "9")], collateral="200", leverage="10")
        engine.submit(request(BUY, "10"), 0)
        engine.advance(1)
        assert engine.account.position.size_base == 6
        engine.advance(2)
        sizes = [trade.size_base for trade in engine.account.trades if trade.is_liquidation]
        assert (sizes, engine.account.position.size_base) == ([D(4), D(6)], D(0))

    def test_what_a_flat_account_owes_is_insured(self) -> None:
        engine = perpetual([quote(1, "70", "72")], collateral="200", leverage="10")
        engine.submit(request(BUY, "10"), 0)
        engine.advance(1)
        account = engine.account
        # 200 - 310 - 7
        assert (account.balance_quote, account.insured_quote) == (D(0), D(117))

    def test_what_the_clients_own_close_leaves_owing_is_insured_too(self) -> None:
        thin = Quote(time_us=1, bids=(Level(D(95), D(1)), Level(D(70), D(100))), asks=(Level(D(97), D(1)),))
        engine = perpetual([thin], collateral="200", leverage="10")
        engine.submit(request(BUY, "10"), 0)
        engine.feed_mark(D(100))
        engine.advance(1)
        engine.submit(request(SELL, "10", reduce_only=True), 1)
        account = engine.account
        # 200 + 1 · (95 - 101) + 9 · (70 - 101)
        assert [trade.is_liquidation for trade in account.trades] == [False, False, False]
        assert (account.balance_quote, account.insured_quote) == (D(0), D(85))

    def test_funding_can_liquidate(self) -> None:
        engine = perpetual(collateral="62", leverage="20", rate="0.01")
        engine.submit(request(BUY, "10"), 0)  # 62 - 10 = 52 ≥ 50
        engine.advance(HOUR_US)  # pays 10
        assert engine.account.position.size_base == 0

    def test_no_book_to_close_at_opens_no_order(self) -> None:
        engine = perpetual([Quote(time_us=1, bids=(), asks=())], collateral="200", leverage="10")
        engine.submit(request(BUY, "10"), 0)
        engine.advance(1)
        engine.feed_mark(D(60))
        assert (engine.account.position.size_base, engine.account.counts.accepted) == (D(10), 1)


def test_the_mark_is_the_middle_of_the_market_not_of_what_we_left_of_it() -> None:
    engine = perpetual()
    engine.submit(request(BUY, "100"), 0)
    assert engine.account.mark == 100
    with pytest.raises(ValueError, match="mark price of 0"):
        engine.feed_mark(D(0))


def test_commissions_are_of_the_notional_in_the_collateral() -> None:
    engine = perpetual(fees=FeeRates(maker=D("-0.0001"), taker=D("0.0005"), asset=FREE.asset))
    engine.submit(request(BUY, "10"), 0)
    assert (engine.account.commission_quote, engine.account.balance_quote) == (D("0.505"), D("999.495"))


def test_impossible_accounts_are_refused() -> None:
    with pytest.raises(ValueError, match="leverage 51; allowed: 1 to 50"):
        perpetual(leverage="51")
    with pytest.raises(ValueError, match="collateral_quote -1"):
        perpetual(collateral="-1")
    with pytest.raises(ValueError, match="fees charged in received"):
        perpetual(fees=FeeRates(maker=D(0), taker=D(0)))
    for name, value in (("max_leverage", D(0)), ("maintenance_rate", D(0)), ("liquidation_fee_rate", D(1))):
        with pytest.raises(ValueError, match=name):
            MarginTerms(**{name: value})
