"""From one look at an account to what it shows of every limit; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.accounts import AccountSettings, Clocks
from marketmaker.domain.drawdown import Equity, Holding, equity_of
from marketmaker.domain.markets import AbsoluteBand, MarketSettings
from marketmaker.domain.models import PositionSkew
from marketmaker.domain.orders import Order
from marketmaker.domain.pricing import Book, own_price
from marketmaker.domain.risk import (
    BreachKind,
    DrawdownBreach,
    Finding,
    StaleBook,
    TicksStopped,
    check_inventory_band,
    check_position,
    check_price_band,
)
from marketmaker.domain.state import Control, MarketState
from marketmaker.domain.units import ZERO, Asset, plain

STOPPED_AFTER_MS = 60_000
STOPPED_AFTER_INTERVALS = 3
"""Ticks have stopped once none was claimed for a minute, nor for three intervals.

With one check a minute that may itself come half a minute late, own orders outlive their ticks by at most 60 + 60 + 30
= 150 s, the watchdog's bound (R3). Only intervals above 20 s make it longer.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketLook:
    """What one look shows of a market; None is what could not be seen.

    `book` is what others made of it. `book_age_ms` is how long nobody, tick or check, has seen its update id change.
    `is_settled` tells whether every fill that the venue shows is in the inventory.
    """

    settings: MarketSettings
    quote: Asset
    book: Book | None
    book_age_ms: int | None
    last_price: Decimal | None
    market: MarketState | None
    is_settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLook:
    """What one look shows of an account; without its control item neither ticks nor peaks are known."""

    markets: tuple[MarketLook, ...]
    control: Control | None
    own_orders: int
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Every limit of an account, the known drawdowns, and the equities that are new peaks."""

    findings: tuple[Finding, ...]
    drawdowns: Mapping[Asset, Decimal]
    new_peaks: Mapping[Asset, Equity]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Valued:
    """A market with its fair price, None where that is unknown, and whether the price is inside its band."""

    look: MarketLook
    fair: Decimal | None
    is_inside: bool


def assess(look: AccountLook, settings: AccountSettings) -> Assessment:
    """Judge every limit that one look allows to judge; the rest is unknown."""
    findings: list[Finding] = []
    valued: dict[Asset, list[_Valued]] = {}
    for each in look.markets:
        book = _judge_book(each)
        fair = _fair(each) if book.is_kept else None
        price = _judge_price(each, fair)
        findings += [book, price, _judge_inventory(each, fair)]
        if each.market is not None:
            valued.setdefault(each.quote, []).append(_Valued(look=each, fair=fair, is_inside=price.is_kept))
    peaks = {} if look.control is None else look.control.peaks
    equities = {asset: _equity(markets) for asset, markets in valued.items()}
    known = {asset: equity for asset, equity in equities.items() if equity is not None}
    findings += [
        _judge_drawdown(asset, equity, peaks.get(asset), settings.risk.max_drawdown_share)
        for asset, equity in equities.items()
    ]
    return Assessment(
        findings=(*findings, _judge_ticks(look, settings.clocks)),
        drawdowns={asset: equity.drawdown_share(peaks.get(asset)) for asset, equity in known.items()},
        new_peaks={
            asset: equity
            for asset, equity in known.items()
            if equity.exceeds(peaks.get(asset)) and all(each.is_inside for each in valued[asset])
        },
    )


def is_settled(market: MarketState, live: Sequence[Order]) -> bool:
    """Tell whether the inventory has every fill that our live orders show: none executed more, vanished or unknown."""
    booked = {order.venue_id: order.executed_base for order in market.working}
    shown = {order.venue_id: order.executed_base for order in live}
    return (
        not market.unresolved
        and booked.keys() <= shown.keys()
        and all(executed <= booked.get(venue_id, ZERO) for venue_id, executed in shown.items())
    )


def stopped_after_ms(clocks: Clocks) -> int:
    """Return how long no tick may be claimed before ticks count as stopped."""
    return max(STOPPED_AFTER_MS, STOPPED_AFTER_INTERVALS * clocks.interval_ms)


def _judge_book(look: MarketLook) -> Finding:
    """Judge whether anything may be decided by the book (R11).

    One read that fails says nothing while ticks see the book change; it counts once nobody has for too long.
    """
    kind, symbol = BreachKind.STALE_BOOK, look.settings.symbol
    problem = _problem_of(look)
    if problem is not None:
        return Finding(kind=kind, symbol=symbol, breach=StaleBook(symbol=symbol, problem=problem))
    return Finding(kind=kind, symbol=symbol, unknown="the book was not read" if look.book is None else None)


def _problem_of(look: MarketLook) -> str | None:
    book, age_ms = look.book, look.book_age_ms
    if age_ms is not None and age_ms > look.settings.max_book_age_ms:
        return f"nobody has seen it change for {age_ms // 1000} s"
    if book is None:
        return None
    if book.best_bid is None or book.best_ask is None:
        return "it lacks a side"
    if book.best_bid >= book.best_ask:
        return f"its bid {plain(book.best_bid)} is at or above its ask {plain(book.best_ask)}"
    return None


def _fair(look: MarketLook) -> Decimal | None:
    fair = None if look.book is None else own_price(look.settings, look.book, look.last_price)
    return fair if fair is not None and fair > ZERO else None


def _judge_price(look: MarketLook, fair: Decimal | None) -> Finding:
    """Judge the fair price; an absolute band needs no reference price, hence no state (S3)."""
    kind, symbol, band = BreachKind.PRICE_BAND, look.settings.symbol, look.settings.price_band
    if fair is None:
        return Finding(kind=kind, symbol=symbol, unknown="no fair price is known")
    if isinstance(band, AbsoluteBand):
        allowed = band.around(fair)
    elif look.market is not None:
        allowed = band.around(look.market.reference_price)
    else:
        return Finding(kind=kind, symbol=symbol, unknown="the reference price of the band is not known")
    return Finding(kind=kind, symbol=symbol, breach=check_price_band(symbol, fair, allowed))


def _judge_inventory(look: MarketLook, fair: Decimal | None) -> Finding:
    kind, symbol = BreachKind.INVENTORY_BAND, look.settings.symbol
    if fair is None or look.market is None or not look.is_settled:
        return Finding(kind=kind, symbol=symbol, unknown="price or inventory is not known")
    inventory, policy = look.market.inventory, look.settings.inventory_band
    if look.settings.perpetual is not None and isinstance(policy, PositionSkew):
        return Finding(kind=kind, symbol=symbol, breach=check_position(symbol, inventory.base, policy.max_base))
    ratio = inventory.ratio(fair)
    if ratio is None:
        return Finding(kind=kind, symbol=symbol, unknown="the market has no capital")
    return Finding(kind=kind, symbol=symbol, breach=check_inventory_band(symbol, ratio, policy))


def _equity(markets: Sequence[_Valued]) -> Equity | None:
    """Add the open markets of one quote asset up; None unless every price and inventory is known."""
    holdings = [
        Holding(symbol=each.look.settings.symbol, inventory=each.look.market.inventory, mark=each.fair)
        for each in markets
        if each.look.market is not None and each.fair is not None and each.look.is_settled
    ]
    return equity_of(holdings) if len(holdings) == len(markets) else None


def _judge_drawdown(asset: Asset, equity: Equity | None, peak: Equity | None, max_share: Decimal) -> Finding:
    kind = BreachKind.DRAWDOWN
    if equity is None:
        return Finding(kind=kind, symbol=None, unknown=f"the equity in {asset} is not known")
    share = equity.drawdown_share(peak)
    if peak is None or share <= max_share:
        return Finding(kind=kind, symbol=None)
    lost = peak.gains_quote - equity.gains_quote
    return Finding(
        kind=kind,
        symbol=None,
        breach=DrawdownBreach(asset=asset, share=share, max_share=max_share, lost_quote=lost),
    )


def _judge_ticks(look: AccountLook, clocks: Clocks) -> Finding:
    """Judge whether ticks follow the market; orders that rest without them are the breach (R3)."""
    kind = BreachKind.TICKS_STOPPED
    if look.control is None:
        return Finding(kind=kind, symbol=None, unknown="the last tick is not known")
    last_ms = look.control.last_slot_ms
    age_ms = look.now_ms - last_ms if last_ms else None
    if age_ms is not None and age_ms <= stopped_after_ms(clocks):
        return Finding(kind=kind, symbol=None)
    if not look.own_orders:
        return Finding(kind=kind, symbol=None, unknown="ticks have stopped and none of our orders rests")
    return Finding(kind=kind, symbol=None, breach=TicksStopped(age_ms=age_ms, own_orders=look.own_orders))
