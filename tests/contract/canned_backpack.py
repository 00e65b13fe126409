"""What Backpack answers on a good day, on every route that is used: 2 SOL long at 99, marked at 100."""

from datetime import UTC, datetime
from typing import Any

from infra.local.exchange.backpack.login import local_key
from marketmaker.domain.keys import VenueKey
from marketmaker.domain.orders import DeploymentTag, OrderIdentity, Side
from marketmaker.domain.units import Symbol
from tests.builders import SLOT_MS

SOL = Symbol("SOL/USDC:USDC")
MARKET_ID = "SOL_USDC_PERP"
KEY = VenueKey(api_key=local_key()[0], secret=local_key()[1])
MINUTE_MS = SLOT_MS // 60_000 * 60_000
NEXT_FUNDING_MS = SLOT_MS + 3_600_000
COLLATERAL, POSITIONS, ACCOUNT = "GET /api/v1/capital/collateral", "GET /api/v1/position", "GET /api/v1/account"
BOOK, TICKER, MARKS = "GET /api/v1/depth", "GET /api/v1/ticker", "GET /api/v1/markPrices"
MARKETS, KLINES, TIME = "GET /api/v1/markets", "GET /api/v1/klines", "GET /api/v1/time"
PUBLIC_TRADES, TRADES = "GET /api/v1/trades", "GET /wapi/v1/history/fills"
OPEN_ORDERS, PAST_ORDERS = "GET /api/v1/orders", "GET /wapi/v1/history/orders"
LOOKUP, CREATE, CANCEL = "GET /api/v1/order", "POST /api/v1/order", "DELETE /api/v1/order"
FUNDING, LEVERAGE = "GET /wapi/v1/history/funding", "PATCH /api/v1/account"
CLIENT_ID = OrderIdentity(
    tag=DeploymentTag(text="tst"), market_number=1, slot_ms=SLOT_MS, side=Side.BUY, level=0
).encode_number()


