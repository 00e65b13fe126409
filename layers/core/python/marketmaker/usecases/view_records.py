"""What a decision saw of its market, as a few plain values, and back; `records` lists its rows."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from marketmaker.domain.caution import NO_CAUTION, Caution
from marketmaker.domain.exits import NO_EXIT, Exit, ExitCause, ExitState
from marketmaker.domain.inventory import Inventory
from marketmaker.domain.klines import DayVolume
from marketmaker.domain.orders import Fee, Side
from marketmaker.domain.pricing import Book, BookLevel, SecondView, Touch
from marketmaker.domain.quoting import MarketView
from marketmaker.domain.risk import LedgerDifference
from marketmaker.domain.runs import SameSideRun
from marketmaker.domain.statistics import Statistics, VolatilityLevel
from marketmaker.domain.units import Asset, Symbol, VenueOrderId

SIDES = {side[0]: side for side in Side}
"""A side by its first letter."""
_HOLDINGS = (
    "base",
    "quote",
    "deposited_quote",
    "cost_basis_quote",
    "fees_in_basis_quote",
    "realised_quote",
    "fees_quote",
)
_EXITS = ("stopped_at", "ended_ms", "resume_ms", "repeats", "day", "day_open")
_STATISTICS = ("sigma", "best_distance", "intensity", "decay", "daily", "intraday")


def write_view(view: MarketView, now_ms: int) -> dict[str, Any]:
    """Write down what a decision saw."""
    inventory = view.inventory
    saw: dict[str, Any] = {
        "bids": [(level.price, level.size_base) for level in view.book.bids],
        "asks": [(level.price, level.size_base) for level in view.book.asks],
        "update_id": view.book.update_id,
        "book_age_ms": view.book_age_ms,
        "holds": tuple(getattr(inventory, name) for name in _HOLDINGS),
        "available": (view.available_base, view.available_quote),
        "reference": view.reference_price,
    }
    if view.last_price is not None:
        saw["last"] = view.last_price
    if inventory.unpriced_fees:
        saw["unpriced"] = [(fee.amount, fee.asset) for fee in inventory.unpriced_fees]
    if inventory.fills_without_fee:
        saw["without_fee"] = inventory.fills_without_fee
    if view.ledger_difference is not None:
        difference = view.ledger_difference
        saw["difference"] = (difference.asset, difference.ledger, difference.venue)
    if inventory.opened_ms is not None:
        saw["held_ms"] = now_ms - inventory.opened_ms
    if view.statistics is not None:
        age_ms = now_ms - view.statistics.until_ms
        saw["statistics"] = (age_ms, *(getattr(view.statistics, name) for name in _STATISTICS))
    if view.second is not None:
        saw["second"] = [_write_touch(each) for each in (view.second.source, view.second.rate)]
    if view.run is not None:
        saw["run"] = (view.run.side[0], *view.run.orders)
    return saw | _write_what_is_rare(view, now_ms)


def _write_what_is_rare(view: MarketView, now_ms: int) -> dict[str, Any]:
    """Write down what most decisions know nothing of."""
    saw: dict[str, Any] = {}
    if view.inventory.funding_quote:
        saw["funding"] = view.inventory.funding_quote
    if view.exits != NO_EXIT:
        saw["exits"] = _write_exits(view.exits)
    if view.liquidation_distance is not None:
        saw["liquidation"] = view.liquidation_distance
    if view.funding_rate is not None:
        saw["funding_rate"] = view.funding_rate
    if view.day_volume is not None:
        volume = view.day_volume
        saw["day_volume"] = (now_ms - volume.time_ms, volume.volume_base, volume.volume_quote)
    if view.caution != NO_CAUTION:
        saw["caution"] = {name: getattr(view.caution, name) for name in view.caution.__slots__}
    return saw


def _write_exits(exits: ExitState) -> dict[str, Any]:
    known = {name: value for name in _EXITS if (value := getattr(exits, name)) != getattr(NO_EXIT, name)}
    current = exits.current
    if current is None:
        return known
    row = (current.cause, current.started_ms, current.target_base, current.attempts, current.reason)
    return known | {"current": row}


def _write_touch(touch: Touch | None) -> tuple[Any, ...] | None:
    return None if touch is None else (touch.bid, touch.ask, touch.age_ms)


def read_view(symbol: Symbol, saw: Mapping[str, Any], now_ms: int) -> MarketView:
    """Read back what a decision saw."""
    difference = saw.get("difference")
    base, quote = saw["available"]
    return MarketView(
        book=Book(
            symbol=symbol,
            bids=_read_levels(saw["bids"]),
            asks=_read_levels(saw["asks"]),
            update_id=int(saw["update_id"]),
        ),
        book_age_ms=int(saw["book_age_ms"]),
        last_price=Decimal(saw["last"]) if "last" in saw else None,
        inventory=Inventory(
            **{name: Decimal(value) for name, value in zip(_HOLDINGS, saw["holds"], strict=True)},
            funding_quote=Decimal(saw.get("funding", 0)),
            unpriced_fees=tuple(Fee(amount=Decimal(amount), asset=Asset(a)) for amount, a in saw.get("unpriced", ())),
            fills_without_fee=int(saw.get("without_fee", 0)),
            opened_ms=now_ms - int(saw["held_ms"]) if "held_ms" in saw else None,
        ),
        reference_price=Decimal(saw["reference"]),
        available_base=Decimal(base),
        available_quote=Decimal(quote),
        ledger_difference=None if difference is None else _read_difference(difference),
        statistics=_read_statistics(saw["statistics"], now_ms) if "statistics" in saw else None,
        second=_read_second(saw["second"]) if "second" in saw else None,
        run=_read_run(saw["run"]) if "run" in saw else None,
        exits=_read_exits(saw["exits"]) if "exits" in saw else NO_EXIT,
        liquidation_distance=Decimal(saw["liquidation"]) if "liquidation" in saw else None,
        funding_rate=Decimal(saw["funding_rate"]) if "funding_rate" in saw else None,
        day_volume=_read_volume(symbol, saw["day_volume"], now_ms) if "day_volume" in saw else None,
        caution=_read_caution(saw["caution"]) if "caution" in saw else NO_CAUTION,
    )


def _read_statistics(row: Sequence[Any], now_ms: int) -> Statistics:
    age_ms, *measured, daily, intraday = row
    sigma, best_distance, intensity, decay = (None if each is None else float(each) for each in measured)
    return Statistics(
        until_ms=now_ms - int(age_ms),
        sigma=sigma,
        best_distance=best_distance,
        intensity=intensity,
        decay=decay,
        daily=None if daily is None else VolatilityLevel(daily),
        intraday=None if intraday is None else VolatilityLevel(intraday),
    )


def _read_second(rows: Sequence[Sequence[Any] | None]) -> SecondView:
    source, rate = (
        None if row is None else Touch(bid=Decimal(row[0]), ask=Decimal(row[1]), age_ms=int(row[2])) for row in rows
    )
    return SecondView(source=source, rate=rate)


def _read_run(row: Sequence[Any]) -> SameSideRun:
    side, *orders = row
    return SameSideRun(side=SIDES[side], orders=tuple((VenueOrderId(key), int(at_ms)) for key, at_ms in orders))


def _read_exits(known: Mapping[str, Any]) -> ExitState:
    stopped_at, day_open = (Decimal(known[each]) if each in known else None for each in ("stopped_at", "day_open"))
    ended_ms, day = (int(known[each]) if each in known else None for each in ("ended_ms", "day"))
    return ExitState(
        current=_read_exit(known["current"]) if "current" in known else None,
        stopped_at=stopped_at,
        ended_ms=ended_ms,
        resume_ms=int(known.get("resume_ms", 0)),
        repeats=int(known.get("repeats", 0)),
        day=day,
        day_open=day_open,
    )


def _read_exit(row: Sequence[Any]) -> Exit:
    cause, started_ms, target, attempts, reason = row
    return Exit(
        cause=ExitCause(cause),
        started_ms=int(started_ms),
        target_base=Decimal(target),
        attempts=int(attempts),
        reason=str(reason),
    )


def _read_volume(symbol: Symbol, row: Sequence[Any], now_ms: int) -> DayVolume:
    age_ms, base, quote = row
    return DayVolume(
        symbol=symbol, time_ms=now_ms - int(age_ms), volume_base=Decimal(base), volume_quote=Decimal(quote)
    )


def _read_caution(known: Mapping[str, Any]) -> Caution:
    target_base = known["target_base"]
    return Caution(
        patience=Decimal(known["patience"]),
        widen=Decimal(known["widen"]),
        pulls_adding=bool(known["pulls_adding"]),
        target_base=None if target_base is None else Decimal(target_base),
    )


def _read_difference(row: Sequence[str]) -> LedgerDifference:
    asset, ledger, venue = row
    return LedgerDifference(asset=Asset(asset), ledger=Decimal(ledger), venue=Decimal(venue))


def _read_levels(rows: Iterable[Sequence[str]]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(price=Decimal(price), size_base=Decimal(size)) for price, size in rows)
