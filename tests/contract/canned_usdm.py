"""What Binance USDⓈ-M answers on a good day, on every route that is used: 2 SOL long at 99, marked at 100."""

from typing import Any

from marketmaker.domain.units import Symbol
from tests.builders import SLOT_MS

SOL = Symbol("SOL/USDC:USDC")
MINUTE_MS = SLOT_MS // 60_000 * 60_000
NEXT_FUNDING_MS = SLOT_MS + 3_600_000
BALANCE, POSITIONS, INCOME = "GET /fapi/v2/balance", "GET /fapi/v2/positionRisk", "GET /fapi/v1/income"
BOOK, LAST_PRICE, PREMIUM = "GET /fapi/v1/depth", "GET /fapi/v1/ticker/price", "GET /fapi/v1/premiumIndex"
INFO, KLINES, TIME = "GET /fapi/v1/exchangeInfo", "GET /fapi/v1/klines", "GET /fapi/v1/time"
DAY, PUBLIC_TRADES, TRADES = "GET /fapi/v1/ticker/24hr", "GET /fapi/v1/aggTrades", "GET /fapi/v1/userTrades"
OPEN_ORDERS = "GET /fapi/v1/openOrders"
LOOKUP, CREATE, CANCEL = "GET /fapi/v1/order", "POST /fapi/v1/order", "DELETE /fapi/v1/order"
LEVERAGE, MARGIN_TYPE = "POST /fapi/v1/leverage", "POST /fapi/v1/marginType"

