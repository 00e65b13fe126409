"""An account in its next life: restored orders hold, wait and trade as they would have."""

from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ClientOrderId
from marketmaker.simulation.account import Account, FeeRates, Numbering
from marketmaker.simulation.events import Trade
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import AccountOrder, OrderRequest, OrderType, Rejection, RejectReason
from marketmaker.simulation.wallet import Wallet
from tests.builders import PAXG, USDT, instrument

D = Decimal


def engine(wallet: Wallet, numbering: Numbering | None = None) -> Engine:
    rules = instrument()
    fees = FeeRates(maker=D("0.0001"), taker=D("0.001"))
    feed = MarketFeed((), tick_size=rules.tick_size)
    return Engine(account=Account(instrument=rules, fees=fees, wallet=wallet, numbering=numbering), feed=feed)


def request(price: str, client_id: str = "kept") -> OrderRequest:
    return OrderRequest(
        client_id=ClientOrderId(client_id), side=Side.BUY, type=OrderType.LIMIT_MAKER, size_base=D(1), price=D(price)
    )


def kept(number: int, price: str, *, executed: str = "0", ahead: str = "0", client_id: str = "kept") -> AccountOrder:
    return AccountOrder(
        order_id=number,
        request=request(price, client_id),
        created_us=1,
        updated_us=1,
        executed_base=D(executed),
        queue_ahead=D(ahead),
    )


def trade(price: str, size: str) -> Trade:
    return Trade(time_us=5, taker_side=Side.SELL, price=D(price), size_base=D(size))


def test_a_restored_order_locks_what_is_left_of_it() -> None:
    wallet = Wallet({PAXG: D(0), USDT: D(2000)})

    engine(wallet).account.restore(kept(7, "1900", executed="0.25"))

    assert (wallet.free(USDT), wallet.locked(USDT)) == (D(2000) - D(1425), D(1425))


def test_restored_orders_trade_by_price_then_number_after_their_queue() -> None:
    market = engine(Wallet({PAXG: D(0), USDT: D(9000)}))
    for order in (kept(3, "1899", ahead="2"), kept(9, "1900", client_id="b"), kept(2, "1900", ahead="0.5")):
        market.account.restore(order)

    market.play(trade("1900", "1.7"))

    assert [(each.order_id, each.size_base) for each in market.account.trades] == [(2, D(1)), (9, D("0.2"))]
    assert [order.order_id for order in market.account.open_orders(Side.BUY)] == [9, 3]


def test_a_restored_order_keeps_its_client_id_to_itself() -> None:
    market = engine(Wallet({PAXG: D(0), USDT: D(9000)}))
    market.account.restore(kept(7, "1900"))

    assert market.submit(request("1899"), 1) == Rejection(reason=RejectReason.DUPLICATE_CLIENT_ID)


def test_markets_of_one_login_share_their_numbers() -> None:
    wallet, numbering = Wallet({PAXG: D(0), USDT: D(9000)}), Numbering(next_order=50, next_trade=70)
    first, second = engine(wallet, numbering), engine(wallet, numbering)

    orders = [market.submit(request("1900"), 1) for market in (first, second, first)]
    second.play(trade("1900", "1"))

    assert [each.order_id for each in orders if isinstance(each, AccountOrder)] == [50, 51]
    assert [each.trade_id for each in second.account.trades] == [70]
    assert (numbering.next_order, numbering.next_trade) == (52, 71)
