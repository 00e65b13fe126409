"""The perpetual guide's parameters as a deployment: what each one becomes, and what is refused, by its option."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.bootstrap.run_options import GuideOptions, MarketType, guide_deployment, guide_text
from marketmaker.config import Preset, Stage
from marketmaker.domain.distances import BpsDistance
from marketmaker.domain.markets import BpsBand, CapitalAmount, CapitalShare, FeeSchedule, MarketSettings
from marketmaker.domain.models import PositionSkew
from marketmaker.domain.units import Asset
from marketmaker.errors import ConfigError

D = Decimal
PERP, SPOT = MarketType.PERP, MarketType.SPOT
GUIDE = GuideOptions(
    exchange="backpack",
    market_type=PERP,
    symbol="SOL_USDC_PERP",
    spread=0.01,
    quantity=0.1,
    max_orders=2,
    target_position=0,
    max_position=5,
    position_threshold=2,
    inventory_skew=0,
    stop_loss=-1,
    take_profit=5,
)


def read(stage: Stage = Stage.LOCAL, interval_s: int = 10, **changes: Any) -> MarketSettings:
    (account,) = guide_deployment(replace(GUIDE, **changes), stage, interval_s).accounts.values()
    (market,) = account.markets
    return market


def position(market: MarketSettings) -> PositionSkew:
    assert isinstance(market.inventory_band, PositionSkew)
    return market.inventory_band


def test_the_guides_line_is_the_guides_market() -> None:  # P2
    market = read()
    assert (market.symbol, market.order_size_base) == ("SOL/USDC:USDC", D("0.1"))
    assert market.half_spread == BpsDistance(bps=D(100))
    assert market.ladder.distances == (D(1), D(2))
    band = position(market)
    assert (band.target_base, band.max_base, band.threshold_base, band.skew) == (D(0), D(5), D(2), D(0))
    assert (market.exits.stop_loss, market.exits.take_profit_quote) == (D(1), D(5))
    assert (market.capital_quote, market.price_band) == (CapitalShare(share=D(1)), BpsBand(bps=D(2000)))


@pytest.mark.parametrize(("typed", "kept"), [(0.5, "0.5"), (-3.0, "0"), (7.0, "1"), (None, "0")])
def test_the_skew_is_held_inside_its_range(typed: float | None, kept: str) -> None:
    assert position(read(inventory_skew=typed)).skew == D(kept)


def test_stop_and_profit_have_no_sign() -> None:
    assert read(stop_loss=1.5, take_profit=-4.0).exits == read(stop_loss=-1.5, take_profit=4.0).exits


def test_what_is_not_typed_is_off() -> None:
    market = read(stop_loss=None, take_profit=None, max_orders=None, target_position=None, position_threshold=None)
    assert not market.exits.has_rules
    assert market.ladder.levels == 1
    assert (position(market).target_base, position(market).threshold_base) == (D(0), D(0))


def test_what_is_typed_stands_over_the_preset() -> None:  # P7
    nothing: dict[str, Any] = dict.fromkeys(
        ("spread", "quantity", "max_orders", "target_position", "max_position", "position_threshold"), None
    )
    nothing |= dict.fromkeys(("inventory_skew", "stop_loss", "take_profit"), None)
    market = read(preset=Preset.NEUTRAL, **nothing)
    assert (market.exits.stop_loss, position(market).skew, position(market).max_base) == (D(100), D("0.7"), D(3))
    over = read(preset=Preset.NEUTRAL, **(nothing | {"max_position": 4.0, "stop_loss": -7.0}))
    assert (over.exits.stop_loss, position(over).skew, position(over).max_base) == (D(7), D("0.7"), D(4))


@pytest.mark.parametrize(
    ("exchange", "kind", "typed", "symbol"),
    [
        ("backpack", PERP, "SOL_USDC_PERP", "SOL/USDC:USDC"),
        ("backpack", PERP, "SOL/USDC:USDC", "SOL/USDC:USDC"),
        ("binance-usdm", PERP, "SOLUSDT", "SOL/USDT:USDT"),
        ("binanceusdm", PERP, "1000PEPEUSDT", "1000PEPE/USDT:USDT"),
        ("binanceusdm", PERP, "sol/usdt", "SOL/USDT:USDT"),
        ("binance", SPOT, "PAXGUSDT", "PAXG/USDT"),
        ("binance", SPOT, "SOL_USDC", "SOL/USDC"),
        ("binance", SPOT, "ETHBTC", "ETH/BTC"),
    ],
)
def test_a_symbol_may_be_written_as_the_venue_does(exchange: str, kind: MarketType, typed: str, symbol: str) -> None:
    assert read(exchange=exchange, market_type=kind, symbol=typed).symbol == symbol


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exchange": "kraken"}, "--exchange: kraken is not allowed: one of binance, binanceusdm, backpack"),
        ({"exchange": "binance"}, "--market-type: perp is not allowed: spot at binance; perp is traded at binanceusdm"),
        ({"market_type": SPOT}, "--market-type: spot is not allowed: perp at backpack"),
        ({"symbol": "SOLXYZ"}, "--symbol: SOLXYZ is not allowed: a perp market"),
        ({"symbol": "USDT"}, "--symbol: USDT is not allowed"),
        ({"exchange": "binance", "market_type": SPOT}, "--symbol: SOL_USDC_PERP is not allowed: a spot market"),
        ({"symbol": "SOL/USDC:USDT"}, "--symbol: "),
        ({"spread": None}, "--spread: "),
        ({"spread": 1.5}, "--spread: "),
        ({"spread": float("nan")}, "--spread: nan is not allowed: a finite number"),
        ({"quantity": None}, "--quantity: "),
        ({"quantity": -1.0}, "--quantity: "),
        ({"max_orders": 9}, "--max-orders: "),
        ({"max_position": None}, "--max-position: "),
        ({"max_position": 2.0}, "--max-position: "),
        ({"target_position": -1.0}, "--target-position: "),
        ({"position_threshold": -1.0}, "--position-threshold: "),
        ({"stop_loss": 0.0}, "--stop-loss: "),
        ({"take_profit": 0.0}, "--take-profit: "),
        ({"capital_quote": 0.0}, "--capital: "),
        ({"maker_bps": 500.0}, "--maker-bps or --taker-bps: "),
        ({"interval_s": 7}, "--interval: "),
    ],
)
def test_what_is_not_allowed_is_said_by_its_option(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(**changes)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("changes", "accepts"),
    [
        ({}, True),
        ({"exchange": "binanceusdm"}, True),
        ({"exchange": "binance", "market_type": SPOT, "symbol": "SOLUSDT", "stop_loss": None}, False),
    ],
)
def test_every_venue_can_be_traded_live_and_who_runs_it_sees_to_a_key_of_which_none_tells(
    changes: dict[str, Any], accepts: bool
) -> None:  # R26
    (account,) = guide_deployment(replace(GUIDE, **changes), Stage.LIVE, 10).accounts.values()
    assert account.accepts_unverified_key is accepts


def test_an_error_of_no_option_is_said_as_it_is() -> None:
    spot: dict[str, Any] = {"exchange": "binance", "market_type": SPOT, "symbol": "SOLUSDT"}
    with pytest.raises(ConfigError, match=r"^mm run: accounts.run.markets.* a baseline is not allowed"):
        read(stage=Stage.LIVE, preset=Preset.NAIVE, **spot)


def test_fees_are_a_new_accounts_unless_they_are_typed() -> None:
    assert read().fees == FeeSchedule(maker_bps=D(2), taker_bps=D(5))
    assert read(maker_bps=-0.5, taker_bps=4.0).fees == FeeSchedule(maker_bps=D("-0.5"), taker_bps=D(4))


def test_spot_opens_with_its_target_and_leaves_other_base_alone() -> None:  # S2a
    spot: dict[str, Any] = {"exchange": "binance", "market_type": SPOT, "symbol": "SOLUSDT", "stop_loss": None}
    assert read(**spot).capital_base == CapitalAmount(amount=D(0))
    market = read(**spot, target_position=2.0)
    assert market.capital_base == CapitalAmount(amount=D(2))
    assert (market.inventory_band.min_ratio, market.inventory_band.max_ratio) == (D(0), D(1))


def test_paper_opens_with_the_capital_and_the_target() -> None:
    options = replace(GUIDE, exchange="binance", market_type=SPOT, symbol="SOLUSDT", target_position=2.0)
    opened = guide_deployment(options, Stage.PAPER, 10).paper
    assert list(opened.values()) == [{Asset("SOL"): D(2), Asset("USDT"): D(100_000)}]
    opened = guide_deployment(replace(options, capital_quote=500.0), Stage.PAPER, 10).paper
    assert list(opened.values()) == [{Asset("SOL"): D(2), Asset("USDT"): D(500)}]


def test_a_short_interval_has_requests_that_die_within_it() -> None:
    clocks = guide_deployment(GUIDE, Stage.LOCAL, 1).clocks
    assert (clocks.interval_ms, clocks.request_ttl_ms) == (1000, 800)
    assert guide_deployment(GUIDE, Stage.LOCAL, 10).clocks.request_ttl_ms == 2000


def test_a_login_whose_ids_are_numbers_is_ours_alone() -> None:
    assert "dedicated = true" in guide_text(GUIDE, Stage.LOCAL, 10)
    assert "dedicated = false" in guide_text(replace(GUIDE, exchange="binanceusdm"), Stage.LOCAL, 10)


def test_the_guides_contradiction_is_advised_about() -> None:  # P8
    (advice,) = guide_deployment(GUIDE, Stage.LOCAL, 10).advice
    assert "random-walk" in advice
