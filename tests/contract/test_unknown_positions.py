"""A position that cannot be read adds no risk, through the live code in each dialect (R7)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO
from tests.contract.local_venue import trade_at
from tests.contract.perpetual_dialects import BACKPACK_SPOKEN, SPOKEN, Spoken
from tests.contract.perpetual_venue import book
from tests.contract.test_perpetual_scenarios import Guide, guide

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
FAILURES: tuple[dict[str, Any], ...] = (
    {"fault": "server_error"},
    {"fault": "connection_reset"},
    {"fault": "empty_reply"},
    {"fault": "truncated_reply"},
    {"fault": "malformed_reply"},
    {"fault": "malformed_reply", "body": "{}"},
    {"fault": "malformed_reply", "body": "[{}]"},
    {"fault": "malformed_reply", "body": "[null]"},
    {"fault": "wrong_types", "to": "null"},
    {"fault": "wrong_types", "to": "text"},
    {"fault": "wrong_types", "to": "list"},
    {"fault": "malformed_reply", "body": "[]"},
)


@pytest.fixture(params=SPOKEN, ids=lambda each: each.venue)
def spoken(request: pytest.FixtureRequest) -> Spoken:
    found: Spoken = request.param
    return found


@pytest.fixture
def long(spoken: Spoken) -> Iterator[Guide]:
    """Hold 2.5 SOL bought at 99, both sides quoted."""
    events = [trade_at(7, SELL, "98.9", "2.5"), book(8), book(9_000)]
    with guide(*events, spoken=spoken, size="2.5") as market:
        market.tick(3)
        assert market.state.inventory.base == D("2.5")
        yield market


def accepted(market: Guide) -> int:
    count: int = market.local.state()["orders"]["accepted"]
    return count


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: " ".join(each.values()))
def test_nothing_is_placed_on_what_is_held_while_the_position_is_not_told(long: Guide, failure: dict[str, Any]) -> None:
    pulled = [long.prices(BUY), long.prices(SELL)]
    assert all(pulled)
    before = accepted(long)
    long.local.arm(**failure, route=long.spoken.position_route, count=99)
    for _ in range(4):
        long.tick()
        assert long.prices(BUY) in ([], pulled[0]), "no new bid adds to what is held"
    assert accepted(long) == before
    assert long.prices(BUY) == []
    assert long.state.inventory.base == D("2.5"), "it is not taken for flat"
    long.local.clear()
    long.tick(2)
    assert long.prices(BUY), "it quotes again once the position is told"
    long.assert_agrees()


@pytest.mark.parametrize(
    ("spoken", "failure"),
    [
        pytest.param(spoken, failure, id=f"{spoken.venue} {' '.join(failure.values())}")
        for spoken in SPOKEN
        for failure in FAILURES
        if spoken is not BACKPACK_SPOKEN or (failure["fault"] != "wrong_types" and failure.get("body") != "[]")
    ],
)
def test_a_market_is_not_opened_while_the_position_is_not_told(spoken: Spoken, failure: dict[str, Any]) -> None:
    """Leaves out, of a venue that lists open positions alone, what an empty list is true of."""
    with guide(book(9_000), spoken=spoken) as market:
        market.local.arm(**failure, route=spoken.position_route, count=99)
        for _ in range(3):
            market.tick()
        assert accepted(market) == 0
        market.local.clear()
        market.tick()
        assert accepted(market) > 0
        assert market.state.inventory.base == ZERO
