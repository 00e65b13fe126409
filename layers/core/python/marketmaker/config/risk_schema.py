"""What a deployment file may say of an account's limits, and of what is done when one breaks."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated

from marketmaker.config.ranges import AssetText, Factor, MomentText, Positive, Share, moment_ms, whole
from marketmaker.config.tables import Contradiction, Table
from marketmaker.domain.accounts import BreachResponse, RiskSettings
from marketmaker.domain.markets import Event
from marketmaker.domain.units import ONE, Asset, plain

_SHRINKABLE = ("inventory_band", "notional", "liquidation")
"""Limits that say how much of a market may be held."""
_PRICELESS = ("stale_data", "ledger_difference", "venue_errors", "taker_share", "fee_tier")
"""Limits whose breach leaves no price to trade at, or that less holdings would not end."""

_NOTHING_RESTS = (
    (BreachResponse.CANCEL, BreachResponse.REDUCE, BreachResponse.CLOSE, BreachResponse.HALT),
    '"cancel" or "halt": nothing that adds risk may rest (S3)',
)
_MORE_WOULD_CANCEL = (
    (BreachResponse.ALERT, BreachResponse.QUOTE_LONGER),
    '"alert" or "quote_longer": anything more cancels what rests, or leaves a side out (C2)',
)
_ONLY = {
    "price_band": _NOTHING_RESTS,
    "stale_data": _NOTHING_RESTS,
    "open_orders": (
        (BreachResponse.ALERT, BreachResponse.HALT),
        '"alert" or "halt": once cancelled they are within their bound, and would be placed again',
    ),
    "cancel_ratio": _MORE_WOULD_CANCEL,
    "order_success": _MORE_WOULD_CANCEL,
}
"""Limits that may not be answered by every response, with why."""


class EventTable(Table, frozen=True, kw_only=True):
    """A time without quotes: a rate decision, a listing, a planned maintenance (S10)."""

    start: MomentText
    end: MomentText

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse a time that ends before it starts."""
        event = read_event(self)
        if event.end_ms <= event.start_ms:
            yield Contradiction(key="end", value=f'"{self.end}"', allowed=f"later than its start, {self.start}")


class RiskTable(Table, frozen=True, kw_only=True):
    """What check_risk allows an account and what it does when a limit breaks (S3, S12, S16, S17, R6, R11).

    By default 5 % below the peak equity halts, and so do resting orders above their bound, which only a defect makes.
    Prices outside their band, stale data, a ledger that differs and a day's loss cancel; too near a liquidation reduces
    the position; too much held pulls the side that adds; too much volatility widens; too many cancels or refusals let
    orders rest longer; the rest alerts. A bound that is not named is none.
    """

    price_band: BreachResponse = BreachResponse.CANCEL
    inventory_band: BreachResponse = BreachResponse.ALERT
    stale_data: BreachResponse = BreachResponse.CANCEL
    drawdown: BreachResponse = BreachResponse.HALT
    daily_loss: BreachResponse = BreachResponse.CANCEL
    notional: BreachResponse = BreachResponse.PULL_SIDE
    account_notional: BreachResponse = BreachResponse.PULL_SIDE
    portfolio_notional: BreachResponse = BreachResponse.PULL_SIDE
    open_orders: BreachResponse = BreachResponse.HALT
    liquidation: BreachResponse = BreachResponse.REDUCE
    volatility: BreachResponse = BreachResponse.WIDEN
    ledger_difference: BreachResponse = BreachResponse.CANCEL
    venue_errors: BreachResponse = BreachResponse.ALERT
    cancel_ratio: BreachResponse = BreachResponse.QUOTE_LONGER
    order_success: BreachResponse = BreachResponse.QUOTE_LONGER
    taker_share: BreachResponse = BreachResponse.ALERT
    fee_tier: BreachResponse = BreachResponse.ALERT
    max_drawdown_share: Share = Decimal("0.05")
    max_daily_loss_share: Share | None = None
    max_notional_quote: Mapping[AssetText, Positive] | None = None
    max_open_orders_quote: Mapping[AssetText, Positive] | None = None
    max_unreachable_ticks: Annotated[int, whole(1, 100_000)] = 12
    max_cancel_ratio: Share | None = None
    min_order_success: Share | None = None
    max_taker_share: Share | None = None
    max_fee_difference_bps: Positive = Decimal("0.5")
    widen: Factor = Decimal(2)
    patience: Factor = Decimal(2)

    def contradictions(self) -> Iterator[Contradiction]:
        """Refuse responses that let rest what must not, or that a limit cannot be answered by."""
        yield from self._out_of_bounds()
        for key in self._responses():
            response = getattr(self, key)
            if response is BreachResponse.REDUCE and key not in _SHRINKABLE:
                allowed = f"only of {', '.join(_SHRINKABLE)}: nothing else says how much may be held"
                yield Contradiction(key=key, value=response.value, allowed=allowed)
            if response is BreachResponse.CLOSE and key in _PRICELESS:
                allowed = "any but close: it says nothing against what is held, or leaves no price to trade at"
                yield Contradiction(key=key, value=response.value, allowed=allowed)
        for key in ("widen", "patience"):
            if (factor := getattr(self, key)) < ONE:
                yield Contradiction(key=key, value=plain(factor), allowed="1 or more: it multiplies")

    def _out_of_bounds(self) -> Iterator[Contradiction]:
        """Refuse what is too mild or too strong for a limit."""
        for key, (responses, allowed) in _ONLY.items():
            response = getattr(self, key)
            if response not in responses:
                yield Contradiction(key=key, value=response.value, allowed=allowed)

    def _responses(self) -> Iterator[str]:
        return (name for name in self.__struct_fields__ if isinstance(getattr(self, name), BreachResponse))


class PortfolioTable(Table, frozen=True, kw_only=True):
    """What all accounts of the deployment may hold together of each quote asset (S16)."""

    max_notional_quote: Mapping[AssetText, Positive]


def read_event(table: EventTable) -> Event:
    """Turn a checked table into a time without quotes."""
    return Event(start_ms=moment_ms(table.start) or 0, end_ms=moment_ms(table.end) or 0)


def read_risk(table: RiskTable) -> RiskSettings:
    """Turn a checked table into an account's limits."""
    values = {name: getattr(table, name) for name in table.__struct_fields__}
    for name in ("max_notional_quote", "max_open_orders_quote"):
        values[name] = {Asset(asset): bound for asset, bound in (values[name] or {}).items()}
    return RiskSettings(**values)
