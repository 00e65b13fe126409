"""Presets: beneath what a file says, over it in a backtest, and never where money can be lost."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from infra.local.demo import DEPLOYMENT_FILE
from marketmaker.config import Changes, Preset, Stage, choose_market, load_deployment, parse_deployment
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.markets import FeeSchedule, MarketSettings, ReplaceTolerance
from marketmaker.domain.models import BothSidesBand, FairPriceModel, PositionSkew, Ramp, SkewEffect
from marketmaker.errors import ConfigError

LIVE = DEPLOYMENT_FILE.with_name("live.toml")
MARKET = "binance:PAXG/USDT"
D = Decimal


def overridden(path: Path, preset: Preset, *values: str) -> MarketSettings:
    found = choose_market(path, MARKET, Changes(preset=preset, values=values))
    (market,) = found.deployment.accounts[found.account].markets
    return market


def written(market_lines: str, *, stage: str = "local", without: tuple[str, ...] = ()) -> MarketSettings:
    """Read the local file with lines added to its market, and some of its keys taken out."""
    text = DEPLOYMENT_FILE.read_text(encoding="utf-8").replace('stage = "local"', f'stage = "{stage}"')
    for key in without:
        text = re.sub(rf"(?m)^{key} = .*\n", "", text)
    deployment = parse_deployment(f"{text}\n{market_lines}\n", file="local.toml")
    (market,) = deployment.accounts[next(iter(deployment.accounts))].markets
    return market


def test_the_guides_loop_replaces_everything_at_fixed_distances_of_the_last_trade() -> None:  # S1, S2, S4
    market = overridden(DEPLOYMENT_FILE, Preset.NAIVE)
    assert (market.tolerance, market.has_floors, market.fair_price) == (None, False, FairPriceModel.LAST)
    price = D(1900)
    assert isinstance(market.inventory_band, BothSidesBand)
    at = [market.half_spread, market.inventory_band.half_spread_below, market.inventory_band.half_spread_above]
    assert [round(each.at(price), 2) for each in at if isinstance(each, BpsDistance)] == [D("0.5"), D("0.4"), D("0.6")]


def test_a_preset_over_a_market_leaves_what_it_trades_and_with_how_much() -> None:
    (file_market,) = (
        load_deployment(DEPLOYMENT_FILE).accounts[next(iter(load_deployment(DEPLOYMENT_FILE).accounts))].markets
    )
    market = overridden(DEPLOYMENT_FILE, Preset.NAIVE)
    kept = ("symbol", "number", "capital_base", "capital_quote", "fees", "order_size_base", "price_band")
    assert [getattr(market, name) for name in kept] == [getattr(file_market, name) for name in kept]


def test_what_is_set_goes_over_the_preset() -> None:
    market = overridden(
        DEPLOYMENT_FILE, Preset.REFEREE, "half_spread.bps=10", "order_size_base=1", "inventory.max_base=20"
    )
    assert (market.half_spread, market.order_size_base) == (BpsDistance(bps=D(10)), D(1))
    assert market.inventory_band == PositionSkew(
        min_ratio=D("0.2"),
        max_ratio=D("0.5"),
        target_base=D(0),
        threshold_base=D(0),
        max_base=D(20),
        skew=D(0),
        effect=SkewEffect.SHIFT,
        ramp=Ramp.LINEAR,
    )
    assert market.tolerance == ReplaceTolerance(price_share=D("0.5"), size_share=D(1), max_age_ms=86_400_000)
    assert market.fees == FeeSchedule(maker_bps=D(0), taker_bps=D(0))


def test_a_baseline_is_refused_with_money_but_not_in_a_backtest_of_such_a_file() -> None:
    assert load_deployment(LIVE).stage is Stage.LIVE
    assert overridden(LIVE, Preset.NAIVE).tolerance is None
    for line, key in (("floors = false", "floors"), ('replace = { policy = "all" }', "replace")):
        assert written(line) is not None
        with pytest.raises(
            ConfigError, match=rf"markets\[0 PAXG/USDT\]\.{key}: a baseline is not allowed: only in a local"
        ):
            written(line, stage="testnet")


def test_a_preset_in_a_file_stands_beneath_what_the_file_says() -> None:
    market = written('preset = "naive"', without=("fair_price", "inventory"))
    assert (market.fair_price, market.half_spread) == (FairPriceModel.LAST, QuoteDistance(quote=D("0.5")))
    assert market.tolerance is None
    assert isinstance(market.inventory_band, BothSidesBand)


def test_keys_of_a_table_go_over_those_of_the_presets_table_where_both_are_of_one_kind() -> None:
    one = written('preset = "referee"\ninventory = { max_base = 5 }', without=("inventory",)).inventory_band
    assert isinstance(one, PositionSkew)
    assert (one.max_base, one.skew) == (D(5), D(0))
    other = written('preset = "naive"\ninventory = { policy = "position", max_base = 5 }', without=("inventory",))
    assert isinstance(other.inventory_band, PositionSkew)


def test_a_preset_means_what_its_values_written_out_mean() -> None:
    named = parse_deployment(_with('preset = "referee"'), file="f.toml")
    said = parse_deployment(
        _with(
            "replace = { price_share = 0.5, size_share = 1, max_age_s = 86400 }\nfloors = false\nmax_book_age_s = 3600"
        ),
        file="f.toml",
    )
    assert named.config_hash == said.config_hash


def _with(lines: str) -> str:
    return f"{DEPLOYMENT_FILE.read_text(encoding='utf-8')}\n{lines}\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('preset = "fastest"', r'markets\[0 PAXG/USDT\]\.preset: "fastest" is not allowed: one of "naive", "referee"'),
        ("preset = 3", r"preset: 3 is not allowed"),
    ],
)
def test_a_preset_that_is_none_is_refused(line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        written(line)


@pytest.mark.parametrize(
    "text", ["accounts = 3", "[accounts]\nmain = 3", "[accounts.main]\nmarkets = 3", "[accounts.main]\nmarkets = [3]"]
)
def test_what_is_no_market_is_left_to_the_schema(text: str) -> None:
    with pytest.raises(ConfigError, match=r"f\.toml"):
        parse_deployment(f'name = "x"\ntag = "abc"\nstage = "local"\n{text}\n', file="f.toml")


def test_every_preset_can_be_used() -> None:
    for preset in Preset:
        assert not overridden(DEPLOYMENT_FILE, preset).has_floors
