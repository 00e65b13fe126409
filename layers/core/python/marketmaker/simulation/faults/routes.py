"""The venue's routes that faults know by name, as `METHOD /path`."""

TIME_ROUTE = "GET /api/v3/time"
SYMBOLS_ROUTE = "GET /api/v3/exchangeInfo"
DEPTH_ROUTE = "GET /api/v3/depth"
PUBLIC_TRADES_ROUTE = "GET /api/v3/aggTrades"
KLINES_ROUTE = "GET /api/v3/klines"
DAY_ROUTE = "GET /api/v3/ticker/24hr"
PRICE_ROUTE = "GET /api/v3/ticker/price"
TOUCH_ROUTE = "GET /api/v3/ticker/bookTicker"
ACCOUNT_ROUTE = "GET /api/v3/account"
ORDER_ROUTE = "POST /api/v3/order"
LOOKUP_ROUTE = "GET /api/v3/order"
CANCEL_ROUTE = "DELETE /api/v3/order"
OPEN_ORDERS_ROUTE = "GET /api/v3/openOrders"
CANCEL_ALL_ROUTE = "DELETE /api/v3/openOrders"
FILLS_ROUTE = "GET /api/v3/myTrades"
RESTRICTIONS_ROUTE = "GET /sapi/v1/account/apiRestrictions"

_PRIVATE_ROUTES_OF_A_SYMBOL = (
    ORDER_ROUTE,
    LOOKUP_ROUTE,
    CANCEL_ROUTE,
    OPEN_ORDERS_ROUTE,
    CANCEL_ALL_ROUTE,
    FILLS_ROUTE,
)
SYMBOL_ROUTES = (
    SYMBOLS_ROUTE,
    DEPTH_ROUTE,
    PUBLIC_TRADES_ROUTE,
    KLINES_ROUTE,
    DAY_ROUTE,
    PRICE_ROUTE,
    TOUCH_ROUTE,
    *_PRIVATE_ROUTES_OF_A_SYMBOL,
)
"""Every route that names a symbol."""
CLOCK_ROUTES = (
    TIME_ROUTE,
    SYMBOLS_ROUTE,
    PUBLIC_TRADES_ROUTE,
    DAY_ROUTE,
    ACCOUNT_ROUTE,
    *_PRIVATE_ROUTES_OF_A_SYMBOL,
    RESTRICTIONS_ROUTE,
)
"""Every route on which the venue reads its clock: to check an expiry, or to tell a time."""
