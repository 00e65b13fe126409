"""The exchange's own books, for tests and demos to compare a client's with."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from infra.local.exchange.market import Json, Market
from infra.local.exchange.venue import Venue
from marketmaker.domain.orders import Side
from marketmaker.domain.units import plain
from marketmaker.simulation.events import Level
from marketmaker.simulation.faults import ArmedFault, FaultPlan, fault_name


def describe(venue: Venue) -> Json:
    """Write down everything that is true now; money as plain strings."""
    now_us = venue.catch_up()
    listing, engine = venue.listing, venue.listing.engine
    depth = engine.depth(1)
    return {
        "time_ms": now_us // 1000,
        "market_time_us": engine.now_us,
        "market_ended": engine.feed.is_ended,
        "dialect": venue.dialect.name,
        "symbol": listing.instrument.symbol,
        "market_id": listing.market_id,
        "tick_size": plain(listing.instrument.tick_size),
        "lot_size": plain(listing.instrument.lot_size),
        "min_notional": plain(listing.instrument.min_notional_quote),
        "update_id": depth.update_id,
        "best_bid": _price(depth.bids),
        "best_ask": _price(depth.asks),
        "market_bid": _price(engine.book.levels(Side.BUY)),
        "market_ask": _price(engine.book.levels(Side.SELL)),
        **venue.dialect.describe(listing),
        "orders": _orders(venue),
        **_presence(listing),
        "requests": dict(sorted(venue.requests.items())),
        "faults": describe_faults(venue.faults),
    }


def describe_faults(plan: FaultPlan) -> Json:
    """Write down which faults wait and which struck how often."""
    return {"armed": [describe_fault(armed) for armed in plan.armed], "applied": dict(plan.applied)}


def describe_fault(armed: ArmedFault) -> Json:
    """Write down one waiting fault as it was asked for."""
    values = asdict(armed.fault)
    return {
        "fault": fault_name(armed.fault),
        "route": armed.route,
        "count": armed.count,
        "after": armed.after,
        **{name: plain(value) if isinstance(value, Decimal) else value for name, value in values.items()},
    }


def _orders(venue: Venue) -> Json:
    account = venue.listing.engine.account
    counts = account.counts
    return {
        "accepted": counts.accepted,
        "filled": counts.filled,
        "cancelled": counts.cancelled,
        "cancelled_unfilled": counts.cancelled_unfilled,
        "expired": counts.expired,
        "rejected": {str(code): count for code, count in venue.refused_orders.items()},
        "rejected_reasons": {reason.value: count for reason, count in account.rejected.items()},
    }


def _presence(listing: Market[Any]) -> Json:
    engine = listing.engine
    presence, speed = engine.account.presence, listing.clock.speed
    quoting_us, two_sided_us = presence.quoting_us(engine.now_us), presence.two_sided_us(engine.now_us)
    return {
        "quoting_ms": int(quoting_us / speed) // 1000,
        "two_sided_ms": int(two_sided_us / speed) // 1000,
        "two_sided_uptime": two_sided_us / quoting_us if quoting_us else None,
    }


def _price(levels: Sequence[Level]) -> str | None:
    return plain(levels[0].price) if levels else None
