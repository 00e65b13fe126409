"""One round of reads, and since when each book has stood still."""

import pytest

from marketmaker.domain.state import BookMark, VenueMetadata
from marketmaker.errors import AccountRefused, Retryable, StateUnreachable
from marketmaker.ports import Unknown
from marketmaker.usecases.metadata import METADATA_RELOAD_MS
from marketmaker.usecases.observe import mark_books, observe
from tests.builders import SYMBOL, book
from tests.fakes.desk import bench
from tests.fakes.venue import OPEN_ORDERS


def test_book_that_changed_is_marked_now() -> None:  # R11
    before = {SYMBOL: BookMark(update_id=1, since_ms=10)}
    assert mark_books({SYMBOL: book(update_id=2)}, before, 50) == {SYMBOL: BookMark(update_id=2, since_ms=50)}


def test_book_that_stands_still_keeps_its_mark() -> None:  # R11
    before = {SYMBOL: BookMark(update_id=1, since_ms=10)}
    assert mark_books({SYMBOL: book(update_id=1)}, before, 50) == before


def test_unknown_book_keeps_its_mark_or_has_none() -> None:  # R7
    before = {SYMBOL: BookMark(update_id=1, since_ms=10)}
    assert mark_books({SYMBOL: Unknown(reason="503")}, before, 50) == before
    assert mark_books({SYMBOL: Unknown(reason="503")}, {}, 50) == {}


def test_unknown_open_orders_end_the_observation() -> None:  # R7
    at = bench()
    at.venue.faults.fail_once(OPEN_ORDERS, Retryable("503"))
    with pytest.raises(Retryable, match="503"):
        observe(at.desk, at.control, at.deadline())


def test_refused_account_ends_the_observation() -> None:  # R26
    at = bench()
    at.tick()
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    with pytest.raises(AccountRefused):
        observe(at.desk, at.control, at.deadline())


def test_cold_start_describes_the_markets_before_it_reads_them() -> None:  # R31
    at = bench()
    observe(at.desk, at.control, at.deadline())
    assert at.venue.methods() == ["fetch_metadata", "observe"]


def test_cold_start_takes_the_description_that_is_kept() -> None:  # R31
    at = bench()
    kept = VenueMetadata(symbol=SYMBOL, fetched_ms=at.clock.now_ms(), payload="{}")
    at.prices.save_metadata(at.desk.settings.venue, [kept])
    observe(at.desk, at.control, at.deadline())
    assert at.venue.methods() == ["load", "observe"]


def test_cold_start_without_its_state_asks_the_venue_nothing() -> None:
    at = bench()
    at.store.faults.fail_once("read_account", Retryable("DynamoDB is down"))
    with pytest.raises(StateUnreachable, match="DynamoDB is down"):
        observe(at.desk, at.control, at.deadline())
    assert at.venue.calls == []


def test_description_that_is_due_is_renewed_beside_the_reads() -> None:  # R28
    at = bench()
    observe(at.desk, at.control, at.deadline())
    at.clock.advance(METADATA_RELOAD_MS + 1)
    kept = VenueMetadata(symbol=SYMBOL, fetched_ms=at.clock.now_ms(), payload="{}")
    at.prices.save_metadata(at.desk.settings.venue, [kept])
    observe(at.desk, at.control, at.deadline())
    assert at.venue.methods()[2:] == ["observe", "load"]


def test_warm_start_reads_at_once() -> None:
    at = bench()
    observe(at.desk, at.control, at.deadline())
    observe(at.desk, at.control, at.deadline())
    assert at.venue.methods() == ["fetch_metadata", "observe", "observe"]
