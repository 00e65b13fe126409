"""The market's events cannot be built wrong."""

from decimal import Decimal

import pytest

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Level, Quote, Trade, is_better, merge_levels

D = Decimal


def level(price: str, size: str = "1") -> Level:
    return Level(D(price), D(size))


@pytest.mark.parametrize(
    ("bids", "asks", "said"),
    [
        ((level("10"),), (level("10"),), "crossed"),
        ((level("9"), level("10")), (), "best first"),
        ((), (level("9"), level("9")), "best first"),
        ((level("9", "0"),), (), "above 0"),
        ((level("-9"),), (), "above 0"),
    ],
)
def test_a_wrong_book_is_refused(bids: tuple[Level, ...], asks: tuple[Level, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Quote(time_us=0, bids=bids, asks=asks)


@pytest.mark.parametrize(("price", "size"), [("0", "1"), ("1", "0")])
def test_a_trade_of_nothing_is_refused(price: str, size: str) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Trade(time_us=0, taker_side=Side.BUY, price=D(price), size_base=D(size))


def test_a_one_sided_book_has_no_mid() -> None:
    assert Quote(time_us=0, bids=(level("9"),), asks=()).mid is None
    assert Quote(time_us=0, bids=(level("9"),), asks=(level("10"),)).mid == D("9.5")


def test_a_higher_bid_and_a_lower_ask_are_better() -> None:
    assert is_better(Side.BUY, D(2), D(1))
    assert is_better(Side.SELL, D(1), D(2))
    assert not is_better(Side.SELL, D(1), D(1))


def test_merged_levels_sum_at_each_price_best_first() -> None:
    merged = merge_levels(Side.BUY, [level("9"), level("10"), level("9", "2")])
    assert merged == (level("10"), level("9", "3"))
