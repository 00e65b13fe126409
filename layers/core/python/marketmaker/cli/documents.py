"""What `--json` prints of accounts, orders and fills: every field, and what it means.

Amounts are exact text, ratios and shares too; null is what nobody knows now. Fields in `_ms` are milliseconds since
1970 (UTC), or durations. `problem` fields are null while all is well. An account that could not be worked at all is
`{"account", "problem"}`.

`mm status`, a list with one object an account:

    account, venue, config_hash, time_ms    which, where, the settings in force, and when it was looked at
    state_problem, venue_problem            what could not be read of the state, and of the venue
    mode, mode_reason, mode_since_ms        quoting, reduce_only, cancel_only or halted; why and by whom; since when
    epoch                                   counts the changes of mode and restrictions
    last_tick_ms, last_tick_age_s, is_late  the last worked slot; is_late: quoting, and three intervals without a tick
    lease_owner, lease_ends_ms              who works the account now, null when nobody does
    blocked_until_ms, is_banned             until when the venue wants no requests, with a ban not even cancels
    alerts                                  open ones: key, text, since_ms
    restrictions                            stopped markets: symbol, mode, reason, since_ms
    stops                                   markets that an operator stopped or resumed, the same
    drawdowns                               of each quote asset: asset, peak_equity_quote, drawdown_share
    foreign_orders                          how many open orders of the login are not ours
    stray_orders                            own orders in no market of the file, as in `mm orders`
    markets                                 of each: the fields below

    symbol, opened                          opened: false until its first tick
    bid, ask, others_bid, others_ask        the best prices, with and without our own orders; null on an empty side too
    touch_problem                           why they are not known
    mark                                    the mid of the others' prices, by which what follows is valued
    base, quote, deposited_quote, capital_quote        holdings, what was put in, what they are worth
    ratio, min_ratio, max_ratio             base as a share of the capital, and its band
    average_cost_quote                      of the base held, net of fees; null while flat
    realised_quote, unrealised_quote, fees_quote, pnl_quote    before fees, before fees, fees, and after them
    fees_unpriced, fills_without_fee        fees in other assets (asset, amount) and unknown ones, in no sum above
    orders                                  as in `mm orders`

`mm orders`, a list with one object an account: account, state_problem, venue_problem, orders. Of each order:

    standing                                working, orphan (ours, unknown to the state), gone (in the state, not
                                            live), unresolved (sent, no answer), unchecked (state or venue not
                                            read), foreign (not ours)
    symbol, side, price, size_base, executed_base, remaining_base
    distance_bps                            from the others' best price on its side: above 0 behind it, below in front
    level, slot_ms, since_ms, client_id, venue_id

`mm fills`, a list with one object a market: account, symbol, is_cut (older ones exceed --limit), fills, totals.

    time_ms, trade_id, client_id, venue_order_id, side, price, size_base, notional_quote
    fee, fee_asset                          above 0 paid, below 0 a rebate; null where the venue told none
    is_maker, realised_quote                realised before fees
    totals                                  bought_base, bought_quote, sold_base, sold_quote, net_base, realised_quote,
                                            fees (asset, amount), fills_without_fee
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from marketmaker.bootstrap.terminal import (
    AccountStanding,
    ControlStanding,
    InventoryStanding,
    ListedOrder,
    MarketFills,
    MarketStanding,
    Touch,
    Unknown,
)
from marketmaker.domain.inventory import FillRow

_UNKNOWN_CONTROL = (
    "mode",
    "mode_reason",
    "mode_since_ms",
    "epoch",
    "last_tick_ms",
    "last_tick_age_s",
    "is_late",
    "lease_owner",
    "lease_ends_ms",
    "blocked_until_ms",
    "is_banned",
    "alerts",
    "restrictions",
    "stops",
    "drawdowns",
)


def account_document(standing: AccountStanding) -> dict[str, Any]:
    """Describe an account as `mm status --json` does."""
    control = standing.control
    foreign = standing.foreign
    return {
        "account": standing.account,
        "venue": standing.venue,
        "config_hash": standing.config_hash,
        "time_ms": standing.time_ms,
        "state_problem": standing.state_problem,
        "venue_problem": standing.venue_problem,
        **(dict.fromkeys(_UNKNOWN_CONTROL) if isinstance(control, Unknown) else _control(control, standing.time_ms)),
        "foreign_orders": None if isinstance(foreign, Unknown) else len(foreign),
        "stray_orders": order_documents(standing.strays),
        "markets": [_market(each) for each in standing.markets],
    }


def order_documents(orders: Iterable[ListedOrder]) -> list[dict[str, Any]]:
    """Describe orders as `mm orders --json` does."""
    return [{**asdict(order), "remaining_base": order.remaining_base} for order in orders]


def fills_document(fills: MarketFills) -> dict[str, Any]:
    """Describe a market's fills as `mm fills --json` does."""
    totals = fills.totals
    return {
        "account": fills.account,
        "symbol": fills.symbol,
        "is_cut": fills.is_cut,
        "fills": [fill_document(row) for row in fills.rows],
        "totals": {**asdict(totals), "net_base": totals.net_base},
    }


def fill_document(row: FillRow) -> dict[str, Any]:
    """Describe one fill."""
    fill = row.fill
    return {
        "time_ms": fill.time_ms,
        "side": fill.side,
        "price": fill.price,
        "size_base": fill.size_base,
        "notional_quote": fill.notional_quote,
        "fee": None if fill.fee is None else fill.fee.amount,
        "fee_asset": None if fill.fee is None else fill.fee.asset,
        "is_maker": fill.is_maker,
        "realised_quote": row.realised_quote,
        "client_id": row.client_id,
        "venue_order_id": fill.venue_order_id,
        "trade_id": fill.trade_id,
    }


def _control(control: ControlStanding, now_ms: int) -> dict[str, Any]:
    last_ms = control.last_tick_ms
    return {
        "mode": control.mode.label,
        "mode_reason": control.reason,
        "mode_since_ms": control.since_ms,
        "epoch": control.epoch,
        "last_tick_ms": last_ms,
        "last_tick_age_s": None if last_ms is None else max(0, now_ms - last_ms) / 1000,
        "is_late": control.is_late,
        "lease_owner": control.lease_owner,
        "lease_ends_ms": control.lease_ends_ms,
        "blocked_until_ms": control.blocked_until_ms,
        "is_banned": control.is_banned,
        "alerts": [asdict(each) for each in control.alerts],
        "restrictions": [{**asdict(each), "mode": each.mode.label} for each in control.restrictions],
        "stops": [{**asdict(each), "mode": each.mode.label} for each in control.stops],
        "drawdowns": [asdict(each) for each in control.drawdowns],
    }


def _market(market: MarketStanding) -> dict[str, Any]:
    inventory = market.inventory
    everyone = market.everyone if isinstance(market.everyone, Touch) else Touch(bid=None, ask=None)
    others = market.others if isinstance(market.others, Touch) else Touch(bid=None, ask=None)
    described = {
        "symbol": market.symbol,
        "opened": None if isinstance(inventory, Unknown) else inventory is not None,
        "bid": everyone.bid,
        "ask": everyone.ask,
        "others_bid": others.bid,
        "others_ask": others.ask,
        "touch_problem": market.others.reason if isinstance(market.others, Unknown) else None,
        "mark": market.mark,
        "min_ratio": market.min_ratio,
        "max_ratio": market.max_ratio,
        "orders": order_documents(market.orders),
    }
    if not isinstance(inventory, InventoryStanding):
        return described
    values = asdict(inventory)
    return described | {"fees_unpriced": values.pop("unpriced_fees")} | values
