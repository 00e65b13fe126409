"""The stages between a fair price and the nearest quotes: each moves the draft of a market's two sides.

Read them in `STAGES`. A stage that its market does not use leaves the draft as it is, and no trace.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.break_even import break_even_price, holds_break_even, is_under_water
from marketmaker.domain.carry import carry_shift, funding_shift, is_too_old
from marketmaker.domain.markets import Instrument, MarketSettings
from marketmaker.domain.models import Placement, PositionSkew
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import MarketView, SkipReason, Stage
from marketmaker.domain.skew import Holding, skew
from marketmaker.domain.spreads import Width
from marketmaker.domain.units import ONE, TWO, ZERO, clamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the stages read: the market, what the spread model wants of it, and the volatility that is to be assumed.

    `sigma` is per square root of a second, `cadence_risk` in quote currency.
    """

    view: MarketView
    settings: MarketSettings
    instrument: Instrument
    holding: Holding
    width: Width
    sigma: float
    cadence_risk: Decimal
    now_ms: int

    @property
    def fair(self) -> Decimal:
        """The fair price."""
        return self.holding.fair

    def floor(self, centre: Decimal) -> Decimal:
        """Return the least distance of a quote: fee break-even and cadence risk, and one tick (R36)."""
        least = self.settings.fees.break_even_half_spread(centre) + self.cadence_risk
        return max(least, self.instrument.tick_size) if self.settings.has_floors else ZERO


class Draft:
    """The two sides while the stages work on them: where they stand, and each side's distance from the centre.

    `bid` and `ask` are the nearest prices. The levels behind them keep to `bid_half` and `ask_half`. `break_even` is
    the price that a side insists on, if it does.
    """

    __slots__ = ("ask", "ask_half", "bid", "bid_half", "break_even", "centre", "paused", "stages")

    def __init__(self, fair: Decimal, half_spread: Decimal) -> None:
        self.centre = fair
        self.bid_half = self.ask_half = half_spread
        self.bid, self.ask = fair - half_spread, fair + half_spread
        self.paused: dict[Side, SkipReason] = {}
        self.break_even: dict[Side, Decimal] = {}
        self.stages: list[Stage] = []

    def stand(self, centre: Decimal, bid_half: Decimal, ask_half: Decimal) -> None:
        """Stand at these distances from a centre."""
        self.centre, self.bid_half, self.ask_half = centre, bid_half, ask_half
        self.bid, self.ask = centre - bid_half, centre + ask_half

    def note(self, name: str) -> None:
        """Keep what the sides are now, for the decision's record."""
        self.stages.append(Stage(name=name, bid=self.bid, ask=self.ask))


def widen_to_floors(draft: Draft, context: Context) -> bool:
    """Widen to fee break-even, cadence risk and one tick: no quote is at a loss after its costs (R36)."""
    if not context.settings.has_floors:
        return False
    floor = context.floor(draft.centre)
    draft.stand(draft.centre, max(draft.bid_half, floor), max(draft.ask_half, floor))
    return True


def lean_on_inventory(draft: Draft, context: Context) -> bool:
    """Move the quotes by the inventory policy, with the interest of what is held too long beside it (S2, P3, M7)."""
    half = draft.bid_half
    by = skew(context.settings.inventory_band, context.holding, half, context.width.shift_per_base)
    centre = context.fair + clamp(by.shift + _carry(draft, context, half), -half, half)
    floor = context.floor(centre)
    draft.stand(centre, max(half + by.widen_bid, floor), max(half + by.widen_ask, floor))
    return True


def stand_back_from_a_run(draft: Draft, context: Context) -> bool:
    """Widen or pause the side whose orders were filled one after the other (R32)."""
    guard, run = context.settings.run_guard, context.view.run
    if guard is None or run is None or not run.is_active(guard, context.now_ms):
        return False
    if guard.widen is None:
        draft.paused[run.side] = SkipReason.RUN_OVER
    elif run.side is Side.BUY:
        draft.stand(draft.centre, draft.bid_half * guard.widen, draft.ask_half)
    else:
        draft.stand(draft.centre, draft.bid_half, draft.ask_half * guard.widen)
    return True


def be_cautious(draft: Draft, context: Context) -> bool:
    """Stand further away while a limit is broken, and leave out the side that adds to what is held (P4, S17).

    Where nothing is held either side adds to it.
    """
    caution = context.view.caution
    if caution.widen > ONE:
        draft.stand(draft.centre, draft.bid_half * caution.widen, draft.ask_half * caution.widen)
    if caution.pulls_adding:
        held = context.holding.base
        for side in Side:
            if not held or (side is Side.BUY) is (held > ZERO):
                draft.paused[side] = SkipReason.LIMIT_BROKEN
    return caution.rank > 0


