"""What an operator does about an account's venue keys: keep one, and find out whether it is fit to run with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from marketmaker.domain.keys import KEY_PURPOSES, KeyPurpose, VenueKey
from marketmaker.domain.units import AccountName
from marketmaker.errors import AccountRefused, Fatal, MarketMakerError, Refused
from marketmaker.ports import Clock, Deadline, KeyPermissions, KeyStore, Unknown, Venue

CLOCK_TOLERANCE_MS = 1_000

REFUSED_ADVICE = (
    "Is it complete and enabled, and the secret its own? If the venue takes it from listed IP addresses only: is this "
    'machine\'s among them, and that of the functions (egress = "static" gives them one that stays)?'
)
WITHDRAWS = (
    "IT MAY WITHDRAW: whoever gets hold of it can empty the account. Switch withdrawals off at the venue, "
    "or make another key; this one is refused"
)
CANNOT_TRADE = "it may not trade, so it can neither place nor cancel. Allow spot trading for it at the venue"
ACCEPTED = "the venue does not tell whether it may withdraw; the file says that a human has seen it may not"
SHARED = "trade and risk are one key: a block of it at the venue stops quoting and the halt alike; better make two"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDesk:
    """One account's keys: where they are kept, and the venue as it is seen with one of them.

    Who `accepts_unverified` keys has looked at the venue what they may do, which it does not tell (R26).
    """

    account: AccountName
    wants_password: bool
    keys: KeyStore
    venue_with: Callable[[VenueKey], Venue]
    clock: Clock
    accepts_unverified: bool = False


class KeyVerdict(StrEnum):
    """Whether an account may be run with a key; what could not be found out is never good."""

    GOOD = "good"
    UNPROVEN = "unproven"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReport:
    """What was found out about one key.

    `problems` are what makes it unfit, `doubts` what could not be found out, `notes` what is allowed but worth knowing.
    """

    account: AccountName
    purpose: KeyPurpose
    is_accepted: bool = False
    permissions: KeyPermissions | Unknown | None = None
    clock_offset_ms: int | None = None
    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> KeyVerdict:
        """Judge it."""
        if self.problems:
            return KeyVerdict.BAD
        return KeyVerdict.UNPROVEN if self.doubts else KeyVerdict.GOOD

    @property
    def may_withdraw(self) -> bool:
        """Tell whether the venue says so."""
        return isinstance(self.permissions, KeyPermissions) and self.permissions.withdraws

    def summary(self) -> Mapping[str, Any]:
        """Describe it in plain values; a permission is null where nobody could tell."""
        known = self.permissions if isinstance(self.permissions, KeyPermissions) else None
        return {
            "account": self.account,
            "purpose": self.purpose,
            "verdict": self.verdict,
            "accepted": self.is_accepted,
            "may_trade": known and known.trades,
            "may_withdraw": known and known.withdraws,
            "ip_bound": known and known.is_ip_bound,
            "clock_offset_ms": self.clock_offset_ms,
            "problems": self.problems,
            "doubts": self.doubts,
            "notes": self.notes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKey:
    """A key that was stored; `report` is what the venue said of it before, None if it was not asked."""

    account: AccountName
    purpose: KeyPurpose
    is_first: bool
    notes: tuple[str, ...]
    report: KeyReport | None


def check_keys(desk: KeyDesk, deadline: Deadline) -> tuple[KeyReport, ...]:
    """Check both keys of an account: they are kept and well-formed, the venue takes them, and neither may withdraw."""
    kept = {purpose: _read(desk, purpose) for purpose in KEY_PURPOSES}
    trade, risk = (kept[purpose] for purpose in KEY_PURPOSES)
    notes = (SHARED,) if _are_one(trade, risk) else ()
    return tuple(
        _unread(desk, purpose, key)
        if isinstance(key, MarketMakerError)
        else _examine(desk, purpose, key, deadline, notes)
        for purpose, key in kept.items()
    )


def set_key(desk: KeyDesk, purpose: KeyPurpose, key: VenueKey, deadline: Deadline | None) -> KeptKey:
    """Keep a key; with a deadline the venue is asked first.

    A key that it refuses is kept all the same: it may take it from the functions' addresses only.

    Raises:
        Refused: the key may withdraw; nothing is changed (R26).
    """
    report = None if deadline is None else _examine(desk, purpose, key, deadline)
    if report is not None and report.may_withdraw:
        raise Refused(WITHDRAWS)
    is_first = desk.keys.write(purpose, key)
    (other,) = (each for each in KEY_PURPOSES if each != purpose)
    notes = (SHARED,) if _are_one(key, _read(desk, other)) else ()
    return KeptKey(account=desk.account, purpose=purpose, is_first=is_first, notes=notes, report=report)


def _read(desk: KeyDesk, purpose: KeyPurpose) -> VenueKey | MarketMakerError:
    try:
        return desk.keys.read(purpose)
    except MarketMakerError as error:
        return error


def _are_one(one: VenueKey | MarketMakerError, other: VenueKey | MarketMakerError) -> bool:
    return isinstance(one, VenueKey) and isinstance(other, VenueKey) and one.api_key == other.api_key


def _unread(desk: KeyDesk, purpose: KeyPurpose, error: MarketMakerError) -> KeyReport:
    """Report a key that is missing or malformed, or one that could not be read this time."""
    if isinstance(error, Fatal | Refused):
        return KeyReport(account=desk.account, purpose=purpose, problems=(str(error),))
    return KeyReport(account=desk.account, purpose=purpose, doubts=(str(error),))


def _examine(
    desk: KeyDesk, purpose: KeyPurpose, key: VenueKey, deadline: Deadline, notes: tuple[str, ...] = ()
) -> KeyReport:
    """Ask the venue about a key, as far as it answers: its clock, signed reads, and what the key may do."""
    venue = desk.venue_with(key)
    found = KeyReport(account=desk.account, purpose=purpose, notes=notes)
    try:
        found = _with_clock(found, desk, venue, deadline)
        found = _with_signed_reads(found, venue, deadline)
        return _with_permissions(found, desk, venue, deadline)
    except AccountRefused as error:
        problem = f"the venue refuses it: {error}. {REFUSED_ADVICE}"
        return replace(found, is_accepted=False, problems=(*found.problems, problem))
    except MarketMakerError as error:
        return replace(found, doubts=(*found.doubts, f"the venue could not be asked: {error}"))


def _with_clock(found: KeyReport, desk: KeyDesk, venue: Venue, deadline: Deadline) -> KeyReport:
    """Compare this machine's clock with the venue's, half a round trip allowed for (R8)."""
    sent_ms = desk.clock.now_ms()
    venue_ms = venue.time_ms(deadline)
    offset_ms = venue_ms - (sent_ms + desk.clock.now_ms()) // 2
    is_off = abs(offset_ms) > CLOCK_TOLERANCE_MS
    notes = (f"this machine's clock is {abs(offset_ms)} ms off the venue's",) if is_off else ()
    return replace(found, clock_offset_ms=offset_ms, notes=(*found.notes, *notes))


def _with_signed_reads(found: KeyReport, venue: Venue, deadline: Deadline) -> KeyReport:
    seen = venue.observe((), (), deadline)
    unread = [part.reason for part in (seen.open_orders, seen.balances) if isinstance(part, Unknown)]
    doubts = (f"the venue did not answer a signed read: {reason}" for reason in unread)
    return replace(found, is_accepted=not unread, doubts=(*found.doubts, *doubts))


def _with_permissions(found: KeyReport, desk: KeyDesk, venue: Venue, deadline: Deadline) -> KeyReport:
    permissions = venue.key_permissions(deadline)
    found = replace(found, permissions=permissions)
    if isinstance(permissions, Unknown) and desk.accepts_unverified:
        return replace(found, notes=(*found.notes, ACCEPTED))
    if isinstance(permissions, Unknown):
        doubt = f"the venue cannot tell whether it may withdraw; look it up there ({permissions.reason})"
        return replace(found, doubts=(*found.doubts, doubt))
    withdraws = (WITHDRAWS,) if permissions.withdraws else ()
    cannot_trade = () if permissions.trades else (CANNOT_TRADE,)
    return replace(found, problems=(*found.problems, *withdraws, *cannot_trade))