def written(time_ms: int) -> str:
    """Write a time as the history does."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")


def minute(time_ms: int) -> str:
    """Write a time as klines do."""
    return written(time_ms).replace("T", " ")[:19]


ORDER: dict[str, Any] = {
    "id": "4000000001",
    "clientId": int(CLIENT_ID),
    "symbol": MARKET_ID,
    "side": "Bid",
    "orderType": "Limit",
    "timeInForce": "GTC",
    "price": "99",
    "quantity": "1",
    "quoteQuantity": None,
    "executedQuantity": "0.4",
    "executedQuoteQuantity": "39.6",
    "status": "PartiallyFilled",
    "postOnly": True,
    "reduceOnly": False,
    "selfTradePrevention": "RejectTaker",
    "createdAt": SLOT_MS + 500,
    "relatedOrderId": None,
    "triggerPrice": None,
    "triggerQuantity": None,
}
PAST_ORDER = {**ORDER, "status": "Filled", "executedQuantity": "1", "createdAt": written(SLOT_MS + 500)}
TRADE: dict[str, Any] = {
    "tradeId": 28_458,
    "orderId": "4000000001",
    "clientId": int(CLIENT_ID),
    "symbol": MARKET_ID,
    "side": "Bid",
    "price": "99",
    "quantity": "0.40",
    "fee": "0.00792",
    "feeSymbol": "USDC",
    "isMaker": True,
    "systemOrderType": None,
    "timestamp": written(SLOT_MS - 1_000),
}
POSITION: dict[str, Any] = {
    "symbol": MARKET_ID,
    "positionId": "1",
    "userId": 1,
    "subaccountId": None,
    "entryPrice": "99",
    "breakEvenPrice": "99.02",
    "markPrice": "100",
    "netQuantity": "2",
    "netCost": "198",
    "netExposureQuantity": "3",
    "netExposureNotional": "300",
    "pnlRealized": "0",
    "pnlUnrealized": "2",
    "cumulativeFundingPayment": "0",
    "cumulativeInterest": "0",
    "estLiquidationPrice": "51.5",
    "imf": "0.1",
    "mmf": "0.05",
}
MARKET: dict[str, Any] = {
    "symbol": MARKET_ID,
    "baseSymbol": "SOL",
    "quoteSymbol": "USDC",
    "marketType": "PERP",
    "filters": {
        "price": {"minPrice": "0.01", "maxPrice": None, "tickSize": "0.01"},
        "quantity": {"minQuantity": "0.02", "maxQuantity": None, "stepSize": "0.01"},
    },
    "imfFunction": {"type": "sqrt", "base": "0.02", "factor": "0.0001275"},
    "mmfFunction": {"type": "sqrt", "base": "0.0125", "factor": "0.0000765"},
    "fundingInterval": 3_600_000,
    "openInterestLimit": "4000000",
    "orderBookState": "Open",
    "createdAt": "2025-01-21T06:34:54.691858",
}
PAYMENT: dict[str, Any] = {
    "userId": 1,
    "subaccountId": None,
    "symbol": MARKET_ID,
    "quantity": "0.01",
    "intervalEndTimestamp": written(SLOT_MS - 1_800_000),
    "fundingRate": "0.0001",
}
MARK: dict[str, Any] = {
    "symbol": MARKET_ID,
    "markPrice": "100",
    "indexPrice": "100.01",
    "fundingRate": "0.0001",
    "nextFundingTimestamp": NEXT_FUNDING_MS,
}
BALANCE: dict[str, Any] = {
    "symbol": "USDC",
    "assetMarkPrice": "1",
    "totalQuantity": "1000",
    "balanceNotional": "1000",
    "collateralWeight": "1",
    "collateralValue": "1000",
    "openOrderQuantity": "0",
    "lendQuantity": "0",
    "availableQuantity": "1000",
}
TRUE_ANSWERS: dict[str, Any] = {
    COLLATERAL: {
        "assetsValue": "1000",
        "collateral": [BALANCE, {**BALANCE, "symbol": "SOL", "assetMarkPrice": "100", "totalQuantity": "0"}],
        "netEquity": "1002",
        "netEquityAvailable": "981",
        "netEquityLocked": "21",
        "pnlUnrealized": "2",
    },
    ACCOUNT: {"leverageLimit": "10", "futuresMakerFee": "2", "futuresTakerFee": "5", "liquidating": False},
    POSITIONS: [POSITION, {**POSITION, "symbol": "BTC_USDC_PERP", "netQuantity": "-1"}],
    BOOK: {
        "lastUpdateId": "1027024",
        "timestamp": SLOT_MS * 1000,
        "bids": [["99.00", "0.60"], ["99.90", "2.00"]],
        "asks": [["100.10", "2.00"], ["101.00", "3.00"]],
    },
    MARKETS: [MARKET, {**MARKET, "symbol": "BTC_USDC_PERP", "baseSymbol": "BTC"}],
    KLINES: [
        {
            "start": minute(open_ms),
            "end": minute(open_ms + 60_000),
            "open": "100",
            "high": "101.5",
            "low": "99",
            "close": "100.5",
            "volume": "0.25",
            "quoteVolume": "25",
            "trades": "3",
        }
        for open_ms in (MINUTE_MS, MINUTE_MS + 60_000)
    ],
    OPEN_ORDERS: [ORDER, {**ORDER, "id": "4000000002", "clientId": 7, "side": "Ask"}],
    PAST_ORDERS: [PAST_ORDER],
    TICKER: {"symbol": MARKET_ID, "lastPrice": "100.05", "volume": "10.5", "quoteVolume": "1050", "trades": "3"},
    TIME: str(SLOT_MS),
    PUBLIC_TRADES: [
        {"id": n, "price": "100.05", "quantity": "0.50", "timestamp": SLOT_MS, "isBuyerMaker": True} for n in (8, 7)
    ],
    TRADES: [TRADE, {**TRADE, "tradeId": 28_457, "quantity": "0.05", "side": "Ask"}],
    LOOKUP: ORDER,
    CREATE: {**ORDER, "executedQuantity": "0", "status": "New"},
    CANCEL: {**ORDER, "status": "Cancelled"},
    MARKS: [MARK],
    FUNDING: [PAYMENT, {**PAYMENT, "intervalEndTimestamp": written(SLOT_MS - 3_600_000), "quantity": "-0.02"}],
    LEVERAGE: "",
}
