"""A listed symbol: its engine, its clock, and how Binance writes them down."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from infra.local.exchange.clock import MarketClock
from infra.local.exchange.dialect import Params, fixed
from infra.local.exchange.limits import ORDERS_PER_TEN_SECONDS, WEIGHT_PER_MINUTE
from marketmaker.domain.markets import Instrument
from marketmaker.domain.units import ZERO
from marketmaker.simulation.events import Level
from marketmaker.simulation.klines import MarketKlines
from marketmaker.simulation.matching import Depth, Engine
from marketmaker.simulation.orders import AccountOrder, AccountTrade, OrderType, TimeInForce
from marketmaker.simulation.statistics import DAY_US, DaySummary
from marketmaker.simulation.wallet import Wallet

type Json = dict[str, object]
type Answer = Json | list[Json] | list[list[object]]
type Handler = Callable[[Listing, Params, int], Answer]

MOST = Decimal(9_000_000)
"""The largest price and size of an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One symbol of the exchange; daily volumes are the market's average before it began.

    `book`, `trades` and `wallet` are what a faulty venue shows in place of the engine's own.
    """

    engine: Engine
    clock: MarketClock
    klines: MarketKlines
    began_us: int
    daily_volume_base: Decimal
    daily_volume_quote: Decimal
    status: str = "TRADING"
    book: Depth | None = None
    trades: Sequence[AccountTrade] | None = None
    wallet: Wallet | None = None

    @property
    def market_id(self) -> str:
        """The symbol in Binance's notation."""
        return f"{self.instrument.base}{self.instrument.quote}"

    @property
    def instrument(self) -> Instrument:
        """The symbol's grids and minimums."""
        return self.engine.instrument

    @property
    def shown_trades(self) -> Sequence[AccountTrade]:
        """The account's trades, ascending by id."""
        return self.engine.account.trades if self.trades is None else self.trades

    @property
    def shown_wallet(self) -> Wallet:
        """The account's balances."""
        return self.engine.account.wallet if self.wallet is None else self.wallet

    def depth(self, limit: int) -> Depth:
        """Return the best levels of both sides."""
        if self.book is None:
            return self.engine.depth(limit)
        return replace(self.book, bids=self.book.bids[:limit], asks=self.book.asks[:limit])

    def info(self) -> Json:
        """Describe the symbol as exchangeInfo does."""
        instrument = self.instrument
        return {
            "symbol": self.market_id,
            "status": self.status,
            "baseAsset": instrument.base,
            "baseAssetPrecision": 8,
            "quoteAsset": instrument.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": [kind.value for kind in OrderType],
            "icebergAllowed": False,
            "ocoAllowed": False,
            "otoAllowed": False,
            "quoteOrderQtyMarketAllowed": False,
            "allowTrailingStop": False,
            "cancelReplaceAllowed": False,
            "amendAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": self._filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
        }

    def order(self, order: AccountOrder) -> Json:
        """Write an order as GET /order does."""
        request = order.request
        created_ms = self.clock.wall_ms(order.created_us)
        return {
            "symbol": self.market_id,
            "orderId": order.order_id,
            "orderListId": -1,
            "clientOrderId": request.client_id,
            "price": fixed(request.price or ZERO),
            "origQty": fixed(request.size_base),
            "executedQty": fixed(order.executed_base),
            "cummulativeQuoteQty": fixed(order.executed_quote),
            "status": order.status.value,
            "timeInForce": _time_in_force(order),
            "type": request.type.value,
            "side": request.side.value.upper(),
            "stopPrice": "0.00000000",
            "icebergQty": "0.00000000",
            "time": created_ms,
            "updateTime": self.clock.wall_ms(order.updated_us),
            "isWorking": True,
            "workingTime": created_ms,
            "origQuoteOrderQty": "0.00000000",
            "selfTradePreventionMode": "EXPIRE_MAKER",
        }

    def receipt(self, order: AccountOrder) -> Json:
        """Write an order as the answer to placing it does, without its fills."""
        shown = self.order(order)
        for name in ("stopPrice", "icebergQty", "time", "updateTime", "isWorking"):
            del shown[name]
        return {**shown, "transactTime": self.clock.wall_ms(order.created_us)}

    def cancellation(self, order: AccountOrder, new_client_id: str) -> Json:
        """Write an order as the answer to cancelling it does."""
        shown = {**self.receipt(order), "transactTime": self.clock.wall_ms(order.updated_us)}
        del shown["workingTime"]
        return {**shown, "origClientOrderId": order.request.client_id, "clientOrderId": new_client_id}

    def trade(self, trade: AccountTrade) -> Json:
        """Write a trade as myTrades does."""
        return {
            "symbol": self.market_id,
            "id": trade.trade_id,
            "orderId": trade.order_id,
            "orderListId": -1,
            "price": fixed(trade.price),
            "qty": fixed(trade.size_base),
            "quoteQty": fixed(trade.notional_quote),
            "commission": fixed(trade.commission),
            "commissionAsset": trade.commission_asset,
            "time": self.clock.wall_ms(trade.time_us),
            "isBuyer": trade.side.sign > 0,
            "isMaker": trade.is_maker,
            "isBestMatch": True,
        }

    def day(self) -> DaySummary:
        """Sum up the market's last 24 h, the part before it began filled with its average volume."""
        engine = self.engine
        day = engine.day.summary(engine.now_us)
        if day is None:
            mid = self.last_price()
            day = DaySummary(open=mid, high=mid, low=mid, last=mid, volume_base=ZERO, volume_quote=ZERO, count=0)
        elapsed_us = min(DAY_US, max(0, engine.now_us - self.began_us))
        before = Decimal(DAY_US - elapsed_us) / DAY_US
        return DaySummary(
            open=day.open,
            high=day.high,
            low=day.low,
            last=day.last,
            volume_base=day.volume_base + before * self.daily_volume_base,
            volume_quote=day.volume_quote + before * self.daily_volume_quote,
            count=day.count,
        )

    def last_price(self) -> Decimal:
        """Return the price of the last trade; before the first, the best price there is."""
        last = self.engine.day.last
        if last is not None:
            return last.price
        depth = self.engine.depth(1)
        return next((level.price for level in (*depth.bids, *depth.asks)), ZERO)

    def _filters(self) -> list[Json]:
        instrument, most = self.instrument, fixed(MOST)
        tick = fixed(instrument.tick_size)
        lots = {"minQty": fixed(instrument.min_size_base), "maxQty": most, "stepSize": fixed(instrument.lot_size)}
        return [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": most, "tickSize": tick},
            {"filterType": "LOT_SIZE", **lots},
            {"filterType": "MARKET_LOT_SIZE", **lots},
            {
                "filterType": "NOTIONAL",
                "minNotional": fixed(instrument.min_notional_quote),
                "applyMinToMarket": True,
                "maxNotional": most,
                "applyMaxToMarket": False,
                "avgPriceMins": 0,
            },
        ]


def levels(side: Iterable[Level]) -> list[list[str]]:
    """Write one side of the book."""
    return [[fixed(price), fixed(size)] for price, size in side]


def rate_limits() -> list[Json]:
    """Write the venue's limits as exchangeInfo does."""
    return [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_PER_MINUTE},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": ORDERS_PER_TEN_SECONDS},
    ]


def _time_in_force(order: AccountOrder) -> str:
    request = order.request
    return TimeInForce.GTC.value if request.type is OrderType.LIMIT_MAKER else request.time_in_force.value
