"""Decision records: what one market's decision was made of and what came of it, as a few plain values, and back.

A record holds the whole `Situation`, so `read_decisions` gives back everything that `domain.deciding.decide` needs;
with five quotes a side it stays below 2 KB a market (architecture, "One tick"). Rows instead of named fields keep it
short; a side is `b` or `s`:

| field | rows |
|---|---|
| `bids`, `asks` | price, size |
| `live` | client id, venue id, side, price, size, age (ms), and what is executed if anything is |
| `quotes` | side, level, price, size, and how it trades where it is an exit's |
| `kept` | position in `live` |
| `cancelled` | position in `live`; why, if not for its price; what came of it, if not simply cancelled |
| `placed` | position in `quotes`; what came of it, if not simply accepted |
| `stages` | name, bid, ask, of those that moved something |
| `second` | bid, ask, age (ms) of the source and the rate, null for one that could not be read |
| `statistics` | age (ms), σ, best distance, A, k, daily, intraday |
| `run` | side, then venue id and time (ms) of each order |
| `exits` | what is known of exits, as `view_records` writes it |
| `booked` | trade id, change of base, change of quote |
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from marketmaker.domain.deciding import Decision, Situation
from marketmaker.domain.exits import ExitStyle
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Order
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quote, Stage
from marketmaker.domain.replacing import CancelReason, Place
from marketmaker.domain.units import ZERO, AccountName, Asset, ClientOrderId, Symbol, VenueOrderId
from marketmaker.usecases.view_records import SIDES, read_view, write_view

MAX_TEXT = 160
"""Characters of any one explanation."""
ACCEPTED, CANCELLED = "accepted", "cancelled"
"""What comes of most creates and cancels, and so is left out of their rows."""
_SIGNIFICANT = 8
"""Digits of figures that only people read; everything a decision is made of is written exactly."""
_USUAL = ("has_post_only", "is_trading")
"""What is true of nearly every market, and so is recorded only where it is not."""
_GRIDS = ("tick_size", "lot_size", "min_size_base", "min_notional_quote")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """One market's decision as a tick recorded it: what it was made of, and what it was.

    `quotes`, `kept`, `cancelled` (position, why) and `placed` are what was decided; `outcomes` says beside each placed
    quote what came of it, and `held_back` why none of them was sent.
    """

    account: AccountName
    slot_ms: int
    config_hash: str
    situation: Situation
    no_quotes: NoQuotes | None
    quotes: tuple[Quote, ...]
    kept: tuple[int, ...]
    cancelled: tuple[tuple[int, str, str], ...]
    placed: tuple[Place, ...]
    outcomes: tuple[str, ...]
    held_back: str | None

    @property
    def symbol(self) -> Symbol:
        """The market."""
        return self.situation.instrument.symbol


def write_situation(situation: Situation) -> dict[str, Any]:
    """Write down what a decision is made of."""
    instrument, obstacle = situation.instrument, situation.obstacle
    written: dict[str, Any] = {
        "symbol": instrument.symbol,
        "at_ms": situation.now_ms,
        "assets": (instrument.base, instrument.quote),
        "grid": tuple(getattr(instrument, name) for name in _GRIDS),
        "live": [_write_order(order, situation.now_ms) for order in situation.live],
    }
    written |= {name: False for name in _USUAL if not getattr(instrument, name)}
    if situation.view is not None:
        written["saw"] = write_view(situation.view, situation.now_ms)
    if obstacle is not None:
        written["obstacle"] = (obstacle.reason, shorten(obstacle.detail))
    if situation.may_exit:
        written["may_exit"] = True
    if situation.blocked:
        written["blocked"] = [write_place(place) for place in sorted(situation.blocked)]
    if situation.only is not None:
        written["only"] = [write_place(place) for place in sorted(situation.only)]
    return written


def write_decision(decision: Decision) -> dict[str, Any]:
    """Write down what was decided, with each stage's effect for people to read."""
    desired = decision.desired
    if isinstance(desired, NoQuotes):
        leaving = [_write_quote(each) for each in decision.quotes]
        said: dict[str, Any] = {"no_quotes": desired.reason, "detail": shorten(desired.detail)}
        return said | ({"quotes": leaving} if leaving else {})
    return {
        "fair": desired.fair,
        "ratio": _rounded(desired.ratio),
        "stages": list(_write_stages(desired.stages)),
        "quotes": [_write_quote(each) for each in desired.quotes],
        **({"skipped": [(each.side, each.reason) for each in desired.skipped]} if desired.skipped else {}),
        **({"ignored": shorten(desired.ignored)} if desired.ignored else {}),
    }


def _write_quote(quote: Quote) -> tuple[Any, ...]:
    style = () if quote.style is None else (quote.style,)
    return (*write_place((quote.side, quote.level)), quote.price, quote.size_base, *style)