def keep_to_the_touch(draft: Draft, context: Context) -> bool:
    """Join, improve or back off the best prices of others: only ever away from the fair price (M8)."""
    rule = context.settings.touch
    if rule is None:
        return False
    best_bid, best_ask = context.view.book.bids[0].price, context.view.book.asks[0].price
    lead = context.instrument.tick_size * rule.ticks
    if rule.placement is Placement.JOIN:
        lead = ZERO
    elif rule.placement is Placement.BACK_OFF:
        lead = -lead
    draft.bid, draft.ask = min(draft.bid, best_bid + lead), max(draft.ask, best_ask - lead)
    return True


def hold_break_even(draft: Draft, context: Context) -> bool:
    """Do not sell below cost or buy a short back above it, nor add to what is under water (M2, M3)."""
    settings, inventory = context.settings.break_even, context.view.inventory
    if settings is None or not inventory.base:
        return False
    is_long = inventory.base > ZERO
    adding = Side.BUY if is_long else Side.SELL
    if not (settings.averages or context.width.averages) and is_under_water(inventory, context.fair):
        draft.paused.setdefault(adding, SkipReason.UNDER_WATER)
    price = break_even_price(inventory, context.settings.fees)
    if price is not None and holds_break_even(settings, inventory, context.fair, context.now_ms):
        draft.break_even[adding.opposite] = price
        if is_long:
            draft.ask = max(draft.ask, price)
        else:
            draft.bid = min(draft.bid, price)
    return True


def keep_from_liquidation(draft: Draft, context: Context) -> bool:
    """Add nothing to a position that the venue would close before long (S17)."""
    held, distance = context.settings.perpetual, context.view.liquidation_distance
    if held is None or distance is None or distance >= held.min_liquidation_distance:
        return False
    draft.paused[Side.BUY if context.view.inventory.base > ZERO else Side.SELL] = SkipReason.NEAR_LIQUIDATION
    return True


STAGES: tuple[tuple[str, Callable[[Draft, Context], bool]], ...] = (
    ("floors", widen_to_floors),
    ("inventory", lean_on_inventory),
    ("run", stand_back_from_a_run),
    ("caution", be_cautious),
    ("touch", keep_to_the_touch),
    ("break_even", hold_break_even),
    ("liquidation", keep_from_liquidation),
)
"""In the order in which they work; each tells whether its market uses it."""


def draft_quotes(context: Context) -> Draft:
    """Start from the spread model's half-spread round the fair price and let every stage work."""
    draft = Draft(context.fair, context.width.half_spread)
    draft.note("half_spread")
    for name, work in STAGES:
        if work(draft, context):
            draft.note(name)
    return draft


def excess_share(settings: MarketSettings, holding: Holding) -> Decimal:
    """Tell how far the inventory is beyond its target, 1 at its limit; long is positive, at or below the target 0."""
    policy = settings.inventory_band
    if isinstance(policy, PositionSkew):
        beyond = abs(holding.base) - abs(policy.target_base)
        share = min(ONE, beyond / (policy.max_base - abs(policy.target_base))) if beyond > ZERO else ZERO
        return share if holding.base > ZERO else -share
    middle = (policy.min_ratio + policy.max_ratio) / TWO
    return clamp((holding.ratio - middle) / (policy.max_ratio - middle), ZERO, ONE)


def _carry(draft: Draft, context: Context, half_spread: Decimal) -> Decimal:
    """Return the shift for what is held beyond its target, and stop adding to it once it is too old (M7)."""
    carry, opened_ms = context.settings.carry, context.view.inventory.opened_ms
    if carry is None:
        return ZERO
    funding = funding_shift(carry, context.view.funding_rate, context.fair, half_spread)
    excess = ZERO if opened_ms is None else excess_share(context.settings, context.holding)
    if opened_ms is None or not excess:
        return funding
    age_ms = max(0, context.now_ms - opened_ms)
    if is_too_old(carry, excess, age_ms):
        draft.paused[Side.BUY if excess > ZERO else Side.SELL] = SkipReason.TOO_OLD
    return funding + carry_shift(
        carry, excess_share=excess, age_ms=age_ms, sigma=context.sigma, fair=context.fair, half_spread=half_spread
    )
