"""Every model has a note, its docstring agrees with it, and the shipped files use the recommended ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from marketmaker.config import load_deployment
from marketmaker.domain import models
from marketmaker.domain.catalogue import RECOMMENDED, ModelKind, Rule, Standing, catalogue, models_of
from marketmaker.domain.models import (
    AvellanedaStoikov,
    BidOnlyBand,
    BothSidesBand,
    BreakEven,
    Carry,
    FairPriceModel,
    Glft,
    InventoryPolicy,
    Ladder,
    Placement,
    PositionSkew,
    Regime,
    ReservationPrice,
    RunGuard,
    ShiftBand,
    SigmaOptimal,
    SizeSkew,
    SpreadModel,
    TouchRule,
)
from marketmaker.domain.units import ONE
from tests.builders import market_settings

CLASSES: dict[str, type] = {
    SpreadModel.SIGMA_OPTIMAL: SigmaOptimal,
    SpreadModel.AVELLANEDA_STOIKOV: AvellanedaStoikov,
    SpreadModel.GLFT: Glft,
    SpreadModel.REGIME: Regime,
    InventoryPolicy.SHIFT: ShiftBand,
    InventoryPolicy.BID_ONLY: BidOnlyBand,
    InventoryPolicy.BOTH_SIDES: BothSidesBand,
    InventoryPolicy.POSITION: PositionSkew,
    InventoryPolicy.RESERVATION: ReservationPrice,
    Rule.LADDER: Ladder,
    Rule.TOUCH: TouchRule,
    Rule.SIZE_SKEW: SizeSkew,
    Rule.CARRY: Carry,
    Rule.BREAK_EVEN: BreakEven,
    Rule.RUN_GUARD: RunGuard,
}
DEPLOYMENTS = sorted((Path(__file__).parents[3] / "infra" / "deployments").glob("*.toml"))


def test_every_model_and_rule_is_listed_once() -> None:
    listed = [each.name or each.key for each in catalogue()]
    assert listed == [*FairPriceModel, *SpreadModel, *InventoryPolicy, *Rule]


def test_the_docstring_of_a_model_says_whether_it_is_experimental() -> None:
    standing = {each.name or each.key: each.standing for each in catalogue()}
    for name, of in CLASSES.items():
        assert ("Experimental" in (of.__doc__ or "")) == (standing[name] is Standing.EXPERIMENTAL), name
    assert {name for name, each in standing.items() if each is Standing.RECOMMENDED} == set(RECOMMENDED)
    assert "all but `mid`" in (models.FairPriceModel.__doc__ or "")


LADDERED = "local-perp"
"""The demo of a perpetual shows two orders a side."""


@pytest.mark.parametrize("file", DEPLOYMENTS, ids=lambda file: file.stem)
def test_the_shipped_files_use_the_recommended_models(file: Path) -> None:
    markets = [market for account in load_deployment(file).accounts.values() for market in account.markets]
    assert markets
    for market in markets:
        used = dict(models_of(market))
        if market.perpetual is not None:  # ratios are of what is owned: there is one policy for a position
            assert used.pop(ModelKind.INVENTORY) is InventoryPolicy.POSITION
        if file.stem == LADDERED:
            assert used.pop(Rule.LADDER) == ""
        assert used.items() <= dict(zip(ModelKind, RECOMMENDED, strict=True)).items()
        assert {ModelKind.FAIR_PRICE, ModelKind.HALF_SPREAD} <= used.keys()


@pytest.mark.parametrize(
    ("changes", "used"),
    [
        ({"ladder": Ladder(distances=(ONE, ONE * 2), sizes=(ONE, ONE))}, Rule.LADDER),
        ({"touch": TouchRule(placement=Placement.JOIN, ticks=0)}, Rule.TOUCH),
        ({"size_skew": SizeSkew(range_ratio=ONE)}, Rule.SIZE_SKEW),
        ({"carry": Carry(interest=ONE, max_shift_share=ONE, horizon_ms=1)}, Rule.CARRY),
        ({"break_even": BreakEven(max_age_ms=1, max_loss_share=ONE, averages=True)}, Rule.BREAK_EVEN),
        ({"run_guard": RunGuard(orders=2, within_ms=1, widen=None)}, Rule.RUN_GUARD),
    ],
)
def test_a_rule_is_used_where_it_is_switched_on(changes: dict[str, Any], used: Rule) -> None:
    assert [key for key, _ in models_of(replace(market_settings(), **changes))][3:] == [used]


def test_every_setting_is_named_by_its_model() -> None:
    ratios = {"min_ratio": ONE * 0, "max_ratio": ONE}
    half = market_settings().half_spread
    assert not isinstance(half, SigmaOptimal | AvellanedaStoikov | Glft | Regime)
    spreads: dict[models.HalfSpread, SpreadModel] = {
        SigmaOptimal(distribution=models.Distribution.NORMAL): SpreadModel.SIGMA_OPTIMAL,
        AvellanedaStoikov(gamma=ONE, horizon_ms=1, decay=None): SpreadModel.AVELLANEDA_STOIKOV,
        Glft(gamma=ONE, intensity=None, decay=None): SpreadModel.GLFT,
        Regime(narrow=half, wide=half, larger=ONE, smaller=ONE, compact=ONE): SpreadModel.REGIME,
    }
    for spread, name in spreads.items():
        assert dict(models_of(replace(market_settings(), half_spread=spread)))["half_spread"] == name
    skewed = PositionSkew(
        **ratios,
        target_base=ONE * 0,
        threshold_base=ONE,
        max_base=ONE * 2,
        skew=ONE,
        effect=models.SkewEffect.SHIFT,
        ramp=models.Ramp.NONE,
    )
    policies: dict[models.InventoryBand, InventoryPolicy] = {
        BidOnlyBand(**ratios, half_spread_below=half, half_spread_above=half): InventoryPolicy.BID_ONLY,
        BothSidesBand(**ratios, half_spread_below=half, half_spread_above=half): InventoryPolicy.BOTH_SIDES,
        skewed: InventoryPolicy.POSITION,
        ReservationPrice(**ratios, max_shift_share=ONE): InventoryPolicy.RESERVATION,
    }
    for policy, policy_name in policies.items():
        assert dict(models_of(replace(market_settings(), inventory_band=policy)))["inventory"] == policy_name
