"""Cancel what is ours round after round, whatever the venue answers, and count the reads that show nothing of it.

Where the open orders cannot be listed, what the state knows of goes blind, by the venue's own ids. What the venue
refuses for too many requests is sent again as soon as it allows, and nothing sooner (R10, R34).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from marketmaker.domain.orders import Order
from marketmaker.domain.units import Symbol, VenueOrderId
from marketmaker.errors import Fatal, MarketMakerError
from marketmaker.ports import CancelResult, Deadline
from marketmaker.usecases.desk import Desk

EMPTY_READS = 2
POLL_MS = 200
MOST_WAIT_MS = 2_000
"""After a round that left something the next waits twice as long as before, at most this: lists cost weight."""


@dataclass(slots=True, kw_only=True)
class Sweeper:
    """Sweeps an account, or one market of it; foreign orders are not touched (R4).

    `own_left` is None while nobody knows it. `refused` says that the venue refuses the account itself: no further
    sweep will help. `emptied_ms` is when the last of two empty reads in a row was made.
    """

    desk: Desk
    deadline: Deadline
    symbol: Symbol | None = None
    cancelled: int = 0
    own_left: int | None = None
    foreign: int | None = None
    empty_reads: int = 0
    emptied_ms: int | None = None
    refused: bool = False
    problems: list[str] = field(default_factory=list)
    _suspects: dict[tuple[Symbol, VenueOrderId], Order] | None = None
    _not_before_ms: int = 0
    _wait_ms: int = POLL_MS

    @property
    def is_empty(self) -> bool:
        """Tell whether enough reads in a row showed nothing of ours."""
        return self.empty_reads >= EMPTY_READS

    @property
    def is_due(self) -> bool:
        """Tell whether something of ours may rest that can be tried again now."""
        return self.own_left != 0 and self.desk.clock.now_ms() >= self._not_before_ms

    def note(self, problem: str) -> None:
        """Remember a problem once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def start_counting(self) -> None:
        """Forget the empty reads so far: what was still on the wire may have come after them."""
        self.empty_reads = 0

    def sweep(self) -> bool:
        """Cancel every own open order; False if it is too soon, or none could be listed and none was known."""
        if self.desk.clock.now_ms() < self._not_before_ms:
            return False
        try:
            open_orders = self.desk.venue.open_orders(self.deadline)
        except MarketMakerError as error:
            self.note(f"open orders could not be read: {error}")
            self.refused = isinstance(error, Fatal)
            self.own_left, self.empty_reads, self.emptied_ms = None, 0, None
            return not self.refused and self._sweep_blind()
        ours = self.desk.own(open_orders)
        own = self._wanted(ours)
        self._suspects = {(each.symbol, each.venue_id): each for each in own}
        self.own_left, self.foreign = len(own), len(open_orders) - len(ours)
        self._count(is_empty=not own)
        if own:
            self._cancel(own)
            self.own_left = len(self._suspects)
        self._wait(is_clean=not self.own_left)
        return True

    def pause(self) -> None:
        """Wait until the next sweep makes sense or the time is over; never long, for the flag may be to be set."""
        now_ms = self.desk.clock.now_ms()
        wait_ms = min(self._not_before_ms - now_ms, self.deadline.remaining_ms(), MOST_WAIT_MS)
        if wait_ms > 0:
            self.desk.clock.sleep(wait_ms / 1000)

    def _sweep_blind(self) -> bool:
        """Cancel what we know of; a cancel may pass where a list may not."""
        if self._suspects is None:
            self._suspects = self._known_to_state()
        suspects = list((self._suspects or {}).values())
        if suspects:
            self._cancel(suspects)
        self._wait(is_clean=False)
        return bool(suspects)

    def _known_to_state(self) -> dict[tuple[Symbol, VenueOrderId], Order] | None:
        try:
            markets = self.desk.store.read_account(self.desk.settings.name).markets
        except MarketMakerError as error:
            self.note(f"no order could be looked up in the state: {error}")
            return None
        working = [each for market in markets.values() for each in market.working]
        own = self._wanted(self.desk.own(working))
        return {(each.symbol, each.venue_id): each for each in own}

    def _wanted(self, own: Sequence[Order]) -> Sequence[Order]:
        """Leave out other markets by the number in an order's id: until metadata is loaded its symbol is not ours."""
        if self.symbol is None:
            return own
        number = self.desk.settings.market(self.symbol).number
        identities = [(each, self.desk.identity_of(each)) for each in own]
        return [each for each, identity in identities if identity is not None and identity.market_number == number]

    def _count(self, *, is_empty: bool) -> None:
        self.empty_reads = self.empty_reads + 1 if is_empty else 0
        self.emptied_ms = self.desk.clock.now_ms() if self.is_empty else None

    def _wait(self, *, is_clean: bool) -> None:
        """Let nothing be sent too soon after a round, and nothing at all before the venue allows it."""
        if is_clean and self.empty_reads:
            self._not_before_ms, self._wait_ms = 0, POLL_MS
            return
        now_ms = self.desk.clock.now_ms()
        self._not_before_ms = max(now_ms + self._wait_ms, self.desk.venue.rate_limit().blocked_until_ms)
        self._wait_ms = POLL_MS if is_clean else min(2 * self._wait_ms, MOST_WAIT_MS)

    def _cancel(self, orders: Sequence[Order]) -> None:
        """Cancel in one round; what is certainly gone is no suspect any more."""
        suspects = self._suspects or {}
        try:
            outcomes = self.desk.venue.cancel(orders, self.deadline)
        except MarketMakerError as error:
            self.note(f"orders could not be cancelled: {error}")
            return
        for outcome in outcomes:
            order = outcome.order
            if outcome.result is CancelResult.FAILED:
                self.note(f"order {order.venue_id} could not be cancelled: {outcome.reason}")
                continue
            self.cancelled += outcome.result is CancelResult.CANCELLED
            suspects.pop((order.symbol, order.venue_id), None)
