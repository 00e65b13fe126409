"""Every model that a market may name: what it does, what it needs, and whether it is recommended.

A model is experimental until it beat the recommended default on recorded markets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import (
    AvellanedaStoikov,
    BidOnlyBand,
    BothSidesBand,
    FairPriceModel,
    Glft,
    HalfSpread,
    InventoryBand,
    InventoryPolicy,
    PositionSkew,
    Regime,
    ReservationPrice,
    ShiftBand,
    SigmaOptimal,
    SpreadModel,
)


class ModelKind(StrEnum):
    """Which question a model answers; the value is the key of the deployment file."""

    FAIR_PRICE = "fair_price"
    HALF_SPREAD = "half_spread"
    INVENTORY = "inventory"


class Rule(StrEnum):
    """What a market may switch on beside its models; the value is the key of the deployment file."""

    LADDER = "ladder"
    TOUCH = "touch"
    SIZE_SKEW = "size_skew"
    CARRY = "carry"
    BREAK_EVEN = "break_even"
    RUN_GUARD = "run_guard"


class Standing(StrEnum):
    """How far a model can be trusted."""

    RECOMMENDED = "recommended"
    GUARD = "guard"
    EXPERIMENTAL = "experimental"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNote:
    """What one model or rule does; `name` is empty for a rule, whose `key` says all."""

    key: str
    name: str
    does: str
    needs: str = ""
    standing: Standing = Standing.EXPERIMENTAL


RECOMMENDED: tuple[FairPriceModel, SpreadModel, InventoryPolicy] = (
    FairPriceModel.MID,
    SpreadModel.FIXED,
    InventoryPolicy.SHIFT,
)
"""The default for spot markets, and what the shipped deployment files use."""


def catalogue() -> tuple[ModelNote, ...]:
    """List every model and rule, in the order in which a decision uses them."""
    return (
        *(_fair_price(each) for each in FairPriceModel),
        *(_half_spread(each) for each in SpreadModel),
        *(_inventory(each) for each in InventoryPolicy),
        *(_rule(each) for each in Rule),
    )


def models_of(settings: MarketSettings) -> Iterator[tuple[str, str]]:
    """Yield key and name of every model and rule that a market uses."""
    yield ModelKind.FAIR_PRICE, settings.fair_price
    yield ModelKind.HALF_SPREAD, spread_model_of(settings.half_spread)
    yield ModelKind.INVENTORY, policy_of(settings.inventory_band)
    for rule in Rule:
        used = settings.ladder.levels > 1 if rule is Rule.LADDER else getattr(settings, rule) is not None
        if used:
            yield rule, ""


def spread_model_of(settings: HalfSpread) -> SpreadModel:
    """Name the model of a half-spread."""
    match settings:
        case QuoteDistance() | BpsDistance():
            return SpreadModel.FIXED
        case SigmaOptimal():
            return SpreadModel.SIGMA_OPTIMAL
        case AvellanedaStoikov():
            return SpreadModel.AVELLANEDA_STOIKOV
        case Glft():
            return SpreadModel.GLFT
        case Regime():
            return SpreadModel.REGIME
        case _:
            assert_never(settings)


def policy_of(settings: InventoryBand) -> InventoryPolicy:
    """Name an inventory policy."""
    match settings:
        case ShiftBand():
            return InventoryPolicy.SHIFT
        case BidOnlyBand():
            return InventoryPolicy.BID_ONLY
        case BothSidesBand():
            return InventoryPolicy.BOTH_SIDES
        case PositionSkew():
            return InventoryPolicy.POSITION
        case ReservationPrice():
            return InventoryPolicy.RESERVATION
        case _:
            assert_never(settings)


def _note(key: str, name: str, does: str, needs: str = "") -> ModelNote:
    standing = Standing.RECOMMENDED if name in RECOMMENDED else Standing.EXPERIMENTAL
    return ModelNote(key=key, name=name, does=does, needs=needs, standing=standing)


def _fair_price(model: FairPriceModel) -> ModelNote:
    match model:
        case FairPriceModel.LAST:
            does, needs = "the last trade, if near the book's middle; bounces between bid and ask", ""
        case FairPriceModel.MID:
            does, needs = "(best bid + best ask) / 2, without our own orders", ""
        case FairPriceModel.MICROPRICE:
            does, needs = "(bid · ask size + ask · bid size) / both sizes: leans to where the next trade goes", ""
        case FairPriceModel.DEPTH_WEIGHTED:
            does, needs = "the microprice of each side's average over `depth_levels` levels", ""
        case FairPriceModel.REFERENCE:
            does, needs = "another book's middle, converted; ignored while stale or far from our own", "`reference`"
        case FairPriceModel.IMPLIED:
            does, needs = "A/C · C/B of the same venue, guarded as the reference is", "`implied`"
        case _:
            assert_never(model)
    return _note(ModelKind.FAIR_PRICE, model, does, needs)


def _half_spread(model: SpreadModel) -> ModelNote:
    match model:
        case SpreadModel.FIXED:
            does, needs = "`quote` or `bps`, as written", ""
        case SpreadModel.SIGMA_OPTIMAL:
            does, needs = "argmax d · P(|move| > d) over the quote's exposure, 0.752 σ for normal moves", "σ or moves"
        case SpreadModel.AVELLANEDA_STOIKOV:
            does, needs = "γσ²τ/2 + ln(1 + γ/k)/γ, with a rolling horizon τ", "σ, k"
        case SpreadModel.GLFT:
            does, needs = "Avellaneda–Stoikov without a horizon: ln(1 + γ/k)/γ + half the inventory step", "σ, A, k"
        case SpreadModel.REGIME:
            does, needs = "narrow or wide, with size and spacing, by volatility of the day and within it", "regime"
        case _:
            assert_never(model)
    return _note(ModelKind.HALF_SPREAD, model, does, needs)


def _inventory(policy: InventoryPolicy) -> ModelNote:
    match policy:
        case InventoryPolicy.SHIFT:
            does, needs = "moves both quotes towards reducing, in proportion beyond the band", ""
        case InventoryPolicy.BID_ONLY:
            does, needs = "another bid outside the band, the ask never: the spot guide's text", ""
        case InventoryPolicy.BOTH_SIDES:
            does, needs = "another half-spread outside the band: the spot guide's code", ""
        case InventoryPolicy.POSITION:
            does, needs = "offset by skew beyond a target in base, up to `max_base`: the perpetual guide", ""
        case InventoryPolicy.RESERVATION:
            does, needs = "round the reservation price of the spread model", "glft or avellaneda_stoikov"
        case _:
            assert_never(policy)
    return _note(ModelKind.INVENTORY, policy, does, needs)


def _rule(rule: Rule) -> ModelNote:
    standing = Standing.EXPERIMENTAL
    match rule:
        case Rule.LADDER:
            does, needs = "several levels a side, linear, geometric or explicit", ""
        case Rule.TOUCH:
            does, needs = "joins, improves or backs off the best price of others", ""
        case Rule.SIZE_SKEW:
            does, needs = "buys less and sells more of what is held", ""
        case Rule.CARRY:
            does, needs = "interest on what is held, growing with σ · √age; too old is not added to", ""
        case Rule.BREAK_EVEN:
            does, needs = "does not sell below cost, within bounds; or does not average down", ""
        case Rule.RUN_GUARD:
            does, needs = "a side filled several times in a row stands wider or pauses", ""
            standing = Standing.GUARD
        case _:
            assert_never(rule)
    return ModelNote(key=rule, name="", does=does, needs=needs, standing=standing)
