"""Orders that may take: only where the settings say so, and every one of them is counted (R20)."""

import pytest

from marketmaker.domain.quoting import NoQuotes, NoQuotesReason
from tests.builders import SYMBOL, account_settings, instrument, market_settings
from tests.fakes.desk import Bench, bench, only_market


def jump_before_the_create(at: Bench) -> None:
    """Let the market fall below our bid after it was decided."""
    at.venue.faults.before("place", lambda: at.venue.quote(SYMBOL, "1889.9", "1890.1"))


@pytest.mark.parametrize(("post_only", "taken"), [(True, 0), (False, 1)])
def test_an_order_takes_only_if_its_market_may(post_only: bool, taken: int) -> None:
    at = bench(account_settings(market_settings(post_only=post_only)))
    jump_before_the_create(at)
    at.tick()
    assert [fill.is_maker for fill in at.venue.trades_of(SYMBOL)] == [False] * taken
    counts = at.tick().counts()
    assert (counts["fills"], counts["taker_fills"]) == (taken, taken)


def test_a_makers_fill_is_none_of_a_taker() -> None:
    at = bench()
    at.tick(2)
    for order in at.venue.live():
        at.venue.fill(order, is_maker=order.side.sign > 0)
    counts = at.tick().counts()
    assert (counts["fills"], counts["taker_fills"]) == (2, 1)


def test_a_venue_without_post_only_orders_gets_none_unless_the_settings_let_them_take() -> None:
    rules = [instrument(has_post_only=False)]
    refusing, taking = (
        bench(instruments=rules),
        bench(account_settings(market_settings(post_only=False)), instruments=rules),
    )
    refusing.tick()
    desired = only_market(refusing.tick()).desired
    assert isinstance(desired, NoQuotes)
    assert desired.reason is NoQuotesReason.POST_ONLY_MISSING
    assert refusing.venue.received("place") == []
    taking.tick(2)
    assert len(taking.venue.live()) == 2
