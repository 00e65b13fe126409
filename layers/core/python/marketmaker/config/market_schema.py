"""What a deployment file may say about one market: its capital, its limits and, from the modules beside, its models."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from marketmaker.config.ladder_schema import LadderTable
from marketmaker.config.model_schema import (
    AvellanedaStoikovTable,
    GlftTable,
    HalfSpreadTable,
    ImpliedTable,
    InventoryTable,
    ReferenceTable,
    ReservationTable,
    ShiftTable,
    TriangleTable,
)
from marketmaker.config.ranges import (
    Amount,
    Bps,
    Factor,
    FeeBps,
    Positive,
    Ratio,
    Share,
    SymbolText,
    above,
    base_and_quote,
    whole,
)
from marketmaker.config.risk_schema import EventTable
from marketmaker.config.tables import Contradiction, Table
from marketmaker.domain.models import CostBasis, FairPriceModel, Placement
from marketmaker.domain.orders import MAX_MARKET_NUMBER
from marketmaker.domain.positions import MarginMode
from marketmaker.domain.pricing import BOOK_LEVELS
from marketmaker.domain.runs import MAX_RUN
from marketmaker.domain.units import TWO, ZERO, plain
from marketmaker.domain.venues import MarketKind

_Ticks = Annotated[int, whole(1, 1_000)]
_DAY_S = 86_400


class AmountTable(Table, frozen=True, kw_only=True):
    """Capital as a fixed amount of the asset (S2a)."""

    amount: Amount


class ShareTable(Table, frozen=True, kw_only=True):
    """Capital as a share of the account's holding of the asset (S2a)."""

    share: Share


CapitalTable = AmountTable | ShareTable
NO_CAPITAL = AmountTable(amount=ZERO)
"""What a perpetual has of its base: it is opened with quote alone."""


class FeesTable(Table, frozen=True, kw_only=True):
    """The login's fees in bps; positive is paid, a rebate is negative (M1)."""

    maker_bps: FeeBps
    taker_bps: FeeBps


class AbsoluteBandTable(Table, frozen=True, kw_only=True):
    """The prices between which orders may rest (S3)."""

    low: Positive
    high: Positive

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse an empty band."""
        if self.low >= self.high:
            yield Contradiction(allowed="low below high")


class BpsBandTable(Table, frozen=True, kw_only=True):
    """A price band of ± bps round the price at arming (S3)."""

    bps: Bps


class ReplaceTable(Table, frozen=True, kw_only=True):
    """When a resting order is replaced (C2).

    By default once it is off by more than a quarter of the half-spread or half of its size, or older than 10 minutes.
    """

    price_share: Ratio = Decimal("0.25")
    size_share: Ratio = Decimal("0.5")
    max_age_s: Annotated[int, whole(0, _DAY_S)] = 600


class ReplaceAllTable(Table, frozen=True, kw_only=True, tag_field="policy", tag="all"):
    """Replace every order in every tick, as the guide's loop does (S4): a baseline to compare with."""


class JoinTable(Table, frozen=True, kw_only=True, tag_field="placement", tag=Placement.JOIN.value):
    """Stand at the best price of others at the nearest (M8)."""


class ImproveTable(Table, frozen=True, kw_only=True, tag_field="placement", tag=Placement.IMPROVE.value):
    """Stand some ticks, by default one, nearer than the best price of others at the nearest (M8)."""

    ticks: _Ticks = 1


class BackOffTable(Table, frozen=True, kw_only=True, tag_field="placement", tag=Placement.BACK_OFF.value):
    """Stand some ticks, by default one, behind the best price of others at the nearest (M8)."""

    ticks: _Ticks = 1


class SizeSkewTable(Table, frozen=True, kw_only=True):
    """Buy less and sell more the more is held; by default a side is gone 0.2 off the middle of the band."""

    range_ratio: Share = Decimal("0.2")


class CarryTable(Table, frozen=True, kw_only=True):
    """The interest of what is held beyond its target (M7).

    By default a tenth of the volatility since it was opened, at most a quarter of the half-spread; after a day nothing
    is added to it.
    """

    interest: Factor = Decimal("0.1")
    max_shift_share: Share = Decimal("0.25")
    horizon_s: Annotated[int, whole(60, 30 * _DAY_S)] = _DAY_S


