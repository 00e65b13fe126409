"""What a paper venue stands on, in memory: a market that others make, and a store that keeps accounts as text."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from marketmaker.adapters.ccxt_venue import Hole, Premium, PublicTrade, TradesRead
from marketmaker.adapters.paper_venue import PaperAccount, StoredAccount
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Side
from marketmaker.domain.pricing import Book, BookLevel
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import Conflict, Retryable
from marketmaker.ports import Clock, Deadline, RateLimit, Unknown
from tests.builders import SYMBOL, instrument


class FakePublicMarket:
    """Books that a test sets, and every trade it makes; a part that is `unknown` cannot be read.

    `after_books` happens just after each read of the books.
    """

    def __init__(self, clock: Clock, instruments: Sequence[Instrument] = (instrument(),)) -> None:
        self._clock = clock
        self._instruments = {each.symbol: each for each in instruments}
        self._books: dict[Symbol, Book] = {}
        self.trades: dict[Symbol, list[PublicTrade]] = {each.symbol: [] for each in instruments}
        self.holes: dict[Symbol, tuple[Hole, ...]] = {}
        self.premium_of: dict[Symbol, Premium | Unknown] = {}
        self.unknown: dict[str, Unknown] = {}
        self.after_books: Callable[[], object] = lambda: None
        self.asked: list[Mapping[Symbol, int | None]] = []
        self.doubted: set[Symbol] = set()
        self.limit = RateLimit()
        for each in instruments:
            self.quote("1899x2 1898x3", "1901x2 1902x3", each.symbol)

    def quote(self, bids: str, asks: str, symbol: Symbol = SYMBOL) -> None:
        """Show a book, `price x size` best first."""

        def levels(text: str) -> tuple[BookLevel, ...]:
            parts = (level.split("x") for level in text.split())
            return tuple(BookLevel(price=Decimal(price), size_base=Decimal(size)) for price, size in parts)

        update_id = self._books[symbol].update_id + 1 if symbol in self._books else 1
        self._books[symbol] = Book(symbol=symbol, bids=levels(bids), asks=levels(asks), update_id=update_id)

    def trade(self, taker_side: Side, price: str | Decimal, size: str | Decimal, symbol: Symbol = SYMBOL) -> None:
        """Let others trade."""
        listed = self.trades[symbol]
        listed.append(
            PublicTrade(
                trade_id=listed[-1].trade_id + 1 if listed else 0,
                taker_side=taker_side,
                price=Decimal(price),
                size_base=Decimal(size),
                time_ms=self._clock.now_ms(),
            )
        )

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:
        """Tell whether the markets exist."""
        return set(symbols) <= self._instruments.keys()

    def doubts(self, symbols: Sequence[Symbol]) -> bool:
        """Tell whether a market was put in doubt."""
        return not self.doubted.isdisjoint(symbols)

    def doubt(self, symbol: Symbol) -> None:
        """Note it."""
        self.doubted.add(symbol)

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Nothing is loaded."""

    def fetch_metadata(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[VenueMetadata]:
        """Describe markets."""
        return [VenueMetadata(symbol=symbol, fetched_ms=self._clock.now_ms(), payload="{}") for symbol in symbols]

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a market's rules."""
        return self._instruments[symbol]

    def fetch_klines(
        self, symbol: Symbol, since_ms: int, until_ms: int, deadline: Deadline, *, interval_ms: int = 1_000
    ) -> Sequence[Kline]:
        """There are none."""
        return []

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:
        """There is none."""
        return []

    def books(
        self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline
    ) -> tuple[Mapping[Symbol, Book | Unknown], Mapping[Symbol, Decimal | Unknown]]:
        """Read the books, and the last price as the first bid."""
        books = {symbol: self.unknown.get("books", self._books[symbol]) for symbol in symbols}
        self.after_books()
        return books, {symbol: self._books[symbol].bids[0].price for symbol in last_for}

    def public_trades(
        self, from_ids: Mapping[Symbol, int | None], deadline: Deadline
    ) -> Mapping[Symbol, TradesRead | Unknown]:
        """Read the trades from ids on."""
        self.asked.append(dict(from_ids))
        return {symbol: self.unknown.get("trades", self._read(symbol, from_id)) for symbol, from_id in from_ids.items()}

    def premiums(self, symbols: Sequence[Symbol], deadline: Deadline) -> Mapping[Symbol, Premium | Unknown]:
        """Read the marks and the next funding that a test set."""
        return {symbol: self.unknown.get("premiums", self.premium_of[symbol]) for symbol in symbols}

    def rate_limit(self) -> RateLimit:
        """Tell what was passed on."""
        return self.limit

    def block_until(self, until_ms: int, *, is_ban: bool = False) -> None:
        """Note a block."""
        self.limit = RateLimit(blocked_until_ms=until_ms, is_ban=is_ban)

    def _read(self, symbol: Symbol, from_id: int | None) -> TradesRead:
        listed = self.trades[symbol]
        next_id = listed[-1].trade_id + 1 if listed else 0
        if from_id is None:
            return TradesRead(trades=(), next_id=next_id)
        new = tuple(each for each in listed if each.trade_id >= from_id)
        return TradesRead(trades=new, next_id=next_id, holes=self.holes.pop(symbol, ()))


class InMemoryPaperStore:
    """Implements `PaperStore`; `before_save` happen just before the next writes, one each."""

    def __init__(self) -> None:
        self._kept: dict[AccountName, tuple[str, int]] = {}
        self.before_save: deque[Callable[[], object]] = deque()
        self.lost: deque[bool] = deque()
        self.writes = 0

    def lose_next_answer(self, *, is_written: bool) -> None:
        """Let the next write end without an answer."""
        self.lost.append(is_written)

    def load(self, account: AccountName) -> StoredAccount | None:
        """Read an account."""
        if account not in self._kept:
            return None
        text, version = self._kept[account]
        return StoredAccount(account=msgspec.json.decode(text, type=PaperAccount), version=version)

    def save(self, account: AccountName, content: PaperAccount, *, version: int) -> None:
        """Write an account over the version that was read."""
        if self.before_save:
            self.before_save.popleft()()
        if self.lost and not self.lost[0]:
            self.lost.popleft()
            raise Retryable("no answer")
        if self._kept.get(account, ("", 0))[1] != version:
            raise Conflict(f"not at version {version} any more")
        self.writes += 1
        self._kept[account] = (msgspec.json.encode(content).decode(), version + 1)
        if self.lost:
            self.lost.popleft()
            raise Retryable("no answer")
