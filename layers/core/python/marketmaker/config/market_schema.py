"""What a deployment file may say about one market: its capital, its limits, and its models in `model_schema`."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

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
    from_to,
    whole,
)
from marketmaker.config.tables import Contradiction, Table
from marketmaker.domain.models import CostBasis, FairPriceModel, Placement
from marketmaker.domain.orders import EXIT_LEVEL, MAX_MARKET_NUMBER
from marketmaker.domain.pricing import BOOK_LEVELS
from marketmaker.domain.runs import MAX_RUN
from marketmaker.domain.units import ONE, ZERO, plain

MAX_LEVELS = EXIT_LEVEL
"""Levels a side: as many as the client order ids of every venue can tell apart beside that of exits."""
_Ticks = Annotated[int, whole(1, 1_000)]
_DAY_S = 86_400


class AmountTable(Table, frozen=True, kw_only=True):
    """Capital as a fixed amount of the asset (S2a)."""

    amount: Amount


class ShareTable(Table, frozen=True, kw_only=True):
    """Capital as a share of the account's holding of the asset (S2a)."""

    share: Share


CapitalTable = AmountTable | ShareTable


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


class LinearSpacingTable(Table, frozen=True, kw_only=True):
    """Levels at 1, 1 + linear, 1 + 2 · linear ... half-spreads (P1)."""

    linear: Annotated[Decimal, above(0, 100)]


class GeometricSpacingTable(Table, frozen=True, kw_only=True):
    """Levels at 1, geometric, geometric² ... half-spreads."""

    geometric: Annotated[Decimal, above(1, 10)]


class ExplicitSpacingTable(Table, frozen=True, kw_only=True):
    """Levels at these half-spreads, the nearest at 1."""

    explicit: tuple[Annotated[Decimal, above(0, 1_000)], ...]

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse levels out of order, and a nearest one that does not stand at the half-spread."""
        if self.explicit[0] != ONE or list(self.explicit) != sorted(set(self.explicit)):
            yield Contradiction(key="explicit", value=_list(self.explicit), allowed="1 first, then each above the last")


class LinearSizesTable(Table, frozen=True, kw_only=True):
    """Levels of 1, 1 + linear, 1 + 2 · linear ... order sizes; 0 gives every level the same."""

    linear: Annotated[Decimal, from_to(0, 10)]


class GeometricSizesTable(Table, frozen=True, kw_only=True):
    """Levels of 1, geometric, geometric² ... order sizes; below 1 they shrink with the distance."""

    geometric: Factor


class ExplicitSizesTable(Table, frozen=True, kw_only=True):
    """Levels of these order sizes, nearest first."""

    explicit: tuple[Annotated[Decimal, above(0, 1_000)], ...]


class LadderTable(Table, frozen=True, kw_only=True):
    """The levels of a side (P1); by default one, and more of them a half-spread apart and of one size."""

    levels: Annotated[int, whole(1, MAX_LEVELS)] = 1
    spacing: LinearSpacingTable | GeometricSpacingTable | ExplicitSpacingTable = LinearSpacingTable(linear=ONE)
    sizes: LinearSizesTable | GeometricSizesTable | ExplicitSizesTable = LinearSizesTable(linear=ZERO)

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse lists of another length than the ladder's."""
        for key, table in (("spacing", self.spacing), ("sizes", self.sizes)):
            if isinstance(table, ExplicitSpacingTable | ExplicitSizesTable) and len(table.explicit) != self.levels:
                allowed = f"as many as levels ({self.levels})"
                yield Contradiction(key=f"{key}.explicit", value=_list(table.explicit), allowed=allowed)


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


class RunGuardTable(Table, frozen=True, kw_only=True):
    """Pause a side, or stand wider with `widen`, by default once 5 of its orders filled within a minute (R32)."""

    orders: Annotated[int, whole(2, MAX_RUN)] = 5
    within_s: Annotated[int, whole(1, _DAY_S)] = 60
    widen: Annotated[Decimal, above(1, 10)] | None = None


class Preset(StrEnum):
    """Settings by one name; what they are stands in `presets`."""

    NAIVE = "naive"
    REFEREE = "referee"


class MarketTable(Table, frozen=True, kw_only=True):
    """One symbol with its capital and settings.

    A preset stands beneath what the table says itself.

    By default the fair price is the book's middle, the opening cost the first fair price, a book that has not changed
    for 30 s is stale, and orders are post-only: where the venue has no such orders, `post_only = false` allows them to
    take (R20). A fair price from elsewhere may be 100 bps off that middle, a depth-weighted one looks at 3 levels.
    Statistics older than 15 minutes are not used; then the price is taken to move by 60 % a year (R36). Only where no
    money can be lost may a market do without the floors under its half-spread, or replace every order in every tick.
    """

    symbol: SymbolText
    number: Annotated[int, whole(0, MAX_MARKET_NUMBER)]
    preset: Preset | None = None
    capital_base: CapitalTable
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
    price_band: AbsoluteBandTable | BpsBandTable
    floors: bool = True
    replace: ReplaceTable | ReplaceAllTable = msgspec.field(default_factory=ReplaceTable)
    max_book_age_s: Annotated[int, whole(1, 3_600)] = 30
    post_only: bool = True

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse a market without any capital, and models without what they are made of."""
        if AmountTable(amount=ZERO) == self.capital_base == self.capital_quote:
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
    def assets(self) -> Sequence[str]:
        """Its base and its quote."""
        return self.symbol.split("/")

    def _unlike(self, reference: ReferenceTable) -> Iterator[Contradiction]:
        """Refuse a reference for another asset, or in a currency that nothing or something else converts."""
        base, quote = self.assets
        other_base, other_quote = reference.symbol.split("/")
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


def _list(values: Sequence[Decimal]) -> str:
    return f"[{', '.join(map(plain, values))}]"