class BreakEvenTable(Table, frozen=True, kw_only=True):
    """Do not sell below cost (M2); by default for a day and down to a loss of 5 %, without averaging (M3)."""

    max_age_s: Annotated[int, whole(60, 30 * _DAY_S)] = _DAY_S
    max_loss_share: Share = Decimal("0.05")
    averages: bool = False


class FallStopTable(Table, frozen=True, kw_only=True):
    """Sell a part of the base after a fall, by default half of it 5 % below its average cost (S9)."""

    fall: Share = Decimal("0.05")
    basis: CostBasis = CostBasis.AVERAGE_COST
    share: Share = Decimal("0.5")


class LossStopTable(Table, frozen=True, kw_only=True):
    """Close the position at a loss that is not realised, in quote currency (P5)."""

    loss_quote: Positive


class PerpetualTable(Table, frozen=True, kw_only=True):
    """How a perpetual is held (S17), by default with up to twice the market's equity.

    `leverage` is what the venue is told, `max_exposure` what position and resting orders may reach.
    """

    leverage: Annotated[int, whole(1, 125)] = 2
    margin_mode: MarginMode = MarginMode.CROSS
    max_exposure: Annotated[Decimal, above(0, 125)] = TWO
    min_liquidation_distance: Share = Decimal("0.1")

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse an exposure that the venue would not lend for: it would reject the orders."""
        if self.leverage < self.max_exposure:
            allowed = f"a leverage of max_exposure ({plain(self.max_exposure)}) or more, or a lower max_exposure"
            yield Contradiction(key="leverage", value=str(self.leverage), allowed=allowed)


class RunGuardTable(Table, frozen=True, kw_only=True):
    """Pause a side, or stand wider with `widen`, by default once 5 of its orders filled within a minute (R32)."""

    orders: Annotated[int, whole(2, MAX_RUN)] = 5
    within_s: Annotated[int, whole(1, _DAY_S)] = 60
    widen: Annotated[Decimal, above(1, 10)] | None = None


class Preset(StrEnum):
    """Settings by one name; what they are stands in `presets`."""

    NAIVE = "naive"
    REFEREE = "referee"
    NEUTRAL = "neutral"
    BALANCED = "balanced"
    AGGRESSIVE = "aggressive"
    CONSERVATIVE = "conservative"


class MarketTable(Table, frozen=True, kw_only=True):
    """One symbol with its capital and settings.

    A preset stands beneath what the table says itself. On spot `capital_base` is required; a perpetual has none, and is
    held as `perpetual` says.

    By default the fair price is the book's middle, the opening cost the first fair price, a book that has not changed
    for 30 s is stale, and orders are post-only: where the venue has no such orders, `post_only = false` allows them to
    take (R20). A fair price from elsewhere may be 100 bps off that middle, a depth-weighted one looks at 3 levels.
    Statistics older than 15 minutes are not used; then the price is taken to move by 60 % a year (R36). Only where no
    money can be lost may a market do without the floors under its half-spread, or replace every order in every tick.
    """

    symbol: SymbolText
    number: Annotated[int, whole(0, MAX_MARKET_NUMBER)]
    preset: Preset | None = None
    capital_base: CapitalTable | None = None
    capital_quote: CapitalTable
    opening_cost_quote: Positive | None = None
    fees: FeesTable
    fair_price: FairPriceModel = FairPriceModel.MID
    depth_levels: Annotated[int, whole(1, BOOK_LEVELS)] = 3
    reference: ReferenceTable | None = None
    implied: ImpliedTable | None = None
    triangle: TriangleTable | None = None
    max_deviation_bps: Bps = Decimal(100)
    half_spread: HalfSpreadTable
    assumed_volatility: Factor = Decimal("0.6")
    max_statistics_age_s: Annotated[int, whole(60, _DAY_S)] = 900
    order_size_base: Positive
    max_order_size_base: Positive | None = None
    ladder: LadderTable = msgspec.field(default_factory=LadderTable)
    touch: JoinTable | ImproveTable | BackOffTable | None = None
    inventory: InventoryTable = msgspec.field(default_factory=ShiftTable)
    size_skew: SizeSkewTable | None = None
    carry: CarryTable | None = None
    break_even: BreakEvenTable | None = None
    run_guard: RunGuardTable | None = None
    stop_loss: FallStopTable | LossStopTable | None = None
    take_profit_quote: Positive | None = None
    max_exit_slippage_bps: Bps = Decimal(100)
    cool_down_s: Annotated[int, whole(1, _DAY_S)] = 300
    perpetual: PerpetualTable | None = None
    price_band: AbsoluteBandTable | BpsBandTable
    max_notional_quote: Positive | None = None
    max_volatility: Factor | None = None
    min_day_volume_quote: Positive | None = None
    events: tuple[EventTable, ...] = ()
    floors: bool = True
    replace: ReplaceTable | ReplaceAllTable = msgspec.field(default_factory=ReplaceTable)
    max_book_age_s: Annotated[int, whole(1, 3_600)] = 30
    post_only: bool = True

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse a market without any capital, and models without what they are made of."""
        if NO_CAPITAL == self.capital_base == self.capital_quote:
            yield Contradiction(
                key="capital_quote", value="0 beside a capital_base of 0", allowed="capital in at least one of them"
            )
        needed = {FairPriceModel.REFERENCE: self.reference, FairPriceModel.IMPLIED: self.implied}
        if needed.get(self.fair_price, self) is None:
            allowed = f'it is required by fair_price = "{self.fair_price}"'
            yield Contradiction(key=self.fair_price, value="a missing key", allowed=allowed)
        if self.reference is not None:
            yield from self._unlike(self.reference)
        if self.implied is not None and self.implied.through in self.assets:
            allowed = f"an asset other than the market's own, {' and '.join(self.assets)}"
            yield Contradiction(key="implied.through", value=self.implied.through, allowed=allowed)
        most = self.max_order_size_base
        if most is not None and most < self.order_size_base:
            allowed = f"order_size_base ({plain(self.order_size_base)}) or more"
            yield Contradiction(key="max_order_size_base", value=plain(most), allowed=allowed)
        if self.triangle is not None and self.implied is None:
            yield Contradiction(key="implied", value="a missing key", allowed="it is required by triangle")
        if isinstance(self.inventory, ReservationTable) and not isinstance(
            self.half_spread, AvellanedaStoikovTable | GlftTable
        ):
            allowed = (
                'another policy, or a half_spread of model "avellaneda_stoikov" or "glft": no other has such a price'
            )
            yield Contradiction(key="inventory.policy", value='"reservation"', allowed=allowed)

    @property
    def baseline_key(self) -> str | None:
        """The key that makes it a baseline to compare with, which must never quote real money."""
        if isinstance(self.replace, ReplaceAllTable):
            return "replace"
        return None if self.floors else "floors"

    @property
    def kind(self) -> MarketKind:
        """Whether it is a spot market or a perpetual, by its symbol."""
        return MarketKind.of(self.symbol)

    @property
    def assets(self) -> tuple[str, str]:
        """Its base and its quote."""
        return base_and_quote(self.symbol)

    def _unlike(self, reference: ReferenceTable) -> Iterator[Contradiction]:
        """Refuse a reference for another asset, or in a currency that nothing or something else converts."""
        base, quote = self.assets
        other_base, other_quote = base_and_quote(reference.symbol)
        converting = (f"{other_quote}/{quote}", f"{quote}/{other_quote}")
        if other_base != base:
            yield Contradiction(key="reference.symbol", value=reference.symbol, allowed=f"a price of {base}")
        elif other_quote == quote and reference.convert is not None:
            allowed = f"no conversion: both prices are in {quote}"
            yield Contradiction(key="reference.convert", value=reference.convert, allowed=allowed)
        elif other_quote != quote and reference.convert not in converting:
            value = "a missing key" if reference.convert is None else reference.convert
            allowed = f"{converting[0]} or {converting[1]}: the market is quoted in {quote}"
            yield Contradiction(key="reference.convert", value=value, allowed=allowed)
