"""An account's control, episodes and exposure to items and back, nothing lost on the way."""

from collections.abc import Mapping
from typing import Any

from marketmaker.adapters.dynamodb import keys
from marketmaker.adapters.dynamodb.meters import meters_from
from marketmaker.adapters.dynamodb.models import (
    BookMarkMap,
    ControlItem,
    DayMap,
    EpisodeItem,
    EquityMap,
    ExposureItem,
    RestrictionMap,
)
from marketmaker.domain.caution import Caution
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.exposure import Exposure
from marketmaker.domain.state import (
    ActiveSettings,
    BookMark,
    Control,
    Episode,
    Lease,
    Mode,
    Restriction,
)
from marketmaker.domain.units import AccountName, Asset, Symbol


def control_from(item: ControlItem) -> Control:
    """Read an account's control."""
    owner, expires_ms = item.lease_owner, item.lease_expires_ms
    return Control(
        account=AccountName(item.account),
        mode=Mode(item.mode),
        epoch=item.epoch,
        mode_reason=item.mode_reason,
        mode_since_ms=item.mode_since_ms,
        last_slot_ms=item.last_slot_ms,
        lease=None if owner is None or expires_ms is None else Lease(owner=owner, expires_ms=expires_ms),
        taken_over_from=item.taken_over_from or None,
        book_marks={
            Symbol(each.symbol): BookMark(update_id=each.update_id, since_ms=each.since_ms) for each in item.book_marks
        },
        foreign=item.foreign,
        differing=item.differing,
        unreachable_ticks=item.unreachable_ticks,
        blocked_until_ms=item.blocked_until_ms,
        is_banned=item.is_banned,
        restrictions={symbol: _restriction_from(each) for symbol, each in item.restrictions.items()},
        armed_ms=item.armed_ms,
        stops={symbol: _restriction_from(each) for symbol, each in item.stops.items()},
        peaks={asset: _equity_from(each) for asset, each in item.peaks.items()},
        days={asset: DayStart(day=each.day, equity=_equity_from(each)) for asset, each in item.days.items()},
        deployed=item.deployed,
        settings=None if item.settings is None else _active_settings_from(item.settings),
        meters=meters_from(item.meters),
    )


def _restriction_from(stored: RestrictionMap) -> Restriction:
    return Restriction(
        mode=Mode(stored.mode),
        reason=stored.reason,
        since_ms=stored.since_ms,
        caution=Caution(**{name: getattr(stored, name) for name in Caution.__slots__}),
    )


def _equity_from(stored: EquityMap) -> Equity:
    return Equity(
        markets=tuple(map(Symbol, stored.markets.split())),
        deposited_quote=stored.deposited_quote,
        gains_quote=stored.gains_quote,
    )


def _active_settings_from(stored: Mapping[str, Any]) -> ActiveSettings:
    return ActiveSettings(**{name: stored[name] for name in ActiveSettings.__slots__})


def book_mark_map(symbol: Symbol, mark: BookMark) -> BookMarkMap:
    """Write how long a book has stood still."""
    return BookMarkMap(symbol=symbol, update_id=mark.update_id, since_ms=mark.since_ms)


def restriction_map(restriction: Restriction) -> RestrictionMap:
    """Write what a market may do at most, and how its quotes change."""
    caution = restriction.caution
    return RestrictionMap(
        mode=int(restriction.mode),
        reason=restriction.reason,
        since_ms=restriction.since_ms,
        rank=caution.rank,
        **{name: getattr(caution, name) for name in caution.__slots__},
    )


def equity_map(equity: Equity) -> EquityMap:
    """Write the equity of one quote asset."""
    return EquityMap(
        markets=" ".join(equity.markets), deposited_quote=equity.deposited_quote, gains_quote=equity.gains_quote
    )


def day_map(start: DayStart) -> DayMap:
    """Write the first equity of one quote asset in a day."""
    equity = start.equity
    return DayMap(
        markets=" ".join(equity.markets),
        deposited_quote=equity.deposited_quote,
        gains_quote=equity.gains_quote,
        day=start.day,
    )


def episode_from(item: EpisodeItem) -> Episode:
    """Read an open alert."""
    return Episode(
        text=item.text,
        since_ms=item.opened_ms,
        is_critical=item.is_critical,
        told_ms=item.opened_ms if item.told_ms is None else item.told_ms or None,
        tried_ms=item.tried_ms,
        ended=item.ended,
        version=item.version,
    )


def episode_item(account: AccountName, key: str, episode: Episode) -> EpisodeItem:
    """Write an open alert."""
    return EpisodeItem(
        account,
        keys.EPISODE + key,
        text=episode.text,
        opened_ms=episode.since_ms,
        is_critical=episode.is_critical,
        told_ms=episode.told_ms or 0,
        tried_ms=episode.tried_ms,
        ended=episode.ended,
        version=episode.version,
    )


def exposure_item(exposure: Exposure) -> ExposureItem:
    """Write what an account holds for the others."""
    return ExposureItem(
        keys.PORTFOLIO,
        keys.EXPOSURE + exposure.account,
        time_ms=exposure.time_ms,
        notional_quote=exposure.notional_quote,
        unknown=" ".join(sorted(exposure.unknown)),
    )


def exposure_from(item: ExposureItem) -> Exposure:
    """Read what an account holds."""
    return Exposure(
        account=AccountName(item.item.removeprefix(keys.EXPOSURE)),
        time_ms=item.time_ms,
        notional_quote=dict(item.notional_quote),
        unknown=frozenset(map(Asset, item.unknown.split())),
    )
