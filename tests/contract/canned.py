"""An exchange that answers what a test has written down: for answers that the local exchange never gives."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.domain.keys import VenueKey
from marketmaker.ports import Deadline
from tests.builders import SLOT_MS
from tests.fakes.clock import ManualClock

ACCOUNT, BOOK, INFO, KLINES = (
    "GET /api/v3/account",
    "GET /api/v3/depth",
    "GET /api/v3/exchangeInfo",
    "GET /api/v3/klines",
)
OPEN_ORDERS, LAST_PRICE, TIME = "GET /api/v3/openOrders", "GET /api/v3/ticker/price", "GET /api/v3/time"
DAY, PUBLIC_TRADES, TRADES = "GET /api/v3/ticker/24hr", "GET /api/v3/aggTrades", "GET /api/v3/myTrades"
PERMISSIONS = "GET /sapi/v1/account/apiRestrictions"
LOOKUP, CREATE, CANCEL = "GET /api/v3/order", "POST /api/v3/order", "DELETE /api/v3/order"

ORDER: dict[str, Any] = {
    "symbol": "PAXGUSDT",
    "orderId": 4_000_000_001,
    "orderListId": -1,
    "clientOrderId": "mmtst010000005b00",
    "price": "1898.50000000",
    "origQty": "0.10000000",
    "executedQty": "0.04000000",
    "cummulativeQuoteQty": "75.94000000",
    "status": "PARTIALLY_FILLED",
    "timeInForce": "GTC",
    "type": "LIMIT_MAKER",
    "side": "BUY",
    "time": SLOT_MS - 5_000,
    "updateTime": SLOT_MS - 1_000,
    "isWorking": True,
}
RECEIPT = {name: value for name, value in ORDER.items() if name not in {"time", "updateTime", "isWorking"}}
RECEIPT["transactTime"] = SLOT_MS
TRADE: dict[str, Any] = {
    "symbol": "PAXGUSDT",
    "id": 28_457,
    "orderId": 4_000_000_001,
    "orderListId": -1,
    "price": "1898.50000000",
    "qty": "0.04000000",
    "quoteQty": "75.94000000",
    "commission": "0.00000400",
    "commissionAsset": "PAXG",
    "time": SLOT_MS - 1_000,
    "isBuyer": True,
    "isMaker": True,
    "isBestMatch": True,
}
MARKET: dict[str, Any] = {
    "symbol": "PAXGUSDT",
    "status": "TRADING",
    "baseAsset": "PAXG",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "100000.0", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00010000", "maxQty": "9000.00000000", "stepSize": "0.00010000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True, "maxNotional": "9000000.0"},
    ],
    "permissions": [],
    "permissionSets": [["SPOT"]],
}
TRUE_ANSWERS: dict[str, Any] = {
    ACCOUNT: {
        "canTrade": True,
        "balances": [
            {"asset": "PAXG", "free": "4.90000000", "locked": "0.10000000"},
            {"asset": "USDT", "free": "18810.15000000", "locked": "189.85000000"},
        ],
    },
    BOOK: {
        "lastUpdateId": 1_027_024,
        "bids": [["1899.00000000", "2.00000000"], ["1898.50000000", "0.10000000"]],
        "asks": [["1901.00000000", "2.00000000"], ["1902.00000000", "3.00000000"]],
    },
    INFO: {"timezone": "UTC", "serverTime": SLOT_MS, "rateLimits": [], "symbols": [MARKET]},
    KLINES: [
        [
            SLOT_MS + 1000 * n,
            "1900",
            "1901.5",
            "1899",
            "1900.5",
            "0.25",
            SLOT_MS + 1000 * n + 999,
            "475",
            3,
            "0",
            "0",
            "0",
        ]
        for n in range(2)
    ],
    OPEN_ORDERS: [ORDER, {**ORDER, "orderId": 4_000_000_002, "clientOrderId": "by-hand", "side": "SELL"}],
    LAST_PRICE: {"symbol": "PAXGUSDT", "price": "1900.10000000"},
    TIME: {"serverTime": SLOT_MS},
    DAY: [{"symbol": "PAXGUSDT", "volume": "10.5", "quoteVolume": "19000", "closeTime": SLOT_MS}],
    PUBLIC_TRADES: [
        {"a": n, "p": "1900.10000000", "q": "0.50000000", "f": n, "l": n, "T": SLOT_MS, "m": True, "M": True}
        for n in (7, 8)
    ],
    TRADES: [TRADE, {**TRADE, "id": 28_458, "qty": "0.05000000", "isBuyer": False}],
    PERMISSIONS: {"ipRestrict": True, "enableSpotAndMarginTrading": True, "enableWithdrawals": False},
    LOOKUP: ORDER,
    CREATE: {**RECEIPT, "executedQty": "0.00000000", "status": "NEW"},
    CANCEL: {
        **RECEIPT,
        "status": "CANCELED",
        "origClientOrderId": ORDER["clientOrderId"],
        "clientOrderId": "cancel0000000001",
    },
}
"""What the venue answers on a good day, on every route that is read or written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status, a body and headers."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


