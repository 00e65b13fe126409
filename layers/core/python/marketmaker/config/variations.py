"""The values to try of one key: `KEY=V1,V2` or `KEY=[V1, V2]`, each as in the deployment file."""

import json
import re
import tomllib
from decimal import Decimal
from typing import Any

from marketmaker.domain.sweeps import Variation
from marketmaker.domain.units import plain
from marketmaker.errors import ConfigError

_ALLOWED = "KEY=V1,V2 or KEY=[V1, V2], such as half_spread.bps=2,4,8 or inventory=[{policy = 'position', max_base = 2}]"
_STRUCTURE = frozenset("[]{}\"'")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def read_variation(text: str) -> Variation:
    """Read one `--vary`.

    Raises:
        ConfigError: it is not of that form, or names a value twice.
    """
    key, equals, listed = (each.strip() for each in text.partition("="))
    values = _values(listed) if key and equals else None
    if not values:
        raise ConfigError(f"--vary: {text} is not allowed: {_ALLOWED}")
    written = tuple(map(_written, values))
    twice = next((each for index, each in enumerate(written) if each in written[:index]), None)
    if twice is not None:
        raise ConfigError(f"--vary: {key}={twice} twice is not allowed: each value once")
    return Variation(key=key, values=written)


def _values(listed: str) -> list[Any] | None:
    """Return what a list holds; None where it is none."""
    whole = _parsed(listed)
    if isinstance(whole, list):
        return whole
    inner = _parsed(f"[{listed}]")
    if isinstance(inner, list):
        return inner
    if _STRUCTURE & set(listed):
        return None
    texts = [each.strip() for each in listed.split(",")]
    return [_parsed(each, each) for each in texts] if all(texts) else None


def _parsed(text: str, otherwise: object = None) -> Any:  # noqa: ANN401 - TOML is untyped
    try:
        document = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except tomllib.TOMLDecodeError:
        return otherwise
    return document["value"] if len(document) == 1 else otherwise


def _written(value: object) -> str:
    """Write a value as after `--set KEY=`: text that could be nothing else goes without quotes."""
    if isinstance(value, str):
        return value if value and _parsed(value) is None and not _STRUCTURE & set(value) else _toml(value)
    return _toml(value)


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal() if value.is_finite():
            return plain(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return f"{{ {', '.join(f'{_key(key)} = {_toml(each)}' for key, each in value.items())} }}"
        case _:
            return str(value)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _toml(key)
