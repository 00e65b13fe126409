"""What one look at an account shows of each market's own limits; pure."""

from collections.abc import Iterator
from decimal import Decimal

from marketmaker.domain.breaches import (
    BreachKind,
    LedgerBreach,
    LiquidationBreach,
    NotionalBreach,
    StaleBook,
    VolatilityBreach,
)
from marketmaker.domain.looks import MarketLook
from marketmaker.domain.markets import AbsoluteBand
from marketmaker.domain.models import PositionSkew
from marketmaker.domain.risk import Finding, check_inventory_band, check_position, check_price_band
from marketmaker.domain.spreads import annual_volatility, measured_sigma
from marketmaker.domain.state import Control
from marketmaker.domain.units import Asset, from_statistic, plain

TICKS_UNTIL_DIFFERING = 3
"""A balance read beside a fill differs for a moment; this many ticks in a row are no such moment."""


def judge_market(look: MarketLook, control: Control | None, now_ms: int) -> Iterator[Finding]:
    """Judge every limit that a market has; by a book that cannot be trusted nothing is valued."""
    book = judge_book(look)
    fair = look.fair if book.is_kept else None
    yield from (book, judge_price(look, fair), judge_inventory(look, fair))
    if look.settings.max_notional_quote is not None:
        yield judge_notional(look, fair, look.settings.max_notional_quote)
    if look.settings.perpetual is not None:
        yield judge_liquidation(look, look.settings.perpetual.min_liquidation_distance)
    if look.settings.max_volatility is not None:
        yield judge_volatility(look, look.settings.max_volatility, now_ms)
    yield judge_ledger(look, control)


def judge_book(look: MarketLook) -> Finding:
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


def judge_price(look: MarketLook, fair: Decimal | None) -> Finding:
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


def judge_inventory(look: MarketLook, fair: Decimal | None) -> Finding:
    """Judge what is held: a position by its size, which needs neither price nor ledger (P4, R34), else by its ratio."""
    kind, symbol = BreachKind.INVENTORY_BAND, look.settings.symbol
    policy = look.settings.inventory_band
    if look.settings.perpetual is not None and isinstance(policy, PositionSkew):
        if look.held_base is None:
            return Finding(kind=kind, symbol=symbol, unknown="the position is not known")
        return Finding(kind=kind, symbol=symbol, breach=check_position(symbol, look.held_base, policy.max_base))
    if fair is None or look.market is None or not look.is_settled:
        return Finding(kind=kind, symbol=symbol, unknown="price or inventory is not known")
    ratio = look.market.inventory.ratio(fair)
    if ratio is None:
        return Finding(kind=kind, symbol=symbol, unknown="the market has no capital")
    return Finding(kind=kind, symbol=symbol, breach=check_inventory_band(symbol, ratio, policy))


def judge_notional(look: MarketLook, fair: Decimal | None, max_quote: Decimal) -> Finding:
    """Judge what a market's holding is worth (S16)."""
    kind, symbol, held = BreachKind.NOTIONAL, look.settings.symbol, look.held_base
    if fair is None or held is None:
        return Finding(kind=kind, symbol=symbol, unknown="price or holding is not known")
    if abs(held) * fair <= max_quote:
        return Finding(kind=kind, symbol=symbol)
    breach = NotionalBreach(symbol=symbol, base=held, fair=fair, asset=look.quote, max_quote=max_quote)
    return Finding(kind=kind, symbol=symbol, breach=breach)


def judge_liquidation(look: MarketLook, min_distance: Decimal) -> Finding:
    """Judge how far the mark may move before the venue closes a position; one that it will not close is kept (S17)."""
    kind, symbol, position = BreachKind.LIQUIDATION, look.settings.symbol, look.position
    if position is None:
        return Finding(kind=kind, symbol=symbol, unknown="the position is not known")
    distance = position.liquidation_distance
    if distance is None or distance >= min_distance:
        return Finding(kind=kind, symbol=symbol)
    breach = LiquidationBreach(symbol=symbol, base=position.size_base, distance=distance, min_distance=min_distance)
    return Finding(kind=kind, symbol=symbol, breach=breach)


def judge_volatility(look: MarketLook, max_volatility: Decimal, now_ms: int) -> Finding:
    """Judge the volatility that was measured last, while it is young enough to be used."""
    kind, symbol, kept = BreachKind.VOLATILITY, look.settings.symbol, look.statistics
    sigma = measured_sigma(kept)
    if kept is None or sigma is None or now_ms - kept.until_ms > look.settings.max_statistics_age_ms:
        return Finding(kind=kind, symbol=symbol, unknown="no volatility was measured of late")
    volatility = from_statistic(annual_volatility(sigma))
    if volatility <= max_volatility:
        return Finding(kind=kind, symbol=symbol)
    breach = VolatilityBreach(symbol=symbol, volatility=volatility, max_volatility=max_volatility)
    return Finding(kind=kind, symbol=symbol, breach=breach)


def judge_ledger(look: MarketLook, control: Control | None) -> Finding:
    """Judge whether ticks could explain the venue's balances of what the market trades (S2b)."""
    kind, symbol = BreachKind.LEDGER_DIFFERENCE, look.settings.symbol
    if control is None:
        return Finding(kind=kind, symbol=symbol, unknown="what ticks compared is not known")
    named = (look.base, look.quote, Asset(symbol))
    counts = {asset: count for asset in named if (count := control.differing.get(asset, 0)) >= TICKS_UNTIL_DIFFERING}
    if not counts:
        return Finding(kind=kind, symbol=symbol)
    breach = LedgerBreach(symbol=symbol, assets=tuple(counts), ticks=max(counts.values()))
    return Finding(kind=kind, symbol=symbol, breach=breach)
