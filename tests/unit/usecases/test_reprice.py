"""A post-only create that would have taken: the book is read again and the quote priced once more (R19)."""

import json
from decimal import Decimal

import pytest

from marketmaker.adapters.telemetry import _to_json
from marketmaker.domain.orders import OrderIdentity, Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason
from marketmaker.domain.state import Mode
from marketmaker.errors import Retryable
from marketmaker.ports import Accepted, RejectionKind
from marketmaker.usecases.act import HeldBack
from marketmaker.usecases.records import read_decisions
from marketmaker.usecases.replay import replay
from marketmaker.usecases.reports import MarketReport, TickReport
from tests.builders import SYMBOL
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import BOOKS

BUY, SELL = Side.BUY, Side.SELL


@pytest.fixture
def at() -> Bench:
    """Refuse the bid of the first tick, while the market falls by five."""
    at = refusing()
    at.venue.faults.before("read_books", lambda: at.venue.quote(SYMBOL, "1894.9", "1895.1"))
    return at


def refusing() -> Bench:
    at = bench()
    at.venue.reject_next(RejectionKind.WOULD_TAKE)
    return at


def prices(at: Bench) -> dict[Side, Decimal]:
    return {each.side: each.price for each in at.venue.live()}


def looks(report: TickReport) -> tuple[MarketReport, MarketReport]:
    first, second = report.markets
    return first, second


def identities(report: MarketReport, at: Bench) -> list[OrderIdentity | None]:
    return [at.desk.identity_of(each.order) for each in report.places if isinstance(each, Accepted)]


def test_the_refused_quote_follows_the_book_of_now_and_the_accepted_one_stays(at: Bench) -> None:  # R19
    first, second = looks(at.tick())
    assert prices(at) == {BUY: Decimal("1894.5"), SELL: Decimal("1900.5")}
    assert [(each.side, each.level) for each in second.plan.place] == [(BUY, 0)]
    assert (second.plan.cancel, second.plan.keep) == ((), ())
    assert (first.counts()["creates_rejected"], second.counts()["creates_rejected"]) == (1, 0)
    assert at.alerts.sent == []


def test_the_second_create_has_an_id_of_its_own(at: Bench) -> None:  # R1
    first, second = looks(at.tick())
    (accepted,), (repriced,) = identities(first, at), identities(second, at)
    assert accepted is not None
    assert repriced is not None
    assert (accepted.side, accepted.attempt) == (SELL, 0)
    assert (repriced.side, repriced.attempt, repriced.slot_ms) == (BUY, 1, accepted.slot_ms)
    assert {each.client_id for each in at.state().working} == {accepted.encode(), repriced.encode()}


def test_a_quote_is_priced_once_more_and_not_again(at: Bench) -> None:  # R19
    at.venue.accept_next()
    at.venue.reject_next(RejectionKind.WOULD_TAKE)
    report = at.tick()
    assert report.counts()["creates_rejected"] == 2
    assert at.venue.methods().count("place") == at.venue.methods().count("read_books") + 1 == 2
    assert prices(at).keys() == {SELL}
    at.tick()
    assert prices(at).keys() == {BUY, SELL}


def test_a_rejection_for_another_reason_is_left_to_the_next_tick() -> None:
    at = bench()
    at.venue.reject_next(RejectionKind.REFUSED)
    at.tick()
    assert "read_books" not in at.venue.methods()


def test_an_account_that_was_halted_meanwhile_prices_nothing_again() -> None:  # R5
    at = refusing()
    at.venue.faults.before(
        "read_books",
        lambda: at.store.strengthen(at.account, Mode.HALTED, reason="drill", now_ms=at.clock.now_ms()),
    )
    _, second = looks(at.tick())
    assert second.held_back is HeldBack.MODE_CHANGED
    assert prices(at).keys() == {SELL}


def test_a_book_that_cannot_be_read_again_prices_nothing() -> None:  # R7
    at = refusing()
    at.venue.faults.before("read_books", lambda: at.venue.faults.fail_once(BOOKS, Retryable("no answer")))
    report = at.tick()
    assert len(report.markets) == 1
    assert prices(at).keys() == {SELL}


def test_a_guard_holds_for_the_second_look_too_and_tells_nobody() -> None:  # S3
    at = refusing()
    at.venue.faults.before("read_books", lambda: at.venue.quote(SYMBOL, "1700", "1700.2"))
    _, second = looks(at.tick())
    assert isinstance(second.desired, NoQuotes)
    assert second.desired.reason is NoQuotesReason.PRICE_OUTSIDE_BAND
    assert prices(at).keys() == {SELL}
    assert at.alerts.sent == []


def test_a_book_that_did_not_move_keeps_its_age() -> None:  # R11
    at = bench()
    at.tick()
    at.venue.is_frozen = True
    at.venue.cancel(at.venue.live(), at.deadline())
    at.venue.reject_next(RejectionKind.WOULD_TAKE)
    at.venue.faults.before("read_books", lambda: at.clock.advance(700))
    first, second = looks(at.tick())
    views = first.situation.view, second.situation.view
    assert [view.book_age_ms for view in views if view] == [5_000, 5_700]


def test_a_place_whose_create_became_unknown_is_blocked_in_the_second_look(at: Bench) -> None:  # R1
    at.venue.lose_next_request()
    _, second = looks(at.tick())
    assert second.situation.blocked == {(SELL, 0)}
    assert [(each.side, each.level) for each in second.plan.place] == [(BUY, 0)]


def test_both_looks_are_recorded_and_replay(at: Bench) -> None:
    line = json.loads(_to_json(dict(at.tick().record(in_full=True))))
    first, second = read_decisions(line)
    assert (first.situation.only, second.situation.only) == (None, frozenset({(BUY, 0)}))
    assert [replay(each, at.desk.settings).differences for each in (first, second)] == [(), ()]
