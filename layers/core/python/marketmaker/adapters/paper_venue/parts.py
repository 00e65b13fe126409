"""What a paper venue is made of: a venue's public side, a place to keep the account, and the account's settings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from marketmaker.adapters.ccxt_venue import Premium, TradesRead
from marketmaker.adapters.paper_venue.account import PaperAccount
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import FeeSchedule, Instrument
from marketmaker.domain.pricing import Book
from marketmaker.domain.state import VenueMetadata
from marketmaker.domain.units import BPS, AccountName, Asset, Symbol
from marketmaker.domain.venues import MarketKind
from marketmaker.ports import Deadline, RateLimit, Unknown
from marketmaker.simulation.account import FeeAsset, FeeRates


class PublicMarket(Protocol):
    """What a venue tells without a login."""

    def knows(self, symbols: Sequence[Symbol], since_ms: int = 0) -> bool:
        """Tell whether these markets' metadata is loaded, none of it before a moment."""
        ...

    def doubts(self, symbols: Sequence[Symbol]) -> bool:
        """Tell whether one of these markets' metadata is to be read anew."""
        ...

    def doubt(self, symbol: Symbol) -> None:
        """Put a market's metadata in doubt."""
        ...

    def load(self, metadata: Sequence[VenueMetadata]) -> None:
        """Use stored metadata."""
        ...

    def fetch_metadata(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[VenueMetadata]:
        """Read metadata and use it."""
        ...

    def instrument(self, symbol: Symbol) -> Instrument:
        """Return a loaded market's rules."""
        ...

    def fetch_klines(
        self, symbol: Symbol, since_ms: int, until_ms: int, deadline: Deadline, *, interval_ms: int = 1_000
    ) -> Sequence[Kline]:
        """Read klines."""
        ...

    def fetch_day_volume(self, symbols: Sequence[Symbol], deadline: Deadline) -> Sequence[DayVolume]:
        """Read what was traded in the last 24 h."""
        ...

    def books(
        self, symbols: Sequence[Symbol], last_for: Sequence[Symbol], deadline: Deadline
    ) -> tuple[Mapping[Symbol, Book | Unknown], Mapping[Symbol, Decimal | Unknown]]:
        """Read books and last prices in one parallel round."""
        ...

    def public_trades(
        self, from_ids: Mapping[Symbol, int | None], deadline: Deadline
    ) -> Mapping[Symbol, TradesRead | Unknown]:
        """Read public trades from ids on; None asks for the newest one's id only."""
        ...

    def premiums(self, symbols: Sequence[Symbol], deadline: Deadline) -> Mapping[Symbol, Premium | Unknown]:
        """Read marks and the next funding of perpetuals in one parallel round."""
        ...

    def rate_limit(self) -> RateLimit:
        """Tell what is known of the request limit now."""
        ...

    def block_until(self, until_ms: int, *, is_ban: bool = False) -> None:
        """Respect a block that another invocation was told of."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """An account as it was read; `version` 0 is that of one never written."""

    account: PaperAccount
    version: int


class PaperStore(Protocol):
    """Where paper accounts are kept."""

    def load(self, account: AccountName) -> StoredAccount | None:
        """Read an account consistently; None if there is none."""
        ...

    def save(self, account: AccountName, content: PaperAccount, *, version: int) -> None:
        """Write an account over the version that was read.

        Raises:
            Conflict: it is not at that version any more; nothing was written.
            Retryable: no answer; it may have been written.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperLogin:
    """The account on paper: what it opens with, once, and what its markets charge."""

    account: AccountName
    opening: Mapping[Asset, Decimal]
    fees: Mapping[Symbol, FeeSchedule]

    def rates(self, symbol: Symbol) -> FeeRates:
        """Return what a market charges, as the matching engine counts it."""
        fees = self.fees[symbol]
        asset = FeeAsset.QUOTE if MarketKind.of(symbol) is MarketKind.PERPETUAL else FeeAsset.RECEIVED
        return FeeRates(maker=fees.maker_bps * BPS, taker=fees.taker_bps * BPS, asset=asset)

    def perpetuals(self, symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
        """Pick the account's own perpetuals."""
        return tuple(each for each in symbols if each in self.fees and MarketKind.of(each) is MarketKind.PERPETUAL)
