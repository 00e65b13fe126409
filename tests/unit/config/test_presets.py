"""Presets: beneath what a file says, over it in a backtest, and never where money can be lost."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from infra.local.demo import DEPLOYMENT_FILE
from marketmaker.config import Changes, Deployment, Preset, Stage, choose_market, load_deployment, parse_deployment
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.inventory import Inventory
from marketmaker.domain.markets import FeeSchedule, MarketSettings, ReplaceTolerance
from marketmaker.domain.models import BothSidesBand, FairPriceModel, FallStop, PositionSkew, Ramp, SkewEffect
from marketmaker.domain.orders import Side
from marketmaker.domain.pipeline import compute_quotes
from marketmaker.domain.quoting import Quotes
from marketmaker.domain.units import AccountName
from marketmaker.errors import ConfigError
from tests.builders import SLOT_MS, book, instrument, market_view
from tests.unit.config.documents import parse, text_of
from tests.unit.config.perpetuals import perpetual_document, perpetual_market

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
        (
            'preset = "fastest"',
            r'markets\[0 PAXG/USDT\]\.preset: "fastest" is not allowed: one of "naive", "referee", ',
        ),
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


def test_only_the_baselines_have_no_floors() -> None:
    for preset in Preset:
        assert overridden(DEPLOYMENT_FILE, preset).has_floors == (preset not in {Preset.NAIVE, Preset.REFEREE})


GUIDE = {
    "neutral": ("0.01", "0.1", 2, 0, 3, 1, "0.7", 100, 200),
    "balanced": ("0.01", "0.1", 3, 1, 5, 2, "0.3", 200, 400),
    "aggressive": ("0.005", "0.2", 5, 2, 10, 0, "0.3", None, None),
    "conservative": ("0.02", "0.05", 1, 0, 2, 0, "0.8", 50, 100),
}
"""The rows of P7: spread, quantity, max orders, target, max position, threshold, skew, stop loss, take profit."""


def bare(name: str, **keys: object) -> Deployment:
    """A perpetual that says nothing of what a preset does, but for these keys."""
    decided = ("half_spread", "order_size_base", "inventory", "stop_loss")
    market = {key: value for key, value in perpetual_market().items() if key not in decided}
    return parse(perpetual_document(market | {"preset": name, **keys}))


def only(deployment: Deployment) -> MarketSettings:
    (market,) = deployment.accounts[AccountName("main")].markets
    return market


@pytest.mark.parametrize("name", GUIDE)
def test_a_preset_of_the_perpetual_guide_is_its_row(name: str) -> None:  # P7
    spread, quantity, orders, target, largest, threshold, skew, loss, profit = GUIDE[name]
    market = only(bare(name))
    assert market.half_spread == BpsDistance(bps=D(spread) * 10_000)
    assert (market.order_size_base, market.ladder.levels) == (D(quantity), orders)
    assert market.ladder.distances == tuple(D(level) for level in range(1, orders + 1))
    assert market.ladder.sizes == (D(1),) * orders
    assert market.inventory_band == PositionSkew(
        min_ratio=D("0.2"),
        max_ratio=D("0.5"),
        target_base=D(target),
        threshold_base=D(threshold),
        max_base=D(largest),
        skew=D(skew),
        effect=SkewEffect.SHIFT,
        ramp=Ramp.LINEAR,
    )
    assert market.exits.stop_loss == (None if loss is None else D(loss))
    assert market.exits.take_profit_quote == (None if profit is None else D(profit))


def test_the_ladder_of_the_guide_stands_where_the_guide_says() -> None:  # P1
    market = only(bare("neutral"))
    rules = instrument(symbol="SOL/USDC:USDC", base="SOL", quote="USDC")
    view = market_view(
        market_book=book(bids=(("99.99", "5"),), asks=(("100.01", "5"),), symbol="SOL/USDC:USDC"),
        owned=Inventory(quote=D(1000), deposited_quote=D(1000)),
        reference_price="100",
        available_base="20",
        available_quote="2000",
    )
    found = compute_quotes(view, market, rules, SLOT_MS)
    assert isinstance(found, Quotes)
    assert [(each.side, each.price, each.size_base) for each in found.quotes] == [
        (Side.BUY, D(99), D("0.1")),
        (Side.BUY, D(98), D("0.1")),
        (Side.SELL, D(101), D("0.1")),
        (Side.SELL, D(102), D("0.1")),
    ]


def test_a_preset_of_the_perpetual_guide_is_allowed_with_money() -> None:
    lines = 'preset = "conservative"\nprice_band = { low = 1800, high = 2000 }'
    market = written(lines, stage="testnet", without=("half_spread", "order_size_base", "inventory", "price_band"))
    assert market.order_size_base == D("0.05")
    assert market.has_floors


@pytest.mark.parametrize(
    ("keys", "changed_to"),
    [
        ({"half_spread": {"bps": 30}}, {"half_spread.bps": "30"}),
        ({"half_spread": {"quote": 1}}, {"half_spread.bps": None, "half_spread.quote": "1"}),
        ({"order_size_base": 2}, {"order_size_base": "2"}),
        ({"ladder": {"levels": 4}}, {"ladder.levels": "4"}),
        (
            {"ladder": {"spacing": {"geometric": 2}}},
            {"ladder.spacing.linear": None, "ladder.spacing.geometric": "2"},
        ),
        ({"inventory": {"max_base": 9}}, {"inventory.max_base": "9"}),
        ({"inventory": {"effect": "widen"}}, {"inventory.effect": '"widen"'}),
        ({"stop_loss": {"loss_quote": 7}}, {"stop_loss.loss_quote": "7"}),
        ({"take_profit_quote": 9}, {"take_profit_quote": "9"}),
    ],
)
def test_a_field_of_a_preset_is_overridden_alone(keys: dict[str, object], changed_to: dict[str, str | None]) -> None:
    (plain,), (own,) = bare("neutral").preset_uses, bare("neutral", **keys).preset_uses
    expected = {key: value for key, value in (plain.values | changed_to).items() if value is not None}  # type: ignore[operator]
    assert own.values == expected


def test_a_stop_of_another_kind_takes_the_place_of_a_presets() -> None:
    without = ("half_spread", "order_size_base", "inventory")
    market = written('preset = "neutral"\nstop_loss = { fall = 0.1 }', without=without)
    assert isinstance(market.exits.stop_loss, FallStop)


def test_a_preset_is_told_with_what_it_came_to() -> None:
    (use,) = bare("aggressive", fees={"maker_bps": 1, "taker_bps": 4}).preset_uses
    assert (use.account, use.symbol, use.preset) == ("main", "SOL/USDC:USDC", Preset.AGGRESSIVE)
    assert use.values == {
        "half_spread.bps": "50",
        "order_size_base": "0.2",
        "ladder.levels": "5",
        "ladder.spacing.linear": "1",
        "ladder.sizes.linear": "0",
        "inventory.policy": '"position"',
        "inventory.min_ratio": "0.2",
        "inventory.max_ratio": "0.5",
        "inventory.target_base": "2",
        "inventory.threshold_base": "0",
        "inventory.max_base": "10",
        "inventory.skew": "0.3",
        "inventory.effect": '"shift"',
        "inventory.ramp": '"linear"',
        "stop_loss": "off",
        "take_profit_quote": "off",
    }


def test_a_market_without_a_preset_tells_of_none() -> None:
    assert load_deployment(DEPLOYMENT_FILE).preset_uses == ()


def test_a_baseline_is_told_with_its_own_keys_alone() -> None:
    (use,) = parse_deployment(_with('preset = "referee"'), file="f.toml").preset_uses
    assert "stop_loss" not in use.values
    assert use.values["floors"] == "false"


def test_a_spacing_of_a_preset_is_replaced_in_a_backtest_too() -> None:
    market = overridden(DEPLOYMENT_FILE, Preset.NEUTRAL, "ladder.spacing.geometric=2", "stop_loss.fall=0.1")
    assert market.ladder.distances == (D(1), D(2))
    assert isinstance(market.exits.stop_loss, FallStop)


def test_a_preset_over_a_perpetual_leaves_how_it_is_held(tmp_path: Path) -> None:
    held = {"leverage": 4, "max_exposure": 3}
    file = tmp_path / "perpetual.toml"
    file.write_text(text_of(perpetual_document(perpetual_market(perpetual=held))), encoding="utf-8")
    found = choose_market(file, "backpack:SOL/USDC:USDC", Changes(preset=Preset.NEUTRAL))
    market = only(found.deployment)
    assert market.perpetual is not None
    assert (market.perpetual.leverage, market.perpetual.max_exposure) == (D(4), D(3))