ANY_KEY = VenueKey(api_key="key", secret="secret")

type Answer = Callable[[dict[str, str]], Reply]


def always(content: object, *, status: int = 200, **headers: str) -> Answer:
    """Answer the same to every request; a text is sent as it is."""
    body = content if isinstance(content, str) else json.dumps(content)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _params: Reply(status=status, body=body, headers=named)


@dataclass
class CannedExchange:
    """Answers by route, and the requests that came."""

    address: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    received: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    clock: ManualClock = field(default_factory=lambda: ManualClock(SLOT_MS))
    truth: dict[str, Any] = field(default_factory=lambda: TRUE_ANSWERS)
    key: VenueKey = ANY_KEY
    headers: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    venue: CcxtVenue = field(init=False)

    def reset(self) -> None:
        """Give the true answers again, and forget what came."""
        self.answers = {route: always(answer) for route, answer in self.truth.items()}
        self.received.clear()
        self.headers.clear()

    def count(self, route: str) -> int:
        """Return how often a route was asked."""
        return sum(each == route for each, _ in self.received)

    def deadline(self) -> Deadline:
        """Return a deadline from now."""
        return Deadline(at_ms=self.clock.now_ms() + 8_000, clock=self.clock)

    def answer(self, method: str, target: str, body: str) -> Reply:
        """Answer a request."""
        url = urlsplit(target)
        sent = json.loads(body).items() if body.startswith("{") else parse_qsl(body)
        route, params = f"{method} {url.path}", dict([*parse_qsl(url.query), *sent])
        self.received.append((route, params))
        return self.answers[route](params)

    def connect(self, venue: str = "binance") -> CcxtVenue:
        """Return a login of this exchange that knows nothing yet."""
        login = VenueLogin(
            read_key=lambda: self.key,
            request_timeout_ms=2_000,
            request_ttl_ms=2_000,
            workers=4,
            endpoint=self.address,
            venue=venue,
        )
        return CcxtVenue(login, self.clock)


@contextmanager
def canned(
    venue: str = "binance", truth: dict[str, Any] = TRUE_ANSWERS, key: VenueKey = ANY_KEY
) -> Iterator[CannedExchange]:
    """Serve true answers over HTTP."""
    exchange = CannedExchange(truth=truth, key=key)
    exchange.reset()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            exchange.headers.append((f"{self.command} {urlsplit(self.path).path}", dict(self.headers)))
            reply = exchange.answer(self.command, self.path, body)
            content = reply.body.encode()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_PATCH = _reply  # noqa: N815 - the names that the server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    exchange.address = f"http://127.0.0.1:{server.server_port}"
    exchange.venue = exchange.connect(venue)
    try:
        yield exchange
    finally:
        exchange.venue.close()
        server.shutdown()
        thread.join()
        server.server_close()
