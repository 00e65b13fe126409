"""What a deployment says of markets that nobody works, but that prices are made of (M5, S15)."""

from marketmaker.config import Deployment, parse_deployment
from tests.e2e.stage import deployment_text

ABROAD = """
[accounts.second.markets.reference]
venue = "binanceus"
symbol = "PAXG/USDT"
"""
THROUGH_BITCOIN = """
[accounts.second.markets.implied]
through = "BTC"
"""
TOLD = """
[accounts.second.markets.triangle]
"""


def deployment(*tables: str) -> Deployment:
    return parse_deployment(deployment_text("two", ["first", "second"]) + "".join(tables), file="two.toml")


def test_other_books_are_listed_by_venue_without_the_worked_markets() -> None:
    priced = deployment(ABROAD, THROUGH_BITCOIN)
    assert priced.listings_at("binance") == ("BTC/USDT", "PAXG/BTC")
    assert priced.listings_at("binanceus") == ("PAXG/USDT",)
    assert priced.symbols_at("binanceus") == ()
    assert deployment().listings_at("binance") == ()


def test_a_worked_market_is_no_listing_whoever_is_priced_by_it() -> None:
    text = deployment_text("two", ["first", "second"]).replace('"PAXG/USDT"', '"BTC/USDT"', 1)
    priced = parse_deployment(text + THROUGH_BITCOIN, file="two.toml")
    assert priced.symbols_at("binance") == ("BTC/USDT", "PAXG/USDT")
    assert priced.listings_at("binance") == ("PAXG/BTC",)


def test_triangles_are_told_of_only_where_some_market_asks_for_it() -> None:
    assert not deployment(THROUGH_BITCOIN).tells_of_triangles
    assert deployment(THROUGH_BITCOIN, TOLD).tells_of_triangles
