"""A listed perpetual as Binance's USDⓈ-M API writes it down."""

from dataclasses import dataclass
from decimal import Decimal

from infra.local.exchange.binance.words import fixed
from infra.local.exchange.market import Json
from infra.local.exchange.perpetual import PerpetualListing
from marketmaker.domain.units import ZERO
from marketmaker.simulation.orders import AccountOrder, AccountTrade, OrderType

MOST = Decimal(9_000_000)
"""The largest price and size of an order."""
POST_ONLY = "GTX"
ORDER_TYPES = ("LIMIT", "MARKET")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", POST_ONLY)
NEVER_MS = 4_133_404_800_000
"""What the venue tells as a perpetual's delivery date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsdmListing(PerpetualListing):
    """One USDⓈ-M perpetual."""

    @property
    def market_id(self) -> str:
        """The symbol in Binance's notation."""
        return f"{self.instrument.base}{self.instrument.quote}"

    def info(self) -> Json:
        """Describe the symbol as exchangeInfo does."""
        instrument, terms = self.instrument, self.engine.account.terms
        return {
            "symbol": self.market_id,
            "pair": self.market_id,
            "contractType": "PERPETUAL",
            "deliveryDate": NEVER_MS,
            "onboardDate": 0,
            "status": self.status,
            "maintMarginPercent": format(100 * terms.maintenance_rate, ".4f"),
            "requiredMarginPercent": format(100 / terms.max_leverage, ".4f"),
            "baseAsset": instrument.base,
            "quoteAsset": instrument.quote,
            "marginAsset": instrument.quote,
            "pricePrecision": _decimals(instrument.tick_size),
            "quantityPrecision": _decimals(instrument.lot_size),
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "underlyingSubType": [],
            "triggerProtect": "0.0500",
            "liquidationFee": format(terms.liquidation_fee_rate, ".6f"),
            "marketTakeBound": "0.05",
            "filters": self._filters(),
            "orderTypes": list(ORDER_TYPES),
            "timeInForce": list(TIMES_IN_FORCE),
        }

    def order(self, order: AccountOrder) -> Json:
        """Write an order as GET /order does."""
        return {**self.receipt(order), "time": self.clock.wall_ms(order.created_us)}

    def receipt(self, order: AccountOrder) -> Json:
        """Write an order as the answer to placing or cancelling it does."""
        request = order.request
        average = order.executed_quote / order.executed_base if order.executed_base else ZERO
        kind = OrderType.MARKET if request.price is None else OrderType.LIMIT
        return {
            "symbol": self.market_id,
            "orderId": order.order_id,
            "clientOrderId": request.client_id,
            "price": fixed(request.price or ZERO),
            "avgPrice": format(average, ".8f"),
            "origQty": fixed(request.size_base),
            "executedQty": fixed(order.executed_base),
            "cumQty": fixed(order.executed_base),
            "cumQuote": fixed(order.executed_quote),
            "status": order.status.value,
            "timeInForce": POST_ONLY if request.type is OrderType.LIMIT_MAKER else request.time_in_force.value,
            "type": "LIQUIDATION" if order.is_liquidation else kind.value,
            "origType": "LIQUIDATION" if order.is_liquidation else kind.value,
            "side": request.side.value.upper(),
            "positionSide": "BOTH",
            "reduceOnly": request.reduce_only,
            "closePosition": False,
            "stopPrice": "0.00000000",
            "workingType": "CONTRACT_PRICE",
            "priceProtect": False,
            "priceMatch": "NONE",
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "goodTillDate": 0,
            "updateTime": self.clock.wall_ms(order.updated_us),
        }

    def trade(self, trade: AccountTrade) -> Json:
        """Write a trade as userTrades does."""
        return {
            "symbol": self.market_id,
            "id": trade.trade_id,
            "orderId": trade.order_id,
            "side": trade.side.value.upper(),
            "positionSide": "BOTH",
            "price": fixed(trade.price),
            "qty": fixed(trade.size_base),
            "quoteQty": fixed(trade.notional_quote),
            "realizedPnl": fixed(self.engine.account.realised_by_trade[trade.trade_id]),
            "commission": fixed(trade.commission),
            "commissionAsset": trade.commission_asset,
            "buyer": trade.side.sign > 0,
            "maker": trade.is_maker,
            "time": self.clock.wall_ms(trade.time_us),
        }

    def _filters(self) -> list[Json]:
        instrument, most = self.instrument, fixed(MOST)
        tick = fixed(instrument.tick_size)
        lots = {"minQty": fixed(instrument.min_size_base), "maxQty": most, "stepSize": fixed(instrument.lot_size)}
        return [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": most, "tickSize": tick},
            {"filterType": "LOT_SIZE", **lots},
            {"filterType": "MARKET_LOT_SIZE", **lots},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": fixed(instrument.min_notional_quote)},
        ]


def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
