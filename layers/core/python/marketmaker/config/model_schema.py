"""What a market's table may say about its models: fair price from other books, half-spread, inventory policy."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from marketmaker.config.ranges import (
    Amount,
    AssetText,
    Bps,
    Factor,
    Positive,
    Ratio,
    Share,
    SpotSymbolText,
    from_to,
    whole,
)
from marketmaker.config.tables import Contradiction, Table
from marketmaker.domain.models import Distribution, InventoryPolicy, Ramp, SkewEffect, SpreadModel
from marketmaker.domain.units import ONE, ZERO, plain

_BookAge = Annotated[int, whole(1, 3_600)]
_MIN_RATE, _MAX_RATE = Decimal("0.98"), Decimal("1.02")


class PublicVenue(StrEnum):
    """The venues whose public books may be read beside an account's own."""

    BINANCE = "binance"
    BINANCE_US = "binanceus"


class ReferenceTable(Table, frozen=True, kw_only=True):
    """A fair price from another venue or pair (M5); by default at the account's own venue.

    A quote currency that is not the market's own is converted by the book of `convert` at the same venue, where a rate
    outside 0.98 to 1.02 makes the price unusable by default. So does a book that has not changed for 10 s.
    """

    venue: PublicVenue | None = None
    symbol: SpotSymbolText
    convert: SpotSymbolText | None = None
    min_rate: Positive = _MIN_RATE
    max_rate: Positive = _MAX_RATE
    max_age_s: _BookAge = 10

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse an empty range of rates, and one that nothing is held to."""
        if self.min_rate >= self.max_rate:
            yield Contradiction(allowed=f"min_rate ({plain(self.min_rate)}) below max_rate ({plain(self.max_rate)})")
        if self.convert is None:
            for key, rate, default in (("min_rate", self.min_rate, _MIN_RATE), ("max_rate", self.max_rate, _MAX_RATE)):
                if rate != default:
                    yield Contradiction(key=key, value=plain(rate), allowed="only beside convert, the book of the rate")


class ImpliedTable(Table, frozen=True, kw_only=True):
    """A fair price through a third asset at the account's own venue (S15): PAXG/BTC times BTC/USDT.

    By default a book that has not changed for 10 s makes it unusable.
    """

    through: AssetText
    max_age_s: _BookAge = 10


class TriangleTable(Table, frozen=True, kw_only=True):
    """Tell of an edge round the triangle of `implied` (S15), by default of 5 bps after fees that earn 1 at least."""

    min_edge_bps: Bps = Decimal(5)
    min_profit_quote: Amount = ONE


class QuoteDistanceTable(Table, frozen=True, kw_only=True):
    """A half-spread in quote currency (S1)."""

    quote: Positive


class BpsDistanceTable(Table, frozen=True, kw_only=True):
    """A half-spread in bps of the fair price."""

    bps: Bps


DistanceTable = QuoteDistanceTable | BpsDistanceTable


class SigmaOptimalTable(Table, frozen=True, kw_only=True, tag_field="model", tag=SpreadModel.SIGMA_OPTIMAL.value):
    """The distance with the largest d · P(|move| > d), times `multiple`; by default of the measured moves (M6)."""

    distribution: Distribution = Distribution.MEASURED
    multiple: Factor = ONE


class AvellanedaStoikovTable(
    Table, frozen=True, kw_only=True, tag_field="model", tag=SpreadModel.AVELLANEDA_STOIKOV.value
):
    """Avellaneda & Stoikov; by default over a rolling minute, with the measured decay."""

    gamma: Positive
    horizon_s: Annotated[int, whole(1, 86_400)] = 60
    decay: Positive | None = None


class GlftTable(Table, frozen=True, kw_only=True, tag_field="model", tag=SpreadModel.GLFT.value):
    """Guéant, Lehalle & Fernandez-Tapia; by default with the measured intensity and decay."""

    gamma: Positive
    intensity: Positive | None = None
    decay: Positive | None = None


class RegimeTable(Table, frozen=True, kw_only=True, tag_field="model", tag=SpreadModel.REGIME.value):
    """Narrow or wide by volatility; by default half as much again where it pays, half where it does not (M4)."""

    narrow: DistanceTable
    wide: DistanceTable
    larger: Annotated[Decimal, from_to(1, 10)] = Decimal("1.5")
    smaller: Share = Decimal("0.5")
    compact: Share = Decimal("0.5")

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse a wide half-spread that is none."""
        pair: Any = (self.narrow, self.wide)
        match pair:
            case (QuoteDistanceTable(quote=narrow), QuoteDistanceTable(quote=wide)) if narrow >= wide:
                unit = "quote"
            case (BpsDistanceTable(bps=narrow), BpsDistanceTable(bps=wide)) if narrow >= wide:
                unit = "bps"
            case _:
                return
        allowed = f"more than the {plain(narrow)} {unit} of narrow"
        yield Contradiction(key=f"wide.{unit}", value=plain(wide), allowed=allowed)


