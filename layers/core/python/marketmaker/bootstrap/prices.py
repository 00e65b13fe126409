"""What `fetch_prices` needs: the venues' public data, the prices table and a topic, and no key."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from marketmaker.adapters.ccxt_venue import CcxtVenue
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.dynamodb import DynamoDbPrices
from marketmaker.adapters.telemetry import PowertoolsTelemetry
from marketmaker.bootstrap.alerts import make_news
from marketmaker.bootstrap.environment import SERVICE, Environment, plain_values, set_decimal_context
from marketmaker.bootstrap.venues import public_login, tables
from marketmaker.config import Deployment, load_deployment
from marketmaker.domain.units import Symbol
from marketmaker.domain.venues import VENUES
from marketmaker.ports import Deadline
from marketmaker.usecases.fetch_prices import PriceDesk, PricesReport, PublishedMarkets, fetch_prices
from marketmaker.usecases.triangles import TriangleDesk, check_triangles, triangles_of

__all__ = ["plain_values", "price_fetcher"]


@cache
def price_fetcher() -> Callable[[int], PricesReport]:
    """Connect `fetch_prices` to the venues of all accounts, with no key, to the prices table and to a topic, once.

    Its call gets the milliseconds that the invocation has left; the metrics are written when it returns.
    """
    set_decimal_context()
    environment = Environment.read(os.environ)
    deployment = load_deployment(environment.deployment_file)
    clock, telemetry = SystemClock(), PowertoolsTelemetry(service=SERVICE, deployment=deployment.name)
    logins = {venue: public_login(environment, deployment, venue) for venue in deployment.venues}
    venues = {name: CcxtVenue(login, clock) for name, login in logins.items()}
    prices = DynamoDbPrices(tables(deployment))
    workers = max(login.workers for login in logins.values())
    alongside = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="prices")
    desk = PriceDesk(
        venues=tuple(_published(deployment, name, venue) for name, venue in venues.items()),
        prices=prices,
        telemetry=telemetry,
        clock=clock,
        alongside=alongside,
    )
    triangles = TriangleDesk(
        triangles=triangles_of(deployment.accounts.values(), venues),
        prices=prices,
        alerts=make_news(environment, deployment, telemetry),
        telemetry=telemetry,
        clock=clock,
        alongside=alongside,
    )

    def fetch(budget_ms: int) -> PricesReport:
        deadline = Deadline(at_ms=clock.now_ms() + budget_ms, clock=clock)
        report = fetch_prices(desk, deadline)
        check_triangles(triangles, deadline)
        telemetry.flush()
        return report

    return fetch


def _published(deployment: Deployment, name: str, venue: CcxtVenue) -> PublishedMarkets:
    return PublishedMarkets(
        name=name,
        venue=venue,
        exposures_ms=_exposures(deployment, name),
        beside=deployment.listings_at(name),
        kline_ms=VENUES[name].kline_ms,
    )


def _exposures(deployment: Deployment, venue: str) -> dict[Symbol, int]:
    """Return for how long a quote stands in each market of a venue, at the slowest account that works it."""
    accounts = [each for each in deployment.accounts.values() if each.venue == venue]
    markets = [market for account in accounts for market in account.markets]
    return {
        symbol: max(each.exposure_ms for each in markets if each.symbol == symbol)
        for symbol in deployment.symbols_at(venue)
    }
