"""Deployment documents for tests: as nested dicts, changed at a path, written as TOML."""

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.config import Deployment, parse_deployment
from marketmaker.errors import ConfigError

FILE = "test.toml"
MISSING = object()

type Path = tuple[str | int, ...]

PAXG: Path = ("accounts", "main", "markets", 0)
ETH: Path = ("accounts", "main", "markets", 1)
RISK_KEYS = (
    "price_band, inventory_band, stale_data, drawdown, daily_loss, notional, account_notional, portfolio_notional, "
    "open_orders, "
    "liquidation, volatility, ledger_difference, venue_errors, cancel_ratio, order_success, taker_share, fee_tier, "
    "max_drawdown_share, max_daily_loss_share, max_notional_quote, max_open_orders_quote, max_unreachable_ticks, "
    "max_cancel_ratio, min_order_success, max_taker_share, max_fee_difference_bps, widen, patience"
)


def minimal_market(symbol: str = "PAXG/USDT", number: int = 1) -> dict[str, Any]:
    """A market with the required keys only."""
    return {
        "symbol": symbol,
        "number": number,
        "capital_base": {"amount": 10},
        "capital_quote": {"amount": Decimal(20000)},
        "fees": {"maker_bps": 1, "taker_bps": 10},
        "half_spread": {"quote": Decimal("0.5")},
        "order_size_base": Decimal("0.1"),
        "price_band": {"low": 1800, "high": 2000},
    }


def minimal_document() -> dict[str, Any]:
    """A deployment with the required keys only."""
    return {
        "name": "test",
        "tag": "tst",
        "stage": "testnet",
        "accounts": {"main": {"venue": "binance", "markets": [minimal_market()]}},
    }


def full_document() -> dict[str, Any]:
    """Every key of a market there is, some of its models, and a second account with the same symbol and number."""
    paxg = minimal_market() | {
        "opening_cost_quote": 1900,
        "fair_price": "last",
        "inventory": {
            "policy": "shift",
            "min_ratio": Decimal("0.1"),
            "max_ratio": Decimal("0.6"),
            "max_shift_share": Decimal("0.4"),
            "ramp_ratio": Decimal("0.2"),
        },
        "replace": {"price_share": Decimal("0.3"), "size_share": Decimal("0.6"), "max_age_s": 900},
        "depth_levels": 4,
        "reference": {
            "venue": "binanceus",
            "symbol": "PAXG/USD",
            "convert": "USDT/USD",
            "min_rate": Decimal("0.97"),
            "max_rate": Decimal("1.1"),
            "max_age_s": 20,
        },
        "implied": {"through": "BTC", "max_age_s": 15},
        "triangle": {"min_edge_bps": 6, "min_profit_quote": 2},
        "max_deviation_bps": 80,
        "assumed_volatility": Decimal("0.5"),
        "max_statistics_age_s": 600,
        "ladder": {
            "levels": 3,
            "spacing": {"explicit": [1, Decimal("1.5"), Decimal(3)]},
            "sizes": {"geometric": Decimal("1.2")},
        },
        "touch": {"placement": "improve", "ticks": 2},
        "size_skew": {"range_ratio": Decimal("0.3")},
        "carry": {"interest": Decimal("0.2"), "max_shift_share": Decimal("0.3"), "horizon_s": 7200},
        "break_even": {"max_age_s": 3600, "max_loss_share": Decimal("0.04"), "averages": True},
        "run_guard": {"orders": 4, "within_s": 30, "widen": Decimal(2)},
        "max_book_age_s": 45,
        "post_only": False,
    }
    eth = minimal_market("ETH/USDT", 2) | {
        "capital_base": {"share": Decimal("0.5")},
        "capital_quote": {"share": Decimal("0.25")},
        "fees": {"maker_bps": Decimal("-0.5"), "taker_bps": 5},
        "half_spread": {"bps": 3},
        "inventory": {
            "policy": "both_sides",
            "min_ratio": Decimal("0.2"),
            "max_ratio": Decimal("0.5"),
            "half_spread_below": {"quote": Decimal("0.4")},
            "half_spread_above": {"bps": 6},
        },
        "price_band": {"bps": 500},
    }
    risk = {
        "price_band": "halt",
        "inventory_band": "cancel",
        "stale_data": "halt",
        "drawdown": "alert",
        "max_drawdown_share": Decimal("0.08"),
    }
    return {
        "name": "test",
        "tag": "tst",
        "stage": "testnet",
        "armed": False,
        "region": "eu-central-1",
        "egress": "static",
        "alerts": {"email": ["me@example.com", "desk@example.org"], "sms": ["+819012345678"]},
        "memory_mb": {
            "replace_quotes": 1536,
            "check_risk": 768,
            "halt": 512,
            "fetch_prices": 640,
            "schedule_ticks": 128,
            "relay_alerts": 192,
        },
        "clocks": {"interval_s": 10, "request_timeout_ms": 1500, "request_ttl_ms": 2500, "function_timeout_s": 9},
        "accounts": {
            "main": {"venue": "binance", "dedicated": True, "risk": risk, "markets": [paxg, eth]},
            "second": {"venue": "binance", "markets": [minimal_market()]},
        },
    }


def changed(document: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    """A copy with the value at a path set, or taken out if it is MISSING."""
    result = copy.deepcopy(document)
    *parents, last = path
    table: Any = result
    for step in parents:
        table = table[step]
    if value is MISSING:
        del table[last]
    else:
        table[last] = value
    return result


def tables(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all tables whose keys the schema names: not those of accounts, whose keys are names."""
    if isinstance(value, dict):
        if path != ("accounts",):
            yield path
        for key, each in value.items():
            yield from tables(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from tables(each, (*path, index))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All scalar values with their paths."""
    inside: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        yield path, value
    else:
        for key, each in inside:
            yield from leaves(each, (*path, key))


def place(document: dict[str, Any], path: Path) -> str:
    """The key path as an error writes it: `accounts.main.markets[0 PAXG/USDT].fees`."""
    value: Any = document
    text = ""
    for step in path:
        value = value[step] if isinstance(step, int) or step in value else {}
        if isinstance(step, int):
            is_market = isinstance(value, dict) and "symbol" in value
            text += f"[{step} {value['symbol']}]" if is_market else f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False)


def toml(value: Any) -> str:
    """A value as TOML on one line."""
    match value:
        case dict():
            return f"{{ {', '.join(f'{quoted(key)} = {toml(each)}' for key, each in value.items())} }}"
        case list():
            return f"[ {', '.join(map(toml, value))} ]"
        case str():
            return quoted(value)
        case bool():
            return "true" if value else "false"
        case _:
            return "inf" if value == Decimal("inf") else str(value).lower()


def text_of(document: dict[str, Any]) -> str:
    """The document as TOML, one top-level key a line."""
    return "".join(f"{quoted(key)} = {toml(value)}\n" for key, value in document.items())


def parse(document: dict[str, Any]) -> Deployment:
    """Check a document as the file `test.toml`."""
    return parse_deployment(text_of(document), file=FILE)


def refusal(document: dict[str, Any]) -> str:
    """The error of a document that must be refused, always one line."""
    with pytest.raises(ConfigError) as caught:
        parse(document)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message
