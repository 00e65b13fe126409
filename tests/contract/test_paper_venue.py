"""The paper venue on what a real client reads over HTTP: faults of the public side, and what they must not become."""

from collections.abc import Iterator

import pytest

from marketmaker.adapters.paper_venue import PaperVenue
from marketmaker.domain.orders import Side
from marketmaker.domain.pricing import Book
from marketmaker.errors import Retryable
from marketmaker.ports import Accepted, CancelResult, Rejected, RejectionKind, Unknown
from tests.contract.connected import PAXG, Connected, paper_connected
from tests.contract.local_venue import trade_at
from tests.fakes.paper import InMemoryPaperStore

TRADES = "GET /api/v3/aggTrades"
GARBAGE = ["<html>maintenance</html>", "", "null", '{"bids": [', "{}", '"ok"', "[1]", '[{"a": 1}]']
ODD = '[{"a": 0, "p": "1898", "q": "5", "T": 1700000000000, "m": "true"}]'


@pytest.fixture
def store() -> InMemoryPaperStore:
    return InMemoryPaperStore()


@pytest.fixture
def here(store: InMemoryPaperStore) -> Iterator[Connected[PaperVenue]]:
    with paper_connected([trade_at(10, Side.SELL, "1898", "5")], store) as connected:
        yield connected


@pytest.mark.parametrize("body", [*GARBAGE, ODD])
def test_trades_that_cannot_be_read_are_not_none(here: Connected[PaperVenue], body: str) -> None:  # R7
    (placed,) = here.place(here.new(Side.BUY, "1898.5"))
    assert isinstance(placed, Accepted)
    here.local.skip(11)
    here.local.arm(fault="malformed_reply", route=TRADES, body=body, count=6)

    with pytest.raises(Retryable, match="the public trades of PAXG/USDT could not be read"):
        here.venue.open_orders(here.deadline())
    seen = here.venue.observe([PAXG], [], here.deadline())
    assert isinstance(seen.open_orders, Unknown)
    assert isinstance(seen.balances, Unknown)
    assert isinstance(seen.books[PAXG], Book)
    assert [each.result for each in here.venue.cancel([placed.order], here.deadline())] == [CancelResult.FAILED]
    (refused,) = here.place(here.new(Side.BUY, "1898.4", level=1))
    assert isinstance(refused, Rejected)
    assert refused.kind is RejectionKind.RETRYABLE


@pytest.mark.parametrize("body", GARBAGE)
def test_a_book_that_cannot_be_read_takes_no_order(here: Connected[PaperVenue], body: str) -> None:  # R7
    here.local.arm(fault="malformed_reply", route="GET /api/v3/depth", body=body, count=2)

    (outcome,) = here.place(here.new(Side.BUY, "1898.5"))

    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.RETRYABLE
    assert here.venue.open_orders(here.deadline()) == ()


def test_after_trouble_the_trades_that_were_missed_are_played(here: Connected[PaperVenue]) -> None:  # R30
    here.place(here.new(Side.BUY, "1898.5"))
    here.local.arm(fault="server_error", route=TRADES, status=503, count=2)
    here.local.skip(11)
    with pytest.raises(Retryable):
        here.venue.open_orders(here.deadline())

    assert here.venue.open_orders(here.deadline()) == ()
    assert len(here.venue.fills_since(PAXG, 0, here.deadline())) == 1


def test_a_venue_that_numbers_its_trades_anew_is_never_taken_for_a_quiet_one(store: InMemoryPaperStore) -> None:
    with paper_connected([trade_at(second, Side.SELL, "1899", "0.1") for second in range(1, 5)], store) as here:
        here.local.skip(6)
        here.place(here.new(Side.BUY, "1898.5"))
        assert len(here.venue.open_orders(here.deadline())) == 1

    with paper_connected([], store) as anew, pytest.raises(Retryable, match="the venue is behind"):
        anew.venue.open_orders(anew.deadline())
