"""Every value of a deployment file by its key, so that two files can be compared key by key."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import msgspec

from marketmaker.config.reading import show
from marketmaker.config.schema import DeploymentTable
from marketmaker.domain.units import plain

type KeyPath = tuple[str, ...]
"""A key's place from the top of the file; a market is named by its symbol, as `markets[PAXG/USDT]`,
any other table of several by its place."""


def keys_of(table: DeploymentTable) -> Mapping[KeyPath, object]:
    """Return every value that a file says or leaves to a default, by its key."""
    return MappingProxyType(dict(_flat(msgspec.to_builtins(table, builtin_types=(Decimal,)), ())))


def written(value: object) -> str:
    """Write a value about as it stands in a file."""
    match value:
        case Decimal():
            return plain(value)
        case list() | tuple():
            return f"[{', '.join(map(written, value))}]"
        case _:
            return show(value)


def _flat(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, object]]:  # noqa: ANN401 - whatever TOML can say
    match value:
        case None:
            return
        case dict():
            for name, each in value.items():
                yield from _flat(each, (*path, name))
        case [dict(), *_]:
            for index, each in enumerate(value):
                yield from _flat(each, (*path[:-1], f"{path[-1]}[{each.get('symbol', index)}]"))
        case _:
            yield path, value