HalfSpreadTable = (
    QuoteDistanceTable | BpsDistanceTable | SigmaOptimalTable | AvellanedaStoikovTable | GlftTable | RegimeTable
)


class _InventoryTable(Table, frozen=True, kw_only=True):
    """The band of base value over market value; by default the guide's 20 to 50 % (S2)."""

    min_ratio: Ratio = Decimal("0.2")
    max_ratio: Ratio = Decimal("0.5")

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse an empty band."""
        if self.min_ratio >= self.max_ratio:
            yield Contradiction(
                allowed=f"min_ratio ({plain(self.min_ratio)}) below max_ratio ({plain(self.max_ratio)})"
            )


class ShiftTable(_InventoryTable, frozen=True, kw_only=True, tag_field="policy", tag=InventoryPolicy.SHIFT.value):
    """Move both quotes; by default up to half a half-spread, reached 0.1 beyond the band (S2)."""

    max_shift_share: Share = Decimal("0.5")
    ramp_ratio: Share = Decimal("0.1")


class BidOnlyTable(_InventoryTable, frozen=True, kw_only=True, tag_field="policy", tag=InventoryPolicy.BID_ONLY.value):
    """Another half-spread for the bid outside the band (S2)."""

    half_spread_below: DistanceTable
    half_spread_above: DistanceTable


class BothSidesTable(
    _InventoryTable, frozen=True, kw_only=True, tag_field="policy", tag=InventoryPolicy.BOTH_SIDES.value
):
    """Another half-spread on both sides outside the band (S2)."""

    half_spread_below: DistanceTable
    half_spread_above: DistanceTable


class PositionTable(_InventoryTable, frozen=True, kw_only=True, tag_field="policy", tag=InventoryPolicy.POSITION.value):
    """Skew by the position beyond a target, within a limit (P3, P4); both target and limit are sizes, long or short.

    By default the target is none, and both quotes move, linearly from the target on, by half a half-spread at the
    limit.
    """

    target_base: Amount = ZERO
    threshold_base: Amount = ZERO
    max_base: Positive
    skew: Ratio = Decimal("0.5")
    effect: SkewEffect = SkewEffect.SHIFT
    ramp: Ramp = Ramp.LINEAR

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse a skew that would begin beyond the limit."""
        yield from _InventoryTable.contradictions(self)
        begins = self.target_base + self.threshold_base
        if begins >= self.max_base:
            allowed = f"more than target_base and threshold_base together ({plain(begins)})"
            yield Contradiction(key="max_base", value=plain(self.max_base), allowed=allowed)


class ReservationTable(
    _InventoryTable, frozen=True, kw_only=True, tag_field="policy", tag=InventoryPolicy.RESERVATION.value
):
    """Quote round the spread model's reservation price, by default at most half a half-spread off the fair price."""

    max_shift_share: Share = Decimal("0.5")


InventoryTable = ShiftTable | BidOnlyTable | BothSidesTable | PositionTable | ReservationTable
