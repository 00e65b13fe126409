"""A deployment file with some values of one market changed, for a backtest of them: `KEY=VALUE`, as in the file."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from marketmaker.config.deployment import Deployment, parse_deployment
from marketmaker.config.reading import Place
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import ConfigError

_TOLD_BY_KEYS = frozenset({"quote", "bps", "low", "high", "amount", "share"})
"""Keys of tables that are told apart by which of them they have: another one makes another table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenMarket:
    """One market of a deployment, with the changes that were asked for."""

    deployment: Deployment
    account: AccountName
    symbol: Symbol


def choose_market(path: str | Path, market: str, changes: Sequence[str], interval_s: int | None = None) -> ChosenMarket:
    """Read a deployment file and change one of its markets; `market` is VENUE:SYMBOL, each change KEY=VALUE.

    A key is one of the market's table, with dots for those below it: `half_spread.bps=4`. Changing one of a table's
    keys replaces the table where it is told apart by its keys, such as `half_spread`.

    Raises:
        ConfigError: the file, the market or a change is not allowed.
    """
    venue, _, symbol = market.partition(":")
    found: list[str] = []

    def change(raw: dict[str, Any]) -> None:
        found.append(_apply(raw, venue, symbol, [_parsed(each) for each in changes], interval_s))

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


def _apply(
    raw: dict[str, Any], venue: str, symbol: str, changes: Sequence[tuple[list[str], object]], interval_s: int | None
) -> str:
    """Change the market in place; returns its account's name."""
    known: list[str] = []
    if interval_s is not None:
        raw.setdefault("clocks", {})["interval_s"] = interval_s
    for name, account in _tables(raw.get("accounts")):
        for market in account.get("markets", []):
            known.append(f"{account.get('venue')}:{market.get('symbol')}")
            if known[-1] == f"{venue}:{symbol}":
                for path, value in changes:
                    _set(market, path, value)
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
        is_fixed_distance = (
            isinstance(inner, dict) and inner.keys() <= {"quote", "bps", "low", "high"} and last not in inner
        )
        table[key] = dict(inner) if isinstance(inner, dict) and not is_fixed_distance else {}
        table = table[key]
    table[last] = value
