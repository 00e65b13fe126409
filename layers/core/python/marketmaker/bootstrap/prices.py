"""What `fetch_prices` needs: the venues' public data and the prices table, and no key."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from marketmaker.adapters.ccxt_venue import CcxtVenue
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.dynamodb import DynamoDbPrices
from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.bootstrap.environment import SERVICE, Environment, plain_values, set_decimal_context
from marketmaker.bootstrap.venues import public_login, tables
from marketmaker.config import Deployment, load_deployment
from marketmaker.domain.units import Symbol
from marketmaker.ports import Deadline
from marketmaker.usecases.fetch_prices import PriceDesk, PricesReport, PublishedMarkets, fetch_prices

__all__ = ["plain_values", "price_fetcher"]


@cache
def price_fetcher() -> Callable[[int], PricesReport]:
    """Connect `fetch_prices` to the venues of all accounts, with no key, and to the prices table, once a process.

    Its call gets the milliseconds that the invocation has left; the metrics are written when it returns.
    """
    set_decimal_context()
    environment = Environment.read(os.environ)
    deployment = load_deployment(environment.deployment_file)
    clock, telemetry = SystemClock(), PowertoolsTelemetry(service=SERVICE, deployment=deployment.name)
    login = public_login(environment, deployment)
    desk = PriceDesk(
        venues=tuple(
            PublishedMarkets(name=venue, venue=CcxtVenue(login, clock), exposures_ms=_exposures(deployment, venue))
            for venue in deployment.venues
        ),
        prices=DynamoDbPrices(tables(deployment)),
        telemetry=telemetry,
        clock=clock,
        alongside=ThreadPoolExecutor(max_workers=login.workers, thread_name_prefix="prices"),
    )

    def fetch(budget_ms: int) -> PricesReport:
        report = fetch_prices(desk, Deadline(at_ms=clock.now_ms() + budget_ms, clock=clock))
        telemetry.flush()
        return report

    return fetch


def _exposures(deployment: Deployment, venue: str) -> dict[Symbol, int]:
    """Return for how long a quote stands in each market of a venue, at the slowest account that works it."""
    accounts = [each for each in deployment.accounts.values() if each.venue == venue]
    markets = [market for account in accounts for market in account.markets]
    return {
        symbol: max(each.exposure_ms for each in markets if each.symbol == symbol)
        for symbol in deployment.symbols_at(venue)
    }
