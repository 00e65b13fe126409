"""The loop that guides teach, statement by statement from `spot-guide.zh.txt`: the baseline of the bench.

Two things differ. The metadata of margin, futures and currencies is not loaded, because the local exchange has spot
only. And the guide gives up a cycle when there was nothing to cancel, which Binance answers with an error: as written
it would never place its first order; here it goes on.
"""

import time
from contextlib import suppress
from typing import Any

import ccxt

from infra.local.exchange.binance.login import Login
from marketmaker.adapters.ccxt_venue.client import LocalRoute

CALLS_A_CYCLE = {
    "GET /api/v3/account": 1,
    "GET /api/v3/ticker/24hr": 2,
    "DELETE /api/v3/openOrders": 1,
    "POST /api/v3/order": 2,
}
ORDER_SIZE, MAX_INVENTORY, MIN_INVENTORY, PRICE_LIMIT = 0.1, 50, 20, (1800, 2000)


class NaiveLoop:
    """The guide's functions round one ccxt client; floats and bare rounding are the guide's own."""

    def __init__(self, endpoint: str, symbol: str, login: Login, *, limits_rate: bool) -> None:
        self._symbol = symbol
        self._base, self._quote = symbol.split("/")
        self._spread = 0.5
        self._client: Any = ccxt.binance(
            {
                "apiKey": login.api_key,
                "secret": login.api_secret,
                "enableRateLimit": limits_rate,
                "options": {
                    "defaultType": "spot",
                    "fetchMarkets": {"types": ["spot"]},
                    "fetchCurrencies": False,
                    "fetchMargins": False,
                },
            }
        )
        self._client.session.trust_env = False
        self._client.session.mount("https://", LocalRoute(endpoint))
        self._client.load_markets()

    def cycle(self) -> None:
        """Do what the guide does every five seconds."""
        self._adjust_strategy()
        self._place_orders()

    def timed_cycle_ms(self) -> float:
        """Do a cycle and return how long it took."""
        started = time.perf_counter()
        self.cycle()
        return (time.perf_counter() - started) * 1000

    def _adjust_strategy(self) -> None:
        ratio = self._inventory_ratio()
        if ratio > MAX_INVENTORY:
            self._spread = 0.6
        elif ratio < MIN_INVENTORY:
            self._spread = 0.4
        else:
            self._spread = 0.5

    def _inventory_ratio(self) -> float:
        balance = self._client.fetch_balance()
        base = balance[self._base]["free"] + balance[self._base]["used"]
        quote = balance[self._quote]["free"] + balance[self._quote]["used"]
        price = self._current_price()
        total = base * price + quote
        return float((base * price) / total * 100)

    def _current_price(self) -> float:
        return float(self._client.fetch_ticker(self._symbol)["last"])

    def _place_orders(self) -> None:
        price = self._current_price()
        if not (PRICE_LIMIT[0] <= price <= PRICE_LIMIT[1]):
            return
        buy, sell = round(price - self._spread, 2), round(price + self._spread, 2)
        with suppress(ccxt.OrderNotFound):
            self._client.cancel_all_orders(self._symbol)
        self._client.create_limit_buy_order(self._symbol, ORDER_SIZE, buy)
        self._client.create_limit_sell_order(self._symbol, ORDER_SIZE, sell)
