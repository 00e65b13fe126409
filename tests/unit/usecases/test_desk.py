"""Whose orders are ours, and where the markets' metadata comes from."""

from dataclasses import replace

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ClientOrderId
from marketmaker.usecases.desk import METADATA_MAX_AGE_MS
from tests.builders import OTHER_TAG, SYMBOL, foreign_order, identity, order
from tests.fakes.desk import Bench, bench


def stored(at: Bench) -> list[int]:
    return [each.fetched_ms for each in at.store.read_account(at.account).metadata.values()]


def ensure(at: Bench) -> None:
    at.desk.ensure_metadata(tuple(at.store.read_account(at.account).metadata.values()), at.deadline())


def test_orders_are_ours_by_their_tag_alone() -> None:  # R4
    desk = bench().desk
    ours = order(Side.BUY)
    other_deployment = order(Side.BUY, client_id=identity(owner=OTHER_TAG).encode())
    malformed = order(Side.BUY, client_id="mmabc00!!!!!!!b00")
    assert desk.own([ours, foreign_order(), other_deployment, malformed]) == (ours,)
    assert desk.identity_of(ours) == identity()
    assert desk.identity_of(replace(ours, client_id=ClientOrderId(""))) is None


def test_metadata_is_fetched_once_and_kept() -> None:
    at = bench()
    ensure(at)
    ensure(at)
    assert at.venue.methods() == ["fetch_metadata"]
    assert stored(at) == [at.clock.now_ms()]


def test_cold_start_loads_stored_metadata_without_asking_the_venue() -> None:  # R31
    at = bench()
    ensure(at)
    cold = bench()
    cold.desk = replace(cold.desk, store=at.store)
    cold.desk.ensure_metadata(tuple(at.store.read_account(at.account).metadata.values()), cold.deadline())
    assert cold.venue.methods() == ["load"]
    assert cold.venue.instrument(SYMBOL).symbol == SYMBOL


def test_metadata_older_than_a_day_is_fetched_again() -> None:
    at = bench()
    ensure(at)
    at.clock.advance(METADATA_MAX_AGE_MS)
    ensure(at)
    assert len(at.venue.calls) == 1
    at.clock.advance(1)
    ensure(at)
    assert len(at.venue.calls) == 2
    assert stored(at) == [at.clock.now_ms()]
