"""An operator says that money came or went, so that the ledger explains what the venue holds again (S2b).

What a market gets or gives is booked in its ledger, at its price: no gain and no loss. What no market gets is foreign
from then on. A transfer has an id, so that one that is told twice is booked once.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from marketmaker.domain.inventory import Transfer, TransferRow, book_transfer
from marketmaker.domain.markets import Instrument
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import MarketState
from marketmaker.domain.units import ONE, TWO, ZERO, AccountName, Asset, Symbol, plain
from marketmaker.errors import Conflict, Refused, Retryable
from marketmaker.ports import Deadline
from marketmaker.usecases.desk import Desk

_TRIES = 10
"""How often a market's item is read anew where a tick wrote it in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """Who says that so much of an asset came, or below zero went; without a symbol no market gets or gives it.

    `price_quote` is what a unit of a market's base is worth, the middle of its book where it is None.
    """

    account: AccountName
    symbol: Symbol | None
    asset: Asset
    amount: Decimal
    reason: str
    requested_by: str
    id: str
    price_quote: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferReport:
    """What was booked, and what is held since: by the market, or as foreign."""

    request: TransferRequest
    price_quote: Decimal | None
    held: Decimal


def book_a_transfer(request: TransferRequest, desk: Desk, deadline: Deadline) -> TransferReport:
    """Book a transfer; one that is booked already is refused.

    Raises:
        Refused: market and asset do not fit, more goes than there is, or the id is booked already.
        Retryable, Fatal: store or venue did not answer, or refuse us.
        Conflict: ticks wrote the market's item again and again.
    """
    if not request.amount:
        raise Refused("amount: 0 is not allowed: what came, or below zero what went")
    report = _note_foreign(request, desk) if request.symbol is None else _book(request, request.symbol, desk, deadline)
    fields = {name: getattr(request, name) for name in request.__slots__}
    desk.telemetry.record("transfer", {**fields, "price_quote": report.price_quote, "held": report.held})
    return report


def _note_foreign(request: TransferRequest, desk: Desk) -> TransferReport:
    foreign = desk.store.read_control(request.account).foreign.get(request.asset)
    if foreign is None:
        raise Refused(f"asset: {request.asset} is not allowed: one that a market of {request.account} has opened with")
    held = foreign + request.amount
    if held < ZERO:
        raise Refused(f"amount: {plain(request.amount)} is not allowed: only {plain(foreign)} is no market's")
    desk.store.set_foreign(request.account, {request.asset: held})
    return TransferReport(request=request, price_quote=None, held=held)


def _book(request: TransferRequest, symbol: Symbol, desk: Desk, deadline: Deadline) -> TransferReport:
    if symbol not in desk.settings.symbols:
        raise Refused(f"symbol: {symbol} is not allowed: one of {', '.join(desk.settings.symbols)}")
    desk.ensure_metadata(deadline)
    instrument = desk.venue.instrument(symbol)
    is_perpetual = desk.settings.market(symbol).perpetual is not None
    assets = (instrument.quote,) if is_perpetual else (instrument.base, instrument.quote)
    if request.asset not in assets:
        raise Refused(f"asset: {request.asset} is not allowed: {' or '.join(assets)} in {symbol}")
    price = ONE if request.asset == instrument.quote else request.price_quote or _mid(desk, symbol, deadline)
    transfer = Transfer(
        id=request.id,
        time_ms=desk.clock.now_ms(),
        asset=request.asset,
        amount=request.amount,
        price_quote=price,
        reason=f"{request.reason} ({request.requested_by})",
    )
    return TransferReport(request=request, price_quote=price, held=_written(desk, symbol, transfer, instrument))


def _mid(desk: Desk, symbol: Symbol, deadline: Deadline) -> Decimal:
    book = desk.venue.read_books([symbol], deadline)[symbol]
    if not isinstance(book, Book) or book.best_bid is None or book.best_ask is None or book.is_crossed:
        raise Retryable(f"{symbol} has no book to price the transfer by; name its price")
    return (book.best_bid + book.best_ask) / TWO


def _written(desk: Desk, symbol: Symbol, transfer: Transfer, instrument: Instrument) -> Decimal:
    """Book a transfer into the market's newest item; returns what the market then holds of the asset."""
    name = desk.settings.name
    for _ in range(_TRIES):
        market = desk.store.read_account(name).markets.get(symbol)
        if market is None:
            raise Refused(f"{symbol} has not opened: what the login holds then is its opening")
        held = _holding(market, transfer.asset, instrument)
        if held + transfer.amount < ZERO:
            raise Refused(f"amount: {plain(transfer.amount)} is not allowed: the market has {plain(held)}")
        inventory, row = book_transfer(market.inventory, transfer, instrument)
        try:
            written = desk.store.book(name, replace(market, inventory=inventory), [row])
        except Conflict:
            if _is_booked(desk, symbol, transfer.id):
                raise Refused(f"id: {transfer.id} is booked already") from None
            continue
        return _holding(written, transfer.asset, instrument)
    raise Conflict(f"{name} {symbol} changed {_TRIES} times while the transfer was written; try again")


def _holding(market: MarketState, asset: Asset, instrument: Instrument) -> Decimal:
    """Return what a market has of an asset; of a perpetual's quote its collateral."""
    inventory = market.inventory
    if asset == instrument.base:
        return inventory.base
    return inventory.quote if market.funding is None else inventory.collateral_quote


def _is_booked(desk: Desk, symbol: Symbol, transfer_id: str) -> bool:
    rows = desk.store.ledger(desk.settings.name, symbol)
    return any(isinstance(row, TransferRow) and row.transfer.id == transfer_id for row in rows)
