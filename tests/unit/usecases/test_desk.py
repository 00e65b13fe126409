"""Whose orders are ours, and where the markets' metadata comes from."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.orders import NewOrder, Side
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import ClientOrderId, Symbol
from marketmaker.errors import AccountRefused, Fatal, MarketMakerError, Retryable
from marketmaker.ports import Rejected, RejectionKind
from marketmaker.usecases.metadata import METADATA_MAX_AGE_MS, METADATA_RELOAD_MS
from tests.builders import OTHER_TAG, SYMBOL, foreign_order, identity, instrument, order
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import CLOSED_LOOK_MS

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


def test_no_market_that_was_ever_listed_is_fatal() -> None:
    at = bench()
    at.venue.unlisted.add(SYMBOL)
    with pytest.raises(AccountRefused, match="lists none of PAXG/USDT"):
        ensure(at)


def test_market_that_is_not_listed_any_more_is_closed_and_looked_at_every_minute() -> None:  # R30
    at = bench()
    ensure(at)
    at.venue.unlisted.add(SYMBOL)
    at.clock.advance(METADATA_RELOAD_MS + 1)
    assert ensure(at) == ["fetch_metadata"]
    assert not at.venue.instrument(SYMBOL).is_trading
    assert ensure(at) == []
    at.venue.unlisted.clear()
    at.clock.advance(CLOSED_LOOK_MS)
    assert ensure(at) == ["fetch_metadata"]
    assert at.venue.instrument(SYMBOL).is_trading
    assert ensure(at) == []


def test_metadata_that_a_refused_order_contradicts_is_read_anew_at_the_venue() -> None:  # R18
    at = bench()
    keep(at)
    ensure(at)
    place_off_grid(at)
    assert ensure(at) == ["load", "fetch_metadata"]
    assert at.venue.instrument(SYMBOL).tick_size == Decimal("0.05")
    assert ensure(at) == []


def test_metadata_in_doubt_stops_nothing_but_its_market_while_nobody_answers() -> None:  # R18, R34
    at = bench()
    ensure(at)
    place_off_grid(at)
    at.venue.faults.fail_once("fetch_metadata", Retryable("503"))
    assert ensure(at) == ["fetch_metadata"]
    assert ensure(at) == ["fetch_metadata"]


def place_off_grid(at: Bench) -> None:
    """Let the venue change a grid, and refuse an order by it."""
    at.venue.change_rules(instrument(tick_size="0.05"))
    new = NewOrder(
        client_id=identity().encode(), symbol=SYMBOL, side=Side.BUY, price=Decimal("1899.01"), size_base=Decimal("0.1")
    )
    (outcome,) = at.venue.place([new], at.deadline())
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectionKind.OFF_GRID
