"""The capability table: each fact that something is decided by, and that its limits are the ids' own."""

import pytest

from marketmaker.config.ladder_schema import MAX_LEVELS
from marketmaker.config.model_schema import PublicVenue
from marketmaker.config.schema import VenueName
from marketmaker.domain.orders import EXIT_LEVEL, MAX_MARKET_NUMBER, DeploymentTag, OrderIdentity, Side
from marketmaker.domain.positions import MarginMode
from marketmaker.domain.venues import (
    VENUES,
    ClientIds,
    DeadMansSwitch,
    LeverageScope,
    MarketKind,
    TestEnvironment,
    trading_at,
)


def test_every_venue_that_a_file_may_name_is_in_the_table() -> None:
    traded = {name for name, venue in VENUES.items() if venue.trading is not None}
    assert {each.value for each in VenueName} == traded
    assert {each.value for each in VenueName} | {each.value for each in PublicVenue} == {*VENUES}
    assert all(name == venue.name for name, venue in VENUES.items())


def test_public_books_are_those_of_spot_venues() -> None:
    assert all(VENUES[each.value].kinds == {MarketKind.SPOT} for each in PublicVenue)


@pytest.mark.parametrize(("symbol", "kind"), [("PAXG/USDT", MarketKind.SPOT), ("SOL/USDC:USDC", MarketKind.PERPETUAL)])
def test_a_symbol_tells_its_kind(symbol: str, kind: MarketKind) -> None:
    assert MarketKind.of(symbol) is kind


def test_usdm_has_batches_of_five_a_switch_and_a_demo() -> None:
    usdm = trading_at("binanceusdm")
    assert (usdm.create_batch, usdm.dead_mans_switch) == (5, DeadMansSwitch.IMPLICIT)
    assert (usdm.test_environment, usdm.leverage) == (TestEnvironment.DEMO, LeverageScope.MARKET)
    assert usdm.has_hedge_mode
    assert usdm.margin_modes == {MarginMode.CROSS, MarginMode.ISOLATED}


def test_backpack_has_neither_a_switch_nor_a_test_environment_and_ids_of_32_bits() -> None:
    backpack = trading_at("backpack")
    assert (backpack.dead_mans_switch, backpack.test_environment) == (DeadMansSwitch.NONE, TestEnvironment.NONE)
    assert (backpack.client_ids, backpack.create_batch) == (ClientIds.UINT32, 20)
    assert backpack.leverage is LeverageScope.ACCOUNT
    assert backpack.margin_modes == {MarginMode.CROSS}


def test_only_venues_of_perpetuals_reduce_only_and_have_leverage() -> None:
    for venue in VENUES.values():
        if venue.trading is not None:
            is_perpetual = MarketKind.PERPETUAL in venue.kinds
            assert venue.trading.has_reduce_only == is_perpetual
            assert (venue.trading.leverage is not LeverageScope.NONE) == is_perpetual
            assert bool(venue.trading.margin_modes) == is_perpetual


def test_ids_of_32_bits_tell_sixteen_markets_and_text_as_many_as_its_digits() -> None:
    assert (ClientIds.UINT32.max_market_number, ClientIds.TEXT_36.max_market_number) == (15, MAX_MARKET_NUMBER)


def test_the_levels_that_a_file_allows_fit_the_three_bits_of_an_integer_id_beside_the_exits() -> None:
    assert max(range(MAX_LEVELS)) < EXIT_LEVEL == 2**3 - 1


def test_our_ids_fit_into_36_characters() -> None:
    identity = OrderIdentity(
        tag=DeploymentTag(text="tst"), market_number=MAX_MARKET_NUMBER, slot_ms=0, side=Side.BUY, level=EXIT_LEVEL
    )
    assert len(identity.encode()) <= 36


def test_a_venue_that_is_only_read_has_no_orders() -> None:
    with pytest.raises(ValueError, match="binanceus is not traded at; allowed: binance, binanceusdm, backpack"):
        trading_at("binanceus")
