"""A listed symbol as Binance's spot API writes it down."""

from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal

from infra.local.exchange.binance.words import fixed
from infra.local.exchange.market import Json, Market
from marketmaker.domain.units import ZERO
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import AccountOrder, AccountTrade, OrderType, TimeInForce
from marketmaker.simulation.wallet import Wallet

MOST = Decimal(9_000_000)
"""The largest price and size of an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Market[Engine]):
    """One spot symbol of the exchange."""

    @property
    def market_id(self) -> str:
        """The symbol in Binance's notation."""
        return f"{self.instrument.base}{self.instrument.quote}"

    def holdings(self) -> Wallet:
        """Return a copy of the account's balances."""
        return deepcopy(self.engine.account.wallet)

    @property
    def shown_wallet(self) -> Wallet:
        """The account's balances."""
        return self.held if isinstance(self.held, Wallet) else self.engine.account.wallet

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


def _time_in_force(order: AccountOrder) -> str:
    request = order.request
    return TimeInForce.GTC.value if request.type is OrderType.LIMIT_MAKER else request.time_in_force.value
