"""A deployment may need at most 70 % of what a venue allows in a minute, at worst (R10)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketmaker.config import Deployment
from marketmaker.domain.request_weights import Demand, allowed_weight, demands
from marketmaker.errors import ConfigError
from tests.unit.config.documents import minimal_document, minimal_market, parse

INTERVALS_S = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
PERPETUAL = {
    "symbol": "SOL/USDC:USDC",
    "number": 1,
    "capital_quote": {"amount": 1000},
    "inventory": {"policy": "position", "max_base": 5},
    "fees": {"maker_bps": 2, "taker_bps": 5},
    "half_spread": {"bps": 10},
    "order_size_base": Decimal("0.5"),
    "price_band": {"bps": 3000},
}


def spot_markets(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [minimal_market(f"A{number}/USDT", number) | changes for number in range(count)]


def document(markets: list[dict[str, Any]], interval_s: int = 5, venue: str = "binance", **account: Any) -> Any:
    return minimal_document() | {
        "stage": "testnet" if venue == "binance" else "local",
        "clocks": {"interval_s": interval_s, "request_ttl_ms": 900},
        "accounts": {"main": {"venue": venue, "dedicated": True, "markets": markets, **account}},
    }


def needed(deployment: Deployment) -> dict[str, Demand]:
    return demands(deployment.accounts.values(), deployment.paper)


def test_twenty_spot_markets_at_five_seconds_are_allowed() -> None:
    """A look: 80 + 20 + 20 books of 5 = 200. A tick: that, 40 cancels and creates of 1, a trade list of 20."""
    deployment = parse(document(spot_markets(20)))
    assert needed(deployment) == {"binance": Demand(ticks=12 * (200 + 80 + 20), others=200 + 20 * (2 + 4))}
    assert needed(deployment)["binance"].total == 3920
    assert allowed_weight("binance") == 4200


def test_too_many_markets_are_refused_with_the_interval_that_would_do() -> None:
    with pytest.raises(ConfigError) as refused:
        parse(document(spot_markets(24)))
    assert str(refused.value) == (
        "test.toml: clocks.interval_s: 5 is not allowed: 6 or more, or fewer markets: requests at binance would weigh "
        "4396 a minute at worst, and 4200 are allowed"
    )
    parse(document(spot_markets(24), interval_s=6))


def test_what_no_interval_could_help_is_refused_for_its_markets() -> None:
    with pytest.raises(ConfigError) as refused:
        parse(document(spot_markets(400), interval_s=60))
    assert "60 is not allowed: fewer markets: requests at binance would weigh" in str(refused.value)
    assert str(refused.value).endswith("of which 4500 do not depend on it")


def test_every_order_of_a_ladder_and_every_last_price_counts() -> None:
    plain = needed(parse(document(spot_markets(1))))["binance"]
    more = needed(parse(document(spot_markets(1, ladder={"levels": 3}, fair_price="last"))))["binance"]
    assert more.ticks - plain.ticks == 12 * (2 * 2 * 2 + 2)
    assert more.others - plain.others == 2


def test_a_perpetual_is_asked_for_its_position_and_its_funding_and_its_switch_is_armed() -> None:
    """A look: 40 + 5 + 5 + a book of 2 and a rate of 1. A tick: that, 2 cancels, the switch's 10, a list of 5."""
    found = needed(parse(document([PERPETUAL], venue="binanceusdm")))
    assert found == {"binanceusdm": Demand(ticks=12 * (53 + 2 + 10 + 5), others=53 + 5 + 1)}
    shared = needed(parse(document([PERPETUAL], venue="binanceusdm", dedicated=False)))
    assert found["binanceusdm"].ticks - shared["binanceusdm"].ticks == 12 * 10


def test_a_venue_that_weighs_all_alike_may_be_asked_every_second() -> None:
    found = needed(parse(document([PERPETUAL], interval_s=1, venue="backpack")))
    assert found == {"backpack": Demand(ticks=60 * (5 + 4 + 1), others=5 + 2)}


def test_the_books_of_another_venue_count_there() -> None:
    reference = {"symbol": "A0/USDT", "venue": "binanceus"}
    found = needed(parse(document(spot_markets(1, fair_price="reference", reference=reference))))
    assert found["binanceus"] == Demand(ticks=12 * 5)


def test_an_account_on_paper_asks_for_nothing_of_a_login() -> None:
    markets = document(spot_markets(2), paper={"USDT": 60_000, "A0": 20, "A1": 20}) | {"stage": "paper"}
    assert needed(parse(markets)) == {"binance": Demand(ticks=12 * 2 * (5 + 4), others=2 * (5 + 4) + 2 * (2 + 4))}


def test_on_this_machine_nothing_is_too_heavy() -> None:
    parse(document(spot_markets(24), interval_s=2) | {"stage": "local"})


def test_the_accounts_of_a_deployment_share_what_a_venue_allows() -> None:
    one = minimal_document() | {"clocks": {"interval_s": 5}}
    accounts = {name: {"venue": "binance", "markets": spot_markets(15)} for name in ("a", "b")}
    parse(one | {"accounts": {"a": accounts["a"]}})
    with pytest.raises(ConfigError, match=r"clocks\.interval_s: 5 is not allowed"):
        parse(one | {"accounts": accounts})


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(1, 60), st.sampled_from(INTERVALS_S))
def test_what_is_refused_names_the_least_interval_that_is_not(levels: int, markets: int, interval_s: int) -> None:
    made = spot_markets(markets, ladder={"levels": levels})
    try:
        parse(document(made, interval_s=interval_s))
    except ConfigError as refused:
        least_s = int(str(refused).split(" is not allowed: ")[1].split(" ")[0])
        assert least_s > interval_s
        parse(document(made, interval_s=least_s))
        with pytest.raises(ConfigError):
            parse(document(made, interval_s=INTERVALS_S[INTERVALS_S.index(least_s) - 1]))
