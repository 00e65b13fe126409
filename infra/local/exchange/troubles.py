"""The faults of the venue itself, applied to its requests: what it shows, what it does, and its clock.

Every fault wraps the route's handler: it changes the listing that the handler sees, or answers in its place. Several
at once wrap each other, the first armed outermost.
"""

from dataclasses import replace
from typing import Any, assert_never

from infra.local.exchange import deeds
from infra.local.exchange.dialect import Dialect, Handler, Params
from infra.local.exchange.market import Answer, Market
from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Level
from marketmaker.simulation.faults import (
    ArmedFault,
    BookSide,
    CrossedBook,
    DelistingStage,
    DuplicatedFills,
    FaultPlan,
    FrozenBook,
    LaggingBalance,
    LateFills,
    OneSidedBook,
    ViewFault,
)
from marketmaker.simulation.matching import Depth
from marketmaker.simulation.orders import AccountTrade, OrderStatus

MAX_DEPTH = 5_000


class Troubles:
    """The plan's faults of one venue, and what a stale answer of it shows."""

    def __init__(self, plan: FaultPlan, dialect: Dialect[Any, Any]) -> None:
        self._plan = plan
        self._dialect = dialect
        self._frozen: Depth | None = None
        self._held: object | None = None

    def arm(self, armed: ArmedFault, listing: Market[Any]) -> None:
        """Switch a fault on; what it will show of this moment is kept."""
        if isinstance(armed.fault, FrozenBook):
            self._frozen = None
        if isinstance(armed.fault, LaggingBalance):
            self._held = listing.holdings()
        self._plan.arm(armed)

    def advance(self, listing: Market[Any], market_us: int) -> None:
        """Let the market go on up to a moment; that of a delisted symbol stands still, and its orders end with it."""
        engine, delisted = listing.engine, self._plan.delisting()
        if delisted is None:
            engine.advance(market_us)
            return
        for _missed in engine.feed.until(market_us):
            pass
        if delisted.stage is DelistingStage.REMOVED:
            for order in [order for side in Side for order in engine.account.open_orders(side)]:
                engine.account.close(order, OrderStatus.EXPIRED, market_us)

    def skew_us(self, route: str) -> int:
        """Return by how much the venue's clock is off for a request."""
        skew = self._plan.strike_clock(route)
        return 0 if skew is None else int(skew.offset_s * 1e6)

    def answer(self, route: str, handler: Handler, listing: Market[Any], params: Params, market_us: int) -> Answer:
        """Answer a request, as wrongly as the faults that it concerns want."""
        part = self._dialect.parts.get(route, route)
        struck = self._plan.strike_venue(
            route,
            lambda fault: isinstance(fault, ViewFault) or deeds.concerns(self._dialect, part, listing, params, fault),
        )
        for fault in reversed(struck):
            if isinstance(fault, ViewFault):
                handler = self._viewed(fault, handler)
            else:
                handler = deeds.troubled(self._dialect, fault, part, handler)
        return handler(listing, params, market_us)

    def _viewed(self, fault: ViewFault, handler: Handler) -> Handler:
        def answer(listing: Market[Any], params: Params, market_us: int) -> Answer:
            return handler(self._shown(fault, listing, market_us), _asked(fault, params), market_us)

        return answer

    def _shown(self, fault: ViewFault, listing: Market[Any], market_us: int) -> Market[Any]:
        match fault:
            case FrozenBook():
                if self._frozen is None:
                    self._frozen = listing.depth(MAX_DEPTH)
                return replace(listing, book=self._frozen)
            case CrossedBook():
                return replace(listing, book=_crossed(listing, fault))
            case OneSidedBook():
                depth = listing.depth(MAX_DEPTH)
                is_bids = fault.side is BookSide.BIDS
                return replace(listing, book=replace(depth, bids=()) if is_bids else replace(depth, asks=()))
            case LaggingBalance():
                return replace(listing, held=self._held)
            case LateFills():
                return replace(listing, trades=_listed_by_now(listing, fault, market_us))
            case DuplicatedFills():
                return replace(listing, trades=[trade for trade in listing.shown_trades for _ in range(2)])
            case _:
                assert_never(fault)


def _crossed(listing: Market[Any], fault: CrossedBook) -> Depth:
    depth = listing.depth(MAX_DEPTH)
    if not depth.bids or not depth.asks:
        return depth
    overlap = fault.overlap_ticks * listing.instrument.tick_size
    shift = depth.asks[0].price + overlap - depth.bids[0].price
    return replace(depth, bids=tuple(Level(price + shift, size) for price, size in depth.bids))


def _listed_by_now(listing: Market[Any], fault: LateFills, market_us: int) -> list[AccountTrade]:
    if fault.lag_s is None:
        return []
    until_ms = listing.clock.wall_ms(market_us) - int(fault.lag_s * 1000)
    return [trade for trade in listing.shown_trades if listing.clock.wall_ms(trade.time_us) <= until_ms]


def _asked(fault: ViewFault, params: Params) -> Params:
    """Let a page of duplicated fills begin one trade before the id that was asked for."""
    if not isinstance(fault, DuplicatedFills) or "fromId" not in params:
        return params
    return params.replaced("fromId", str(max(0, params.integer("fromId") - 1)))
