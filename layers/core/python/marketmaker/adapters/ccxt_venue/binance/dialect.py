"""Binance's dialect: two APIs, both asked by what `apis` calls their routes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from marketmaker.adapters.ccxt_venue.binance import markets, orders, perpetuals, published
from marketmaker.adapters.ccxt_venue.binance.apis import SPOT_API, USDM_API, Api, market_id
from marketmaker.adapters.ccxt_venue.binance.public_trades import read_trades
from marketmaker.adapters.ccxt_venue.dialect import Ask, Call, Dialect, KlinesWanted, Market, OwnTrade, Premium, Read
from marketmaker.adapters.ccxt_venue.public_trades import TradesRead
from marketmaker.adapters.ccxt_venue.strict import StrictJson
from marketmaker.domain.klines import DayVolume, Kline
from marketmaker.domain.markets import Instrument
from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import NewOrder, Order
from marketmaker.domain.positions import FundingPayment, Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.units import Asset, ClientOrderId, Symbol, VenueOrderId
from marketmaker.ports import Balance, KeyPermissions, Unknown


class StrictBinance(StrictJson):
    """Binance's dialect. A key that worked before and is refused now is refused: ccxt would call that a rate limit."""

    options: dict[str, Any]

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request, and forget that it was signed with a good key."""
        answer = super().request(*args, **kwargs)  # type: ignore[misc]
        self.options["hasAlreadyAuthenticatedSuccessfully"] = False
        return answer


class Binance(Dialect):
    """One of Binance's APIs, and of those that speak as it does."""

    strict: ClassVar[type[StrictJson]] = StrictBinance
    used_weight_header: ClassVar[str | None] = "X-MBX-USED-WEIGHT-1M"

    def __init__(self, api: Api) -> None:
        self.api = api
        self.options = api.options
        self.is_perpetual = api.is_perpetual

    def market_id(self, symbol: Symbol) -> str:
        """Name a market as the venue does."""
        return market_id(symbol)

    def venue_time(self) -> Call[int]:
        """Ask for the venue's clock."""
        return published.venue_time(self.api)

    def listed(self, symbols: Sequence[Symbol]) -> Call[dict[Symbol, Market]]:
        """Ask for markets' metadata."""
        return lambda client: markets.read_listed(client, self.api, {symbol: market_id(symbol) for symbol in symbols})

    def instrument(self, market: Market) -> Instrument:
        """Read the trading rules of a market."""
        return markets.parse_instrument(market)

    def book(self, symbol: Symbol) -> Call[Book]:
        """Ask for a market's book."""
        return published.book_of(self.api, symbol)

    def last_price(self, symbol: Symbol) -> Call[Decimal]:
        """Ask for the price of a market's last trade."""
        return published.last_price_of(self.api, symbol)

    def klines(self, read: Read, wanted: KlinesWanted) -> list[Kline]:
        """Read klines to the last page."""
        return published.all_klines(read, self.api, wanted)

    def day_volumes(self, symbols: Sequence[Symbol]) -> Call[list[DayVolume]]:
        """Ask for the day's volume of these markets."""
        return published.day_volumes(self.api, symbols)

    def public_trades(self, ask: Ask, from_ids: Mapping[Symbol, int | None]) -> dict[Symbol, TradesRead | Unknown]:
        """Read markets' aggregate trades from ids on, all markets at once."""
        wanted = {symbol: (market_id(symbol), from_id) for symbol, from_id in from_ids.items()}
        return read_trades(ask, wanted, self.api.routes.public_trades)

    def open_orders(self) -> Call[tuple[Order, ...]]:
        """Ask for all open orders of the login."""
        return orders.open_orders(self.api)

    def balances(self) -> Call[dict[Asset, Balance]]:
        """Ask for the login's balances."""
        return orders.balances(self.api)

    def find_order(self, read: Read, symbol: Symbol, key: ClientOrderId | VenueOrderId, *, by_client_id: bool) -> Order:
        """Look one order up."""
        return read(orders.order_of(self.api, symbol, key, by_client_id=by_client_id))

    def trades_since(self, read: Read, symbol: Symbol, from_id: int) -> list[OwnTrade]:
        """Read the login's trades from an id on; they do not tell their order's client id."""
        return [OwnTrade(fill=fill) for fill in orders.all_trades(read, self.api, symbol, from_id)]

    def newest_trade_id(self, symbol: Symbol) -> Call[int | None]:
        """Ask for the id of the login's newest trade."""
        ask = orders.trades_page(self.api, symbol, {"limit": 1})
        return lambda client: max((int(fill.trade_id) for fill in ask(client)), default=None)

    def permissions(self) -> Call[KeyPermissions]:
        """Ask what the login's key may do."""
        return orders.permissions(self.api)

    def creation(self, order: NewOrder) -> Call[Order]:
        """Ask for a new order."""
        return orders.creation(self.api, order)

    def cancellation(self, order: Order) -> Call[Order]:
        """Ask for a cancel."""
        return orders.cancellation(self.api, order)

    def countdown(self, symbol: Symbol, after_ms: int) -> Call[None]:
        """Ask the venue to cancel everything in a market after so long."""
        return orders.countdown(self.api, symbol, after_ms)

    def positions(self, symbols: Sequence[Symbol]) -> Call[dict[Symbol, Position | Unknown]]:
        """Ask for the login's positions in these markets."""
        return perpetuals.positions(self.api, symbols)

    def premium(self, symbol: Symbol) -> Call[Premium]:
        """Ask what is paid next, and for the mark."""
        return perpetuals.premium(self.api, symbol)

    def funding_since(self, read: Read, symbol: Symbol, since_ms: int) -> list[FundingPayment]:
        """Read funding payments from a moment on."""
        return perpetuals.funding_since(read, self.api, symbol, since_ms) if self.is_perpetual else []

    def leverage(self, symbol: Symbol, wanted: Perpetual) -> Call[None]:
        """Tell the venue how a market is to be held."""
        return perpetuals.leverage(self.api, symbol, wanted) if self.is_perpetual else super().leverage(symbol, wanted)


SPOT, USDM = Binance(SPOT_API), Binance(USDM_API)
