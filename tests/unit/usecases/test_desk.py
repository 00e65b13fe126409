"""Whose orders are ours, and where the markets' metadata comes from."""

from dataclasses import replace

import pytest

from marketmaker.domain.orders import Side
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import ClientOrderId, Symbol
from marketmaker.errors import AccountRefused, Fatal, MarketMakerError, Retryable
from marketmaker.usecases.desk import METADATA_MAX_AGE_MS, METADATA_RELOAD_MS
from tests.builders import OTHER_TAG, SYMBOL, foreign_order, identity, order
from tests.fakes.desk import Bench, bench

UNREADABLE = [Retryable("DynamoDB is down"), Fatal("no such table")]


def keep(at: Bench, age_ms: int = 0, symbol: Symbol = SYMBOL) -> None:
    metadata = VenueMetadata(symbol=symbol, fetched_ms=at.clock.now_ms() - age_ms, payload="{}")
    at.prices.save_metadata(at.desk.settings.venue, [metadata])


def ensure(at: Bench) -> list[str]:
    """Ensure the metadata; returns what that asked of the venue."""
    before = len(at.venue.calls)
    at.desk.ensure_metadata(at.deadline())
    return at.venue.methods()[before:]


def test_orders_are_ours_by_their_tag_alone() -> None:  # R4
    desk = bench().desk
    ours = order(Side.BUY)
    other_deployment = order(Side.BUY, client_id=identity(owner=OTHER_TAG).encode())
    malformed = order(Side.BUY, client_id="mmabc00!!!!!!!b00")
    assert desk.own([ours, foreign_order(), other_deployment, malformed]) == (ours,)
    assert desk.identity_of(ours) == identity()
    assert desk.identity_of(replace(ours, client_id=ClientOrderId(""))) is None


def test_cold_start_loads_kept_metadata_without_asking_the_venue() -> None:  # R31
    at = bench()
    keep(at)
    assert ensure(at) == ["load"]
    assert at.venue.instrument(SYMBOL).symbol == SYMBOL


def test_metadata_that_nobody_keeps_is_asked_for_at_the_venue_and_not_kept() -> None:
    at = bench()
    assert ensure(at) == ["fetch_metadata"]
    assert list(at.prices.metadata(at.desk.settings.venue, [SYMBOL])) == []


def test_metadata_of_another_market_or_venue_does_not_count() -> None:
    at = bench()
    keep(at, symbol=Symbol("BTC/USDT"))
    at.prices.save_metadata("other", [VenueMetadata(symbol=SYMBOL, fetched_ms=at.clock.now_ms(), payload="{}")])
    assert ensure(at) == ["fetch_metadata"]


@pytest.mark.parametrize(
    ("age_ms", "asked"), [(METADATA_MAX_AGE_MS, ["load"]), (METADATA_MAX_AGE_MS + 1, ["fetch_metadata"])]
)
def test_kept_metadata_older_than_a_day_is_asked_for_at_the_venue(age_ms: int, asked: list[str]) -> None:
    at = bench()
    keep(at, age_ms)
    assert ensure(at) == asked


def test_loaded_metadata_is_read_again_once_it_is_due() -> None:  # R28
    at = bench()
    keep(at)
    ensure(at)
    at.clock.advance(METADATA_RELOAD_MS)
    at.prices.faults.fail_once("metadata", AssertionError("the table was read although nothing is due"))
    assert ensure(at) == []
    at.prices.faults.clear()
    at.clock.advance(1)
    assert ensure(at) == ["load"]
    assert ensure(at) == []


@pytest.mark.parametrize("error", UNREADABLE)
def test_prices_that_cannot_be_read_are_counted_and_the_venue_is_asked(error: MarketMakerError) -> None:  # R34
    at = bench()
    at.prices.faults.fail_always("metadata", error)
    assert ensure(at) == ["fetch_metadata"]
    assert ensure(at) == []
    assert at.telemetry.lines == [("prices_unreadable", {"reason": str(error)})]
    assert at.telemetry.counted["prices_unreadable"] == 1


def test_loaded_metadata_stays_in_use_for_a_day_while_nobody_answers() -> None:  # R30, R34
    at = bench()
    keep(at)
    ensure(at)
    at.prices.faults.fail_always("metadata", Retryable("DynamoDB is down"))
    at.venue.faults.fail_always("fetch_metadata", Retryable("503"))
    at.clock.advance(METADATA_MAX_AGE_MS)
    assert ensure(at) == ["fetch_metadata"]
    at.clock.advance(1)
    with pytest.raises(Retryable, match="503"):
        ensure(at)


def test_cold_start_without_metadata_from_anywhere_fails() -> None:  # R7
    at = bench()
    at.venue.faults.fail_once("fetch_metadata", Retryable("503"))
    with pytest.raises(Retryable, match="503"):
        ensure(at)


def test_market_that_is_not_listed_any_more_is_fatal_even_while_loaded() -> None:  # R30
    at = bench()
    ensure(at)
    at.venue.unlisted.add(SYMBOL)
    at.clock.advance(METADATA_RELOAD_MS + 1)
    with pytest.raises(AccountRefused, match="does not list"):
        ensure(at)
