"""Queue models: how long a resting order waits when a display shrinks without a trade."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ClientOrderId
from marketmaker.simulation.account import Account, FeeRates
from marketmaker.simulation.events import Level, Quote, Trade
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import AccountOrder, OrderRequest, OrderType
from marketmaker.simulation.queues import USUAL_RULES, MatchingRules, QueueModel
from marketmaker.simulation.wallet import Wallet
from tests.builders import PAXG, USDT, instrument

D = Decimal
sizes = st.decimals("0", "1000", places=3)


@pytest.mark.parametrize(
    ("model", "wait"),
    [
        (QueueModel.RISK_AVERSE, "6"),
        (QueueModel.LOG, "4.91"),
        (QueueModel.POWER, "4.46"),
        (QueueModel.FRONT, "6"),
    ],
)
def test_a_model_says_who_left(model: QueueModel, wait: str) -> None:
    left = model.on_shrinking(ahead=D(6), displayed=D(10), left=D(2))
    assert left == pytest.approx(D(wait), abs=D("0.01"))


@given(st.sampled_from(QueueModel), sizes, sizes, sizes)
def test_a_wait_never_grows_nor_is_less_than_none(
    model: QueueModel, ahead: Decimal, behind: Decimal, left: Decimal
) -> None:
    displayed = ahead + behind
    after = model.on_shrinking(ahead=ahead, displayed=displayed, left=min(left, displayed))
    assert 0 <= after <= ahead
    assert model.on_arrival(displayed) in {displayed, 0}


def engine(rules: MatchingRules = USUAL_RULES) -> Engine:
    """Return a market at 99 / 101 with ten on each side, and an account that can pay."""
    market: Instrument = instrument(min_notional_quote="0")
    made = Engine(
        account=Account(
            instrument=market,
            fees=FeeRates(maker=D(0), taker=D(0)),
            wallet=Wallet({PAXG: D(100), USDT: D(100_000)}),
        ),
        feed=MarketFeed([], tick_size=market.tick_size),
        rules=rules,
    )
    made.play(quote(1, "10"))
    return made


def quote(second: int, size: str, price: str = "99") -> Quote:
    return Quote(time_us=second * 10**6, bids=(Level(D(price), D(size)),), asks=(Level(D(101), D(10)),))


def rest(at: Engine, price: str = "99", size: str = "1") -> AccountOrder:
    request = OrderRequest(
        client_id=ClientOrderId(f"order {price}"),
        side=Side.BUY,
        type=OrderType.LIMIT_MAKER,
        size_base=D(size),
        price=D(price),
    )
    order = at.submit(request, at.now_us)
    assert isinstance(order, AccountOrder)
    return order


def sell(at: Engine, second: int, size: str, price: str = "99") -> None:
    at.play(Trade(time_us=second * 10**6, taker_side=Side.SELL, price=D(price), size_base=D(size)))


def test_a_display_that_shrinks_moves_a_hopeful_order_up() -> None:
    waits = {}
    for model in QueueModel:
        at = engine(MatchingRules(queue=model))
        order = rest(at)
        at.play(quote(2, "16"))
        at.play(quote(3, "12"))
        waits[model] = order.queue_ahead
    assert waits[QueueModel.FRONT] == 0
    assert waits[QueueModel.RISK_AVERSE] == 10
    assert 0 < waits[QueueModel.LOG] < waits[QueueModel.RISK_AVERSE]
    assert 0 < waits[QueueModel.POWER] < waits[QueueModel.LOG], "most of the queue is ahead: most leave there"


def test_what_traded_is_not_counted_as_having_left() -> None:
    at = engine(MatchingRules(queue=QueueModel.LOG))
    order = rest(at)
    at.play(quote(2, "16"))
    sell(at, 3, "4")
    at.play(quote(4, "12"))
    assert order.queue_ahead == 6, "the four that traded were ahead, and nobody else left"


def test_whole_fills_take_all_of_an_order_once_a_trade_reaches_it() -> None:
    for rules, filled in ((USUAL_RULES, "0.5"), (MatchingRules(fills_whole=True), "1")):
        at = engine(rules)
        order = rest(at)
        sell(at, 2, "10")
        assert order.executed_base == 0, "the queue ahead is served first"
        sell(at, 3, "0.5")
        assert order.executed_base == D(filled)


def test_a_quote_that_reaches_an_order_fills_it_whole_and_keeps_its_own_size() -> None:
    at = engine(MatchingRules(fills_whole=True))
    order = rest(at)
    at.play(Quote(time_us=2, bids=(Level(D(98), D(1)),), asks=(Level(D("98.5"), D("0.1")),)))
    assert order.executed_base == 1
    assert list(at.book.levels(Side.SELL)) == [Level(D("98.5"), D("0.1"))]


def test_beyond_the_known_book_the_deepest_size_is_ahead_or_nobody() -> None:
    assert rest(engine(), "98").queue_ahead == 10
    alone = engine(MatchingRules(waits_beyond_book=False))
    order = rest(alone, "99")
    assert rest(alone, "98").queue_ahead == 0
    alone.play(quote(2, "10", price="100"))
    assert order.queue_ahead == 0, "its price is not shown any more"