ORDER: dict[str, Any] = {
    "orderId": 4_000_000_001,
    "symbol": "SOLUSDC",
    "status": "PARTIALLY_FILLED",
    "clientOrderId": "mmtst010000005b00",
    "price": "99.0000",
    "avgPrice": "99.00000",
    "origQty": "1.00",
    "executedQty": "0.40",
    "cumQuote": "39.6000000",
    "timeInForce": "GTX",
    "type": "LIMIT",
    "reduceOnly": False,
    "closePosition": False,
    "side": "BUY",
    "positionSide": "BOTH",
    "stopPrice": "0.0000",
    "workingType": "CONTRACT_PRICE",
    "priceProtect": False,
    "origType": "LIMIT",
    "priceMatch": "NONE",
    "selfTradePreventionMode": "EXPIRE_MAKER",
    "goodTillDate": 0,
    "time": SLOT_MS - 5_000,
    "updateTime": SLOT_MS - 1_000,
}
RECEIPT = {name: value for name, value in ORDER.items() if name != "time"}
TRADE: dict[str, Any] = {
    "symbol": "SOLUSDC",
    "id": 28_457,
    "orderId": 4_000_000_001,
    "side": "BUY",
    "price": "99.0000",
    "qty": "0.40",
    "realizedPnl": "0",
    "quoteQty": "39.6000",
    "commission": "0.00792",
    "commissionAsset": "USDC",
    "time": SLOT_MS - 1_000,
    "positionSide": "BOTH",
    "buyer": True,
    "maker": True,
}
POSITION: dict[str, Any] = {
    "symbol": "SOLUSDC",
    "positionAmt": "2.00",
    "entryPrice": "99.0",
    "breakEvenPrice": "99.02",
    "markPrice": "100.00000000",
    "unRealizedProfit": "2.00000000",
    "liquidationPrice": "51.5",
    "leverage": "10",
    "maxNotionalValue": "1000000",
    "marginType": "cross",
    "isolatedMargin": "0.00000000",
    "isAutoAddMargin": "false",
    "positionSide": "BOTH",
    "notional": "200.00000000",
    "isolatedWallet": "0",
    "updateTime": SLOT_MS - 1_000,
}
NEVER_HELD = {
    **POSITION,
    "positionAmt": "0.00",
    "entryPrice": "0.0",
    "breakEvenPrice": "0.0",
    "markPrice": "0.00000000",
    "unRealizedProfit": "0.00000000",
    "liquidationPrice": "0",
    "notional": "0",
    "updateTime": 0,
}
"""What the venue tells of a market that the login never traded: not even its mark."""
MARKET: dict[str, Any] = {
    "symbol": "SOLUSDC",
    "pair": "SOLUSDC",
    "contractType": "PERPETUAL",
    "deliveryDate": 4_133_404_800_000,
    "onboardDate": 1_600_000_000_000,
    "status": "TRADING",
    "baseAsset": "SOL",
    "quoteAsset": "USDC",
    "marginAsset": "USDC",
    "pricePrecision": 4,
    "quantityPrecision": 2,
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.0100", "maxPrice": "100000", "tickSize": "0.0100"},
        {"filterType": "LOT_SIZE", "minQty": "0.01", "maxQty": "1000000", "stepSize": "0.01"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.01", "maxQty": "5000", "stepSize": "0.01"},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
    ],
    "orderTypes": ["LIMIT", "MARKET", "STOP"],
    "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
}
OTHER_MARKET = {**MARKET, "symbol": "BTCUSDC", "pair": "BTCUSDC", "baseAsset": "BTC"}
PAYMENT: dict[str, Any] = {
    "symbol": "SOLUSDC",
    "incomeType": "FUNDING_FEE",
    "income": "-0.02000000",
    "asset": "USDC",
    "time": SLOT_MS - 3_600_000,
    "info": "FUNDING_FEE",
    "tranId": 9_689_322_392,
    "tradeId": "",
}
TRUE_ANSWERS: dict[str, Any] = {
    BALANCE: [
        {
            "accountAlias": "SgsR",
            "asset": asset,
            "balance": wallet,
            "crossWalletBalance": wallet,
            "crossUnPnl": "2.00000000",
            "availableBalance": available,
            "maxWithdrawAmount": available,
            "marginAvailable": True,
            "updateTime": SLOT_MS,
        }
        for asset, wallet, available in (
            ("USDC", "1000.00000000", "981.00000000"),
            ("USDT", "0.00000000", "0.00000000"),
        )
    ],
    BOOK: {
        "lastUpdateId": 1_027_024,
        "E": SLOT_MS,
        "T": SLOT_MS,
        "bids": [["99.90", "2.00"], ["99.00", "0.60"]],
        "asks": [["100.10", "2.00"], ["101.00", "3.00"]],
    },
    INFO: {
        "timezone": "UTC",
        "serverTime": SLOT_MS,
        "futuresType": "U_MARGINED",
        "rateLimits": [],
        "symbols": [MARKET, OTHER_MARKET],
    },
    KLINES: [
        [open_ms, "100", "101.5", "99", "100.5", "0.25", open_ms + 59_999, "25", 3, "0", "0", "0"]
        for open_ms in (MINUTE_MS, MINUTE_MS + 60_000)
    ],
    OPEN_ORDERS: [ORDER, {**ORDER, "orderId": 4_000_000_002, "clientOrderId": "by-hand", "side": "SELL"}],
    LAST_PRICE: {"symbol": "SOLUSDC", "price": "100.05", "time": SLOT_MS},
    TIME: {"serverTime": SLOT_MS},
    DAY: {"symbol": "SOLUSDC", "volume": "10.5", "quoteVolume": "1050", "closeTime": SLOT_MS},
    PUBLIC_TRADES: [{"a": n, "p": "100.05", "q": "0.50", "f": n, "l": n, "T": SLOT_MS, "m": True} for n in (7, 8)],
    TRADES: [TRADE, {**TRADE, "id": 28_458, "qty": "0.05", "side": "SELL", "buyer": False}],
    LOOKUP: ORDER,
    CREATE: {**RECEIPT, "executedQty": "0.00", "status": "NEW"},
    CANCEL: {**RECEIPT, "status": "CANCELED"},
    POSITIONS: [POSITION, {**NEVER_HELD, "symbol": "BTCUSDC"}],
    PREMIUM: {
        "symbol": "SOLUSDC",
        "markPrice": "100.00000000",
        "indexPrice": "100.01000000",
        "estimatedSettlePrice": "100.00500000",
        "lastFundingRate": "0.00010000",
        "interestRate": "0.00010000",
        "nextFundingTime": NEXT_FUNDING_MS,
        "time": SLOT_MS,
    },
    INCOME: [PAYMENT, {**PAYMENT, "time": SLOT_MS - 1_800_000, "income": "0.01000000", "tranId": 9_689_322_393}],
    LEVERAGE: {"symbol": "SOLUSDC", "leverage": 10, "maxNotionalValue": "1000000"},
    MARGIN_TYPE: {"code": 200, "msg": "success"},
}
