"""A deployment file with some values of one market changed, for a backtest of them: `KEY=VALUE`, as in the file."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from marketmaker.config.deployment import Deployment, parse_deployment
from marketmaker.config.market_schema import Preset
from marketmaker.config.presets import put_over
from marketmaker.config.reading import Place
from marketmaker.config.schema import Stage
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import ConfigError

_STAGES_WITH_MONEY = frozenset({Stage.TESTNET.value, Stage.LIVE.value})
_SHAPES = (
    *({"quote"}, {"bps"}, {"low", "high"}, {"amount"}, {"share"}),
    *({"linear"}, {"geometric"}, {"explicit"}, {"loss_quote"}),
)
"""Tables that are told apart by their keys: a key of another shape makes another table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenMarket:
    """One market of a deployment, with the changes that were asked for."""

    deployment: Deployment
    account: AccountName
    symbol: Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be different in one market: first a preset put over it, then each KEY=VALUE; and the interval.

    A key is one of the market's table, with dots for those below it: `half_spread.bps=4`. Changing one of a table's
    keys replaces the table where it is told apart by its keys, such as `half_spread`.
    """

    preset: Preset | None = None
    values: Sequence[str] = ()
    interval_s: int | None = None

    def apply_to(self, market: dict[str, Any]) -> None:
        """Change a market's table in place."""
        if self.preset is not None:
            whole = put_over(market, self.preset)
            market.clear()
            market.update(whole)
        for path, value in map(_parsed, self.values):
            _set(market, path, value)


def choose_market(path: str | Path, market: str, changes: Changes) -> ChosenMarket:
    """Read a deployment file and change one of its markets, VENUE:SYMBOL, for a run that places no order anywhere.

    What only a stage with money refuses is allowed.

    Raises:
        ConfigError: the file, the market or a change is not allowed.
    """
    venue, _, symbol = market.partition(":")
    found: list[str] = []

    def change(raw: dict[str, Any]) -> None:
        found.append(_apply(raw, venue, symbol, changes))

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Place(file=str(path), path="the file").refuse("unreadable", f"UTF-8 text ({error})") from error
    deployment = parse_deployment(text, file=str(path), change=change)
    return ChosenMarket(deployment=deployment, account=AccountName(found[0]), symbol=Symbol(symbol))


def _parsed(change: str) -> tuple[list[str], object]:
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set: {change} is not allowed: KEY=VALUE, such as half_spread.bps=4")
    try:
        value = tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        value = text
    return key.strip().split("."), value


def _apply(raw: dict[str, Any], venue: str, symbol: str, changes: Changes) -> str:
    """Change the market in place; returns its account's name."""
    known: list[str] = []
    if changes.interval_s is not None:
        raw.setdefault("clocks", {})["interval_s"] = changes.interval_s
    if (changes.preset or changes.values) and raw.get("stage") in _STAGES_WITH_MONEY:
        raw["stage"], raw["armed"] = Stage.LOCAL.value, False
    for name, account in _tables(raw.get("accounts")):
        for market in account.get("markets", []):
            known.append(f"{account.get('venue')}:{market.get('symbol')}")
            if known[-1] == f"{venue}:{symbol}":
                changes.apply_to(market)
                return name
    raise ConfigError(f"--market: {venue}:{symbol} is not allowed: one of {', '.join(known) or 'none in the file'}")


def _tables(accounts: object) -> list[tuple[str, dict[str, Any]]]:
    named = accounts.items() if isinstance(accounts, dict) else ()
    return [(name, account) for name, account in named if isinstance(account, dict)]


def _set(market: dict[str, Any], path: Sequence[str], value: object) -> None:
    *above, last = path
    table = market
    for key in above:
        inner = table.get(key)
        is_another = any(isinstance(inner, dict) and {*inner} <= shape and last not in shape for shape in _SHAPES)
        table[key] = dict(inner) if isinstance(inner, dict) and not is_another else {}
        table = table[key]
    table[last] = value
