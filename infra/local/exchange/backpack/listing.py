"""A listed perpetual as Backpack writes it down."""

from dataclasses import dataclass

from infra.local.exchange.backpack.words import written_time
from infra.local.exchange.market import Json
from infra.local.exchange.perpetual import PerpetualListing
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ONE, plain
from marketmaker.simulation.orders import AccountOrder, AccountTrade, OrderStatus, OrderType

SIDES = {Side.BUY: "Bid", Side.SELL: "Ask"}
_STATUSES = {
    OrderStatus.NEW: "New",
    OrderStatus.PARTIALLY_FILLED: "PartiallyFilled",
    OrderStatus.FILLED: "Filled",
    OrderStatus.CANCELED: "Cancelled",
    OrderStatus.EXPIRED: "Expired",
    OrderStatus.EXPIRED_IN_MATCH: "Expired",
}
_USER = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BackpackListing(PerpetualListing):
    """One perpetual of Backpack."""

    @property
    def market_id(self) -> str:
        """The symbol in Backpack's notation."""
        return f"{self.instrument.base}_{self.instrument.quote}_PERP"

    def info(self) -> Json:
        """Describe the market as GET /markets does."""
        instrument, terms = self.instrument, self.engine.account.terms
        initial, maintenance = ONE / terms.max_leverage, terms.maintenance_rate
        return {
            "symbol": self.market_id,
            "baseSymbol": instrument.base,
            "quoteSymbol": instrument.quote,
            "marketType": "PERP",
            "filters": {
                "price": {
                    "minPrice": plain(instrument.tick_size),
                    "maxPrice": None,
                    "tickSize": plain(instrument.tick_size),
                },
                "quantity": {
                    "minQuantity": plain(instrument.min_size_base),
                    "maxQuantity": None,
                    "stepSize": plain(instrument.lot_size),
                },
            },
            "imfFunction": {"type": "sqrt", "base": plain(initial), "factor": "0"},
            "mmfFunction": {"type": "sqrt", "base": plain(maintenance), "factor": "0"},
            "fundingInterval": self.funding_interval_ms,
            "fundingRateUpperBound": "100",
            "fundingRateLowerBound": "-100",
            "openInterestLimit": "4000000",
            "orderBookState": "Open" if self.status == "TRADING" else "Closed",
            "createdAt": "2025-01-21T06:34:54.691858",
            "visible": True,
        }

    def order(self, order: AccountOrder) -> Json:
        """Write an order as the answers to placing, finding and cancelling it do."""
        request = order.request
        is_limit = request.price is not None
        return {
            "id": str(order.order_id),
            "clientId": client_id_of(request.client_id),
            "symbol": self.market_id,
            "side": SIDES[request.side],
            "orderType": "Limit" if is_limit else "Market",
            "timeInForce": request.time_in_force.value,
            "price": plain(request.price) if request.price is not None else None,
            "quantity": plain(request.size_base),
            "quoteQuantity": None,
            "executedQuantity": plain(order.executed_base),
            "executedQuoteQuantity": plain(order.executed_quote),
            "status": _STATUSES[order.status],
            "postOnly": request.type is OrderType.LIMIT_MAKER,
            "reduceOnly": request.reduce_only,
            "selfTradePrevention": "RejectTaker" if request.ends_at_own_orders else "RejectMaker",
            "createdAt": self.clock.wall_ms(order.created_us),
            "relatedOrderId": None,
            "strategyId": None,
            "triggerBy": None,
            "triggerPrice": None,
            "triggerQuantity": None,
            "triggeredAt": None,
            "stopLossTriggerPrice": None,
            "stopLossLimitPrice": None,
            "takeProfitTriggerPrice": None,
            "takeProfitLimitPrice": None,
        }

    def past_order(self, order: AccountOrder) -> Json:
        """Write an order as the order history does."""
        return {
            **self.order(order),
            "createdAt": written_time(self.clock.wall_ms(order.created_us)),
            "expiryReason": _reason(order),
            "systemOrderType": "LiquidatePositionOnBook" if order.is_liquidation else None,
        }

    def trade(self, trade: AccountTrade) -> Json:
        """Write a trade as the fill history does."""
        return {
            "tradeId": trade.trade_id,
            "orderId": str(trade.order_id),
            "clientId": client_id_of(trade.client_id),
            "symbol": self.market_id,
            "side": SIDES[trade.side],
            "price": plain(trade.price),
            "quantity": plain(trade.size_base),
            "fee": plain(trade.commission),
            "feeSymbol": trade.commission_asset,
            "isMaker": trade.is_maker,
            "systemOrderType": "LiquidatePositionOnBook" if trade.is_liquidation else None,
            "timestamp": written_time(self.clock.wall_ms(trade.time_us)),
        }


def client_id_of(client_id: str) -> int | str | None:
    """Return a client id as the venue tells it; what it placed itself, or without one, has none."""
    return int(client_id) if client_id.isdecimal() else None


def _reason(order: AccountOrder) -> str | None:
    match order.status:
        case OrderStatus.EXPIRED_IN_MATCH:
            return "SelfTradePrevention"
        case OrderStatus.EXPIRED if order.request.reduce_only:
            return "ReduceOnlyNotReduced"
        case OrderStatus.EXPIRED:
            return "ImmediateOrCancel"
        case _:
            return None
