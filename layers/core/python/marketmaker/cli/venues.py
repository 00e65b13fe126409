"""`mm venues`: what each venue can do, and whether a deployment may trade there.

`--json` prints a list with one object a venue: name, kinds, deployments, request_weight_a_minute, kline_ms, and trading
with what orders and positions can be; null where only the public books are read.
"""

from typing import Any

from rich.markup import escape

from marketmaker.cli.accounts import Json, print_json
from marketmaker.cli.style import NONE, console, show, table
from marketmaker.domain.units import plain
from marketmaker.domain.venues import VENUES, Trading, Venue

_READ_ONLY = "public books only"


def list_venues(as_json: Json = False) -> None:
    """List the venues with what each can do: order types, batches, ids, switches, test environments, leverage.

    Settings that a venue cannot follow are refused by their key. Where deployments are not possible yet, backtests and
    local runs are.
    """
    if as_json:
        print_json([_document(venue) for venue in VENUES.values()], {})
        return
    shown = table("", *VENUES, whole=" ".join(VENUES))
    rows = [_row(venue) for venue in VENUES.values()]
    for name in next(iter(rows)):
        shown.add_row(name, *(escape(row.get(name, "")) for row in rows))
    show([shown])
    console.print("fees are a new account's; the weight is of requests a minute; a batch of 1 is none")


def _row(venue: Venue) -> dict[str, str]:
    row = {
        "markets": ", ".join(sorted(venue.kinds)),
        "deployments": _READ_ONLY if venue.trading is None else "yes",
        "request weight": str(venue.request_weight_a_minute),
        "shortest klines": f"{venue.kline_ms // 1000} s",
    }
    return row if venue.trading is None else row | _trading(venue.trading)


def _trading(trading: Trading) -> dict[str, str]:
    return {
        "fees, maker / taker": f"{plain(trading.maker_bps)} / {plain(trading.taker_bps)} bps",
        "post-only": _yes(trading.has_post_only),
        "immediate or cancel": _yes(trading.has_immediate_or_cancel),
        "reduce-only": _yes(trading.has_reduce_only),
        "batch, create": str(trading.create_batch),
        "batch, cancel": str(trading.cancel_batch),
        "amend": trading.amending,
        "dead man's switch": trading.dead_mans_switch,
        "test environment": trading.test_environment,
        "client order id": trading.client_ids,
        "market numbers": f"0 to {trading.client_ids.max_market_number}",
        "request expiry": f"up to {trading.max_request_ttl_ms // 1000} s",
        "hedge mode": "possible, refused" if trading.has_hedge_mode else NONE,
        "leverage": NONE if trading.leverage == NONE else f"per {trading.leverage}",
        "margin modes": ", ".join(sorted(trading.margin_modes)) or NONE,
        "key's permissions": "told" if trading.tells_key_permissions else "not told",
    }


def _document(venue: Venue) -> dict[str, Any]:
    trading = venue.trading
    return {
        "name": venue.name,
        "kinds": sorted(venue.kinds),
        "deployments": venue.trading is not None,
        "request_weight_a_minute": venue.request_weight_a_minute,
        "kline_ms": venue.kline_ms,
        "trading": None
        if trading is None
        else {
            "maker_bps": plain(trading.maker_bps),
            "taker_bps": plain(trading.taker_bps),
            "post_only": trading.has_post_only,
            "immediate_or_cancel": trading.has_immediate_or_cancel,
            "reduce_only": trading.has_reduce_only,
            "create_batch": trading.create_batch,
            "cancel_batch": trading.cancel_batch,
            "amend": trading.amending,
            "dead_mans_switch": trading.dead_mans_switch,
            "test_environment": trading.test_environment,
            "client_id": trading.client_ids,
            "max_market_number": trading.client_ids.max_market_number,
            "max_request_ttl_ms": trading.max_request_ttl_ms,
            "hedge_mode": trading.has_hedge_mode,
            "leverage": trading.leverage,
            "margin_modes": sorted(trading.margin_modes),
            "tells_key_permissions": trading.tells_key_permissions,
        },
    }


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
