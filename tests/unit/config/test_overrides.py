"""A market of a deployment file with some values changed, as a backtest wants it."""

from decimal import Decimal
from pathlib import Path

import pytest

from infra.local.demo import DEPLOYMENT_FILE
from marketmaker.config import Changes, choose_market
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.markets import AbsoluteBand, BpsBand, MarketSettings
from marketmaker.domain.models import AvellanedaStoikov
from marketmaker.errors import ConfigError

MARKET = "binance:PAXG/USDT"


def chosen(*changes: str) -> MarketSettings:
    found = choose_market(DEPLOYMENT_FILE, MARKET, Changes(values=changes))
    (market,) = found.deployment.accounts[found.account].markets
    return market


def test_without_changes_the_file_is_as_it_is() -> None:
    found = choose_market(DEPLOYMENT_FILE, MARKET, Changes())
    assert (found.account, found.symbol) == ("main", "PAXG/USDT")
    assert chosen().half_spread == QuoteDistance(quote=Decimal("0.5"))


def test_values_of_the_market_are_changed_by_their_keys() -> None:
    market = chosen("order_size_base=0.05", "half_spread.quote=0.3", "fees.maker_bps=-1", 'fair_price="microprice"')
    assert market.order_size_base == Decimal("0.05")
    assert market.half_spread == QuoteDistance(quote=Decimal("0.3"))
    assert (market.fees.maker_bps, market.fees.taker_bps) == (Decimal(-1), Decimal(10))
    assert market.fair_price == "microprice"


def test_a_word_needs_no_quotes() -> None:
    assert chosen("fair_price=last").fair_price == "last"


def test_another_kind_of_distance_or_band_replaces_the_one_of_the_file() -> None:
    market = chosen("half_spread.bps=4", "price_band.bps=500")
    assert market.half_spread == BpsDistance(bps=Decimal(4))
    assert market.price_band == BpsBand(bps=Decimal(500))


def test_both_ends_of_a_band_can_be_given_one_by_one() -> None:
    assert chosen("price_band.bps=500", "price_band.low=1", "price_band.high=9").price_band == AbsoluteBand(
        low=Decimal(1), high=Decimal(9)
    )


def test_a_whole_table_can_be_given() -> None:
    market = chosen('half_spread={ model = "avellaneda_stoikov", gamma = 0.1 }', "touch.placement=join")
    assert isinstance(market.half_spread, AvellanedaStoikov)
    assert market.touch is not None


def test_the_cadence_can_be_changed() -> None:
    found = choose_market(DEPLOYMENT_FILE, MARKET, Changes(interval_s=10))
    assert found.deployment.clocks.interval_ms == 10_000


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["half_spread"], "--set: half_spread is not allowed: KEY=VALUE"),
        (["=3"], "--set: =3 is not allowed"),
        (["spread=3"], "spread: an unknown key is not allowed"),
        (["order_size_base=-1"], "order_size_base: -1 is not allowed"),
    ],
)
def test_a_change_that_is_not_allowed_is_one_line(changes: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        chosen(*changes)
    assert said in str(refused.value) or "unknown" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_market_that_the_file_has_not_names_those_it_has() -> None:
    with pytest.raises(ConfigError, match=r"--market: binance:BTC/USDT is not allowed: one of binance:PAXG/USDT"):
        choose_market(DEPLOYMENT_FILE, "binance:BTC/USDT", Changes())


def test_a_file_without_accounts_or_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the file: unreadable"):
        choose_market(tmp_path / "none.toml", MARKET, Changes())
    empty = tmp_path / "empty.toml"
    empty.write_text('accounts = "none"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="none in the file"):
        choose_market(empty, MARKET, Changes())
