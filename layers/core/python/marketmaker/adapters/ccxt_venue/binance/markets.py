"""What Binance's metadata tells of its markets."""

import json
from collections.abc import Mapping
from typing import Any

from marketmaker.adapters.ccxt_venue import parsing
from marketmaker.adapters.ccxt_venue.binance.apis import POST_ONLY_ORDER_TYPE, POST_ONLY_TIME_IN_FORCE, Api
from marketmaker.adapters.ccxt_venue.dialect import Market
from marketmaker.domain.markets import Instrument
from marketmaker.domain.units import Symbol
from marketmaker.errors import Unresolved


def read_listed(client: Any, api: Api, market_ids: Mapping[Symbol, str]) -> dict[Symbol, Market]:
    """Ask for markets' metadata in one request; what the venue leaves out is left out.

    A row without a name may be a market's that was asked for: it is not passed over.

    Raises:
        Unresolved: an answer without any market, or without a rule.
    """
    ids = json.dumps(list(market_ids.values()), separators=(",", ":"))
    params = {"symbols": ids} if api.lists_by_symbols else {}
    answer = parsing.expect_row(getattr(client, api.routes.metadata)(params), "the metadata")
    rows = [parsing.expect_row(row, "a market") for row in parsing.expect_list(answer.get("symbols"), "the metadata")]
    if not rows:
        raise Unresolved("the metadata came without any market")
    wanted = set(market_ids.values())
    named = [(parsing.text(row.get("symbol"), "a market's symbol"), row) for row in rows]
    markets = [_read_market(client, row, api) for name, row in named if api.lists_by_symbols or name in wanted]
    parsing.expect_unique((market["symbol"] for market in markets), "a market")
    return {market["symbol"]: market for market in markets if market["symbol"] in market_ids}


def _read_market(client: Any, row: Mapping[str, Any], api: Api) -> Market:
    """Let ccxt unify a market, and refuse what it has made up for want of a rule."""
    for name in api.market_names:
        parsing.text(row.get(name), f"a market's {name}")
    if api.is_perpetual:
        parsing.expect_list(row.get("timeInForce"), "the times in force")
    market = parsing.expect_row(client.parse_market(row), "a market")
    filters = [parsing.expect_row(each, "a filter") for each in parsing.expect_list(row.get("filters"), "the filters")]
    found = {parsing.text(each.get("filterType"), "a filter's type"): each for each in filters}
    least = found.get("NOTIONAL", found.get("MIN_NOTIONAL", {}))
    notional = least.get("minNotional", least.get("notional"))
    told = (
        found.get("PRICE_FILTER", {}).get("tickSize"),
        found.get("LOT_SIZE", {}).get("stepSize"),
        found.get("LOT_SIZE", {}).get("minQty"),
        notional,
    )
    rules = parse_instrument(market)
    used = rules.tick_size, rules.lot_size, rules.min_size_base, rules.min_notional_quote
    if tuple(parsing.amount(each, f"a rule of {rules.symbol}") for each in told) != used:
        raise Unresolved(f"the rules of {rules.symbol} are {told}, not {used}")
    return market


def parse_instrument(market: Market) -> Instrument:
    """Read the trading rules of a unified market."""
    info = parsing.expect_row(market.get("info"), "the market's own row")
    listed = parsing.expect_list(info.get("orderTypes"), "the order types")
    order_types = [parsing.text(each, "an order type") for each in listed]
    times = parsing.expect_list(info.get("timeInForce", []), "the times in force")
    order_types += [parsing.text(each, "a time in force") for each in times]
    limits = parsing.expect_row(market.get("limits"), "the market's limits")
    cheapest = parsing.expect_row(limits.get("cost"), "a limit").get("min")
    return parsing.unified_instrument(
        market,
        min_notional_quote=parsing.amount(cheapest, "the minimum notional"),
        has_post_only=POST_ONLY_ORDER_TYPE in order_types or POST_ONLY_TIME_IN_FORCE in order_types,
    )