def _write_stages(stages: Sequence[Stage]) -> Iterator[tuple[str, str, str]]:
    moved = (after for before, after in pairwise(stages) if (before.bid, before.ask) != (after.bid, after.ask))
    for stage in (*stages[:1], *moved):
        yield stage.name, _rounded(stage.bid), _rounded(stage.ask)


def write_place(place: Place) -> tuple[str, int]:
    """Write the side and level of a quote."""
    side, level = place
    return side[0], level


def shorten(text: str) -> str:
    """Cut an explanation to its bound."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def read_decisions(record: Mapping[str, Any]) -> tuple[RecordedDecision, ...]:
    """Read every decision of a tick's full record; a brief one holds none.

    Raises:
        ValueError: the record is not one of a tick, or of a release that wrote it differently.
    """
    try:
        return tuple(_read_decision(record, market) for market in record.get("markets", ()) if "grid" in market)
    except (KeyError, TypeError, ValueError, IndexError, InvalidOperation) as error:
        slot = record.get("slot_ms", "unknown")
        raise ValueError(f"the record of slot {slot} cannot be read: {type(error).__name__} {error}") from error


def _write_order(order: Order, now_ms: int) -> tuple[Any, ...]:
    executed = (order.executed_base,) if order.executed_base else ()
    age_ms = now_ms - order.created_ms
    return order.client_id, order.venue_id, order.side[0], order.price, order.size_base, age_ms, *executed


def _read_decision(record: Mapping[str, Any], market: Mapping[str, Any]) -> RecordedDecision:
    no_quotes = market.get("no_quotes")
    quotes = tuple(_read_quote(row) for row in market.get("quotes", ()))
    return RecordedDecision(
        account=AccountName(record["account"]),
        slot_ms=int(record["slot_ms"]),
        config_hash=str(record["config"]),
        situation=_read_situation(market),
        no_quotes=None if no_quotes is None else _read_obstacle((no_quotes, market["detail"])),
        quotes=quotes,
        kept=tuple(int(position) for position in market["kept"]),
        cancelled=tuple(_read_cancel(*row) for row in market["cancelled"]),
        placed=tuple((quotes[int(row[0])].side, quotes[int(row[0])].level) for row in market["placed"]),
        outcomes=tuple(str([*row, ACCEPTED][1]) for row in market["placed"]),
        held_back=market.get("held_back"),
    )


def _read_cancel(
    position: int, why: str = CancelReason.PRICE_MOVED, outcome: str = CANCELLED, *_words: str
) -> tuple[int, str, str]:
    return int(position), str(why), str(outcome)


def _read_situation(market: Mapping[str, Any]) -> Situation:
    symbol = Symbol(market["symbol"])
    base, quote = market["assets"]
    tick_size, lot_size, min_size_base, min_notional_quote = map(Decimal, market["grid"])
    instrument = Instrument(
        symbol=symbol,
        base=Asset(base),
        quote=Asset(quote),
        tick_size=tick_size,
        lot_size=lot_size,
        min_size_base=min_size_base,
        min_notional_quote=min_notional_quote,
        **{name: bool(market.get(name, True)) for name in _USUAL},
    )
    return Situation(
        now_ms=int(market["at_ms"]),
        instrument=instrument,
        view=read_view(symbol, market["saw"], int(market["at_ms"])) if "saw" in market else None,
        obstacle=_read_obstacle(market["obstacle"]) if "obstacle" in market else None,
        may_exit=bool(market.get("may_exit")),
        live=tuple(_read_order(symbol, int(market["at_ms"]), row) for row in market["live"]),
        blocked=frozenset(_read_places(market.get("blocked", ()))),
        only=frozenset(_read_places(market["only"])) if "only" in market else None,
    )


def _read_obstacle(row: Sequence[str]) -> NoQuotes:
    reason, detail = row
    return NoQuotes(reason=NoQuotesReason(reason), detail=detail)


def _read_order(symbol: Symbol, now_ms: int, row: Sequence[Any]) -> Order:
    client_id, venue_id, side, price, size, age_ms, *executed = row
    return Order(
        venue_id=VenueOrderId(venue_id),
        client_id=None if client_id is None else ClientOrderId(client_id),
        symbol=symbol,
        side=SIDES[side],
        price=Decimal(price),
        size_base=Decimal(size),
        executed_base=Decimal(executed[0]) if executed else ZERO,
        created_ms=now_ms - int(age_ms),
    )


def _read_places(rows: Iterable[Sequence[Any]]) -> tuple[Place, ...]:
    return tuple((SIDES[row[0]], int(row[1])) for row in rows)


def _read_quote(row: Sequence[Any]) -> Quote:
    side, level, price, size, *style = row
    return Quote(
        side=SIDES[side],
        level=int(level),
        price=Decimal(price),
        size_base=Decimal(size),
        style=ExitStyle(style[0]) if style else None,
    )


def _rounded(figure: Decimal) -> str:
    return f"{figure:.{_SIGNIFICANT}g}"
