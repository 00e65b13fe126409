"""What survives between ticks: the account's control, and each market's inventory, cursor and working orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import IntEnum
from types import MappingProxyType

from marketmaker.domain.caution import NO_CAUTION, Caution
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.exits import NO_EXIT, ExitState
from marketmaker.domain.inventory import Inventory
from marketmaker.domain.metering import Meter
from marketmaker.domain.orders import NewOrder, Order
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.units import AccountName, Asset, Symbol


class Mode(IntEnum):
    """What an account may do, weakest first; anyone may strengthen it, only its owner weakens it."""

    QUOTING = 0
    REDUCE_ONLY = 1
    CANCEL_ONLY = 2
    HALTED = 3

    @property
    def label(self) -> str:
        """The mode as people write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to create orders in one account, until `expires_ms`."""

    owner: str
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMark:
    """The venue's last update id of a book, and when we first saw it."""

    update_id: int
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What every tick writes back when it gives the lease back; `Control` says what each means.

    A venue that did not block it leaves what others learnt of blocks as it is, and so does a tick that counted nothing
    the meters.
    """

    book_marks: Mapping[Symbol, BookMark]
    differing: Mapping[Asset, int]
    unreachable_ticks: int
    blocked_until_ms: int = 0
    is_banned: bool = False
    meters: Mapping[Symbol, Meter] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """The most that may be done, how what may still be done changes, why, and since when."""

    mode: Mode
    reason: str
    since_ms: int
    caution: Caution = NO_CAUTION

    def exceeds(self, other: "Restriction | None") -> bool:
        """Tell whether this is stronger than what is in force, None if nothing is."""
        return other is None or (self.mode, self.caution.rank) > (other.mode, other.caution.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveSettings:
    """The settings that were applied last: from the next tick on, over the deployed file `base` and no other (R28).

    `previous` stays in force where `version` cannot be used. A version that is its own base is the deployed file again.
    """

    version: str
    base: str
    previous: str
    since_ms: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """An account's control item: mode and epoch, lease and last claimed slot, and what each tick refreshes.

    `restrictions` stop single markets: check_risk alone sets and lifts them; the account's `mode` is the operator's to
    lift, and so are `stops`, each of one market: a lifted one stays, as quoting, with who lifted it. Any change of
    these is a new epoch. `peaks` is the best equity of each quote asset, `days` the first of the
    newest UTC day, both kept by check_risk.
    `foreign` is what the account held beyond its markets' capital when they opened; `differing` counts the ticks in a
    row in which an asset's balance was not explained by the ledger, `unreachable_ticks` those in which the venue could
    not be read. `taken_over_from` is the owner of the expired lease that the last claim found: its tick ended half-way.
    Until `blocked_until_ms` the venue wants to be left alone, while `is_banned` even by cancels (R10). `deployed` is
    the hash of the file that the ticks were deployed with, None before the first; `settings` what was applied over one.
    `armed_ms` is when a standby took over, 0 before (S13). `meters` are the running hours of the markets (S8).
    """

    account: AccountName
    mode: Mode = Mode.QUOTING
    epoch: int = 0
    mode_reason: str = ""
    mode_since_ms: int = 0
    last_slot_ms: int = 0
    lease: Lease | None = None
    taken_over_from: str | None = None
    book_marks: Mapping[Symbol, BookMark] = field(default_factory=lambda: MappingProxyType({}))
    foreign: Mapping[Asset, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    differing: Mapping[Asset, int] = field(default_factory=lambda: MappingProxyType({}))
    unreachable_ticks: int = 0
    blocked_until_ms: int = 0
    is_banned: bool = False
    restrictions: Mapping[Symbol, Restriction] = field(default_factory=lambda: MappingProxyType({}))
    armed_ms: int = 0
    stops: Mapping[Symbol, Restriction] = field(default_factory=lambda: MappingProxyType({}))
    peaks: Mapping[Asset, Equity] = field(default_factory=lambda: MappingProxyType({}))
    days: Mapping[Asset, DayStart] = field(default_factory=lambda: MappingProxyType({}))
    deployed: str | None = None
    settings: ActiveSettings | None = None
    meters: Mapping[Symbol, Meter] = field(default_factory=lambda: MappingProxyType({}))

    def applied_over(self, deployed: str) -> tuple[str, ...]:
        """Return the versions to use beside a deployed file, best first; none where the file itself rules (R28)."""
        active = self.settings
        if active is None or active.base != deployed or active.version == deployed:
            return ()
        return (active.version,) if active.previous in {deployed, active.version} else (active.version, active.previous)

    def mode_of(self, symbol: Symbol) -> Mode:
        """Return what may be done in a market: the account's mode, or its own restriction where that is stronger."""
        return self.limit_of(symbol).mode

    def limit_of(self, symbol: Symbol) -> Restriction:
        """Return the strongest of the account's mode, the operator's stop and the market's restriction."""
        limit = Restriction(mode=self.mode, reason=self.mode_reason, since_ms=self.mode_since_ms)
        for own in (self.stops.get(symbol), self.restrictions.get(symbol)):
            if own is not None and own.mode > limit.mode:
                limit = own
        return limit

    def caution_in(self, symbol: Symbol) -> Caution:
        """Return how a market's quotes are changed."""
        own = self.restrictions.get(symbol)
        return NO_CAUTION if own is None else own.caution

    def may_create(self, epoch: int, owner: str, now_ms: int) -> bool:
        """Tell whether a lease's owner may still create orders under the epoch that it read at its claim (R5, R25).

        What it may create under that epoch was decided by the mode of then: exits alone where that is reduce_only.
        """
        is_owner = self.lease is not None and self.lease.owner == owner and self.lease.expires_ms > now_ms
        return is_owner and self.mode <= Mode.REDUCE_ONLY and self.epoch == epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeCursor:
    """How far trades are booked: they are read from `reread_id`, so that one listed late is still found (R15).

    `next_id` follows the newest trade of the moment `reread_since_ms` at which `reread_id` last moved. It is where
    `reread_id` goes next, after at least the overlap: what was listed within the overlap is always read again.
    """

    next_id: int = 0
    reread_id: int = 0
    reread_since_ms: int = 0
    read_ms: int = 0

    def after(self, newest_id: int | None, now_ms: int, overlap_ms: int) -> "TradeCursor":
        """Note a read; once `overlap_ms` have passed, move to the newest trade of then and note that of now."""
        if now_ms - self.reread_since_ms < overlap_ms:
            return replace(self, read_ms=now_ms)
        next_id = self.next_id if newest_id is None else max(self.next_id, newest_id + 1)
        return TradeCursor(next_id=next_id, reread_id=self.next_id, reread_since_ms=now_ms, read_ms=now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnresolvedOrder:
    """A create whose outcome is unknown; it blocks its side and level until it is found or certainly dead (R1)."""

    order: NewOrder
    signed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingCursor:
    """How far funding is booked: payments from `read_from_ms` on are not; the next is due at `due_ms`, if known."""

    read_from_ms: int
    due_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketState:
    """One market's item: inventory, cursor, working orders. `version` is the last written one, 0 before the first.

    A working order's `executed_base` is what has been *booked* of it; `run` are the last orders filled on one side.
    `funding` is None on spot.
    """

    symbol: Symbol
    version: int
    inventory: Inventory
    reference_price: Decimal
    cursor: TradeCursor
    working: tuple[Order, ...] = ()
    unresolved: tuple[UnresolvedOrder, ...] = ()
    not_before_ms: int = 0
    run: SameSideRun | None = None
    exits: ExitState = NO_EXIT
    funding: FundingCursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueMetadata:
    """A venue's own description of one market, opaque to everything but its adapter; about 1 KB of JSON."""

    symbol: Symbol
    fetched_ms: int
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An open alert: what a human is told, since when it holds, and when they were told last, None if not yet.

    It is written before it is sent: whoever finds one that was last tried some time ago sends it. One that has `ended`
    waits only for that text to be sent. `version` is the last written one, 0 as it opens.
    """

    text: str
    since_ms: int
    is_critical: bool = True
    told_ms: int | None = None
    tried_ms: int | None = None
    ended: str | None = None
    version: int = 0

    @property
    def last_try_ms(self) -> int:
        """When somebody last set out to send it."""
        return self.since_ms if self.tried_ms is None else self.tried_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """One consistent read of an account's partition."""

    control: Control
    markets: Mapping[Symbol, MarketState]
    episodes: Mapping[str, Episode] = field(default_factory=lambda: MappingProxyType({}))
