"""Presets: a market's settings by one name, overridable key by key.

In a deployment file `preset = "NAME"` stands beneath what the market's table says. A backtest puts one over the file:
then of the market only what it trades and with how much remains.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from marketmaker.config.market_schema import Preset
from marketmaker.domain.units import BPS

type Raw = Mapping[str, Any]

_GUIDE_BPS = Decimal(10_000) / 1_900
"""The guide's distances are given at a price of 1900."""


def _guide(quote: str) -> Raw:
    return {"bps": (Decimal(quote) * _GUIDE_BPS).quantize(Decimal("0.01"))}


def _perpetual_guide(
    spread: str,
    quantity: str,
    max_orders: int,
    position: tuple[int, int, int, str],
    exits: tuple[int, int] | None,
) -> Raw:
    """Write a row of the perpetual guide's table (P7) in our keys.

    `position` is target, largest, threshold and skew; `exits` stop loss and take profit. Level k of the guide stands
    spread · k away, which is a ladder one half-spread apart (P1).
    """
    target, largest, threshold, skew = position
    stops: Raw = {} if exits is None else {"stop_loss": {"loss_quote": exits[0]}, "take_profit_quote": exits[1]}
    return {
        "half_spread": {"bps": Decimal(spread) / BPS},
        "order_size_base": Decimal(quantity),
        "ladder": {"levels": max_orders, "spacing": {"linear": 1}},
        "inventory": {
            "policy": "position",
            "target_base": target,
            "max_base": largest,
            "threshold_base": threshold,
            "skew": Decimal(skew),
            "effect": "shift",
            "ramp": "linear",
        },
        **stops,
    }


PRESETS: Mapping[Preset, Raw] = MappingProxyType(
    {
        # The guide's loop (S1-S4): everything cancelled in every cycle, ± 0.5 at 1900 round the last trade, no floors.
        Preset.NAIVE: {
            "fair_price": "last",
            "half_spread": _guide("0.5"),
            "inventory": {
                "policy": "both_sides",
                "min_ratio": Decimal("0.2"),
                "max_ratio": Decimal("0.5"),
                "half_spread_below": _guide("0.4"),
                "half_spread_above": _guide("0.6"),
            },
            "floors": False,
            "replace": {"policy": "all"},
        },
        # The strategy that other simulators ran too: fixed half-spread, ten orders of inventory, no fee, no floors.
        Preset.REFEREE: {
            "fair_price": "mid",
            "half_spread": {"bps": 2},
            "fees": {"maker_bps": 0, "taker_bps": 0},
            "order_size_base": Decimal("0.1"),
            "inventory": {"policy": "position", "max_base": 2, "skew": 0},
            "price_band": {"low": Decimal("0.01"), "high": 10_000_000},
            "floors": False,
            "replace": {"price_share": Decimal("0.5"), "size_share": 1, "max_age_s": 86_400},
            "max_book_age_s": 3_600,
        },
        Preset.NEUTRAL: _perpetual_guide("0.01", "0.1", 2, (0, 3, 1, "0.7"), (100, 200)),
        Preset.BALANCED: _perpetual_guide("0.01", "0.1", 3, (1, 5, 2, "0.3"), (200, 400)),
        Preset.AGGRESSIVE: _perpetual_guide("0.005", "0.2", 5, (2, 10, 0, "0.3"), None),
        Preset.CONSERVATIVE: _perpetual_guide("0.02", "0.05", 1, (0, 2, 0, "0.8"), (50, 100)),
    }
)
_BASELINES = frozenset({Preset.NAIVE, Preset.REFEREE})
_OWN = (
    "symbol",
    "number",
    "capital_base",
    "capital_quote",
    "opening_cost_quote",
    "fees",
    "order_size_base",
    "price_band",
    "perpetual",
)
"""What a market trades and with how much, which a preset put over it does not change unless it says so."""
_TAGS = ("policy", "model", "placement")
_TELLING = frozenset({"quote", "bps", "linear", "geometric", "explicit", "loss_quote"})
"""Keys that tell their table's shape: a table with one of them is replaced as a whole."""
_EXITS = ("stop_loss", "take_profit_quote")


def with_presets(raw: dict[str, Any]) -> dict[str, Any]:
    """Put the preset that each market names beneath what its table says; anything malformed is left to the schema."""
    accounts = raw.get("accounts")
    if not isinstance(accounts, dict):
        return raw
    return raw | {"accounts": {name: _account(each) for name, each in accounts.items()}}


def put_over(market: Raw, preset: Preset) -> dict[str, Any]:
    """Put a preset over a market's table: what it says, beside what the market trades and with how much."""
    return {key: market[key] for key in _OWN if key in market} | dict(PRESETS[preset])


def decided_by(preset: Preset) -> tuple[str, ...]:
    """Name the keys of a market that a preset decides; those of the perpetual guide decide about exits in any case."""
    said = PRESETS[preset]
    return tuple(said) if preset in _BASELINES else (*(key for key in said if key not in _EXITS), *_EXITS)


def _account(account: object) -> object:
    if not isinstance(account, dict) or not isinstance(account.get("markets"), list):
        return account
    markets = account["markets"]
    return account | {"markets": [_market(each) if isinstance(each, dict) else each for each in markets]}


def _market(market: dict[str, Any]) -> dict[str, Any]:
    if market.get("preset") not in list(PRESETS):
        return market
    return _merged(PRESETS[market["preset"]], market)


def _merged(beneath: Raw, over: Raw) -> dict[str, Any]:
    return dict(beneath) | {
        key: _merged(beneath[key], value) if key in beneath and _is_one_table(beneath[key], value) else value
        for key, value in over.items()
    }


def _is_one_table(beneath: object, over: object) -> bool:
    """Tell whether two tables are of one shape, so that keys of one may stand in for keys of the other."""
    if not isinstance(beneath, Mapping) or not isinstance(over, Mapping) or beneath.keys() & _TELLING:
        return False
    return all(over.get(tag, beneath.get(tag)) == beneath.get(tag) for tag in _TAGS)
