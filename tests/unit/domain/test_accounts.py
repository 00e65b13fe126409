"""An account's clocks keep their order: requests die before leases do (R25)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.models import FairPriceModel, Listing, SecondPrice
from marketmaker.domain.units import Symbol
from tests.builders import account_settings, clocks, market_settings

durations_ms = st.integers(1, 900_000)


@given(function_timeout_ms=durations_ms, request_ttl_ms=durations_ms)
def test_a_lease_outlives_every_request_of_the_invocation_that_took_it(
    function_timeout_ms: int, request_ttl_ms: int
) -> None:  # R25
    lease_ms = clocks(function_timeout_ms=function_timeout_ms, request_ttl_ms=request_ttl_ms).lease_ms
    assert lease_ms >= function_timeout_ms + request_ttl_ms


def test_a_tick_is_dropped_once_its_successor_is_due() -> None:
    assert clocks(interval_ms=5_000).tick_max_age_ms == 5_000


def test_an_account_lists_its_symbols_in_the_order_of_the_file() -> None:
    settings = account_settings(
        market_settings(symbol="SOL/USDC", number=1), market_settings(symbol="PAXG/USDT", number=0)
    )
    assert settings.symbols == ("SOL/USDC", "PAXG/USDT")


def test_an_account_reads_its_own_venue_and_those_of_its_second_prices() -> None:
    source = Listing(venue="binanceus", symbol=Symbol("PAXG/USDT"))
    priced = replace(market_settings(), reference=SecondPrice(source=source, max_age_ms=10_000))

    assert account_settings(market_settings()).venues == {"binance"}
    assert account_settings(priced).venues == {"binance", "binanceus"}


def test_the_books_of_fair_prices_are_listed_once_and_only_those_in_use() -> None:
    gold, bitcoin = (
        Listing(venue="binance", symbol=Symbol("PAXG/BTC")),
        Listing(venue="binance", symbol=Symbol("BTC/USDT")),
    )
    abroad = Listing(venue="binanceus", symbol=Symbol("PAXG/USDT"))
    through = SecondPrice(source=gold, rate=bitcoin, max_age_ms=10_000)
    reference = SecondPrice(source=abroad, max_age_ms=10_000)

    def settings(*models: FairPriceModel) -> AccountSettings:
        markets = (market_settings(fair_price=model, number=number) for number, model in enumerate(models))
        return account_settings(*(replace(each, reference=reference, implied=through) for each in markets))

    used = settings(FairPriceModel.IMPLIED, FairPriceModel.REFERENCE, FairPriceModel.IMPLIED)
    assert used.second_listings == (bitcoin, gold, abroad)
    assert used.second_listings_at("binance") == (bitcoin, gold)
    assert settings(FairPriceModel.MID).second_listings == ()
    assert settings(FairPriceModel.MID).listings == {gold, bitcoin, abroad}
