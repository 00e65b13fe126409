"""From parsed TOML to the schema's tables: strict, level by level, so that every error names its exact place."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from marketmaker.config.ranges import SYMBOL, Allowed
from marketmaker.config.tables import Table, index_label
from marketmaker.domain.units import ZERO, plain
from marketmaker.errors import ConfigError

type Kind = Any
"""The annotation of a key in the schema: a table, a union of tables, an array, a number ..."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN_CHARACTERS = 120
_TOML_PLACE = re.compile(r"(?P<problem>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)")
_WRITTEN_BITS = 64  # Python refuses to write very long integers in decimal
_WHOLE_DIGITS = 15
_DECIMAL_PLACES = 18

EXACT_NUMBERS = f"a number of at most {_WHOLE_DIGITS} digits before the point and {_DECIMAL_PLACES} after it"
"""What every number must be: on the ledger's own grid of 1e-18, and no slip of the keyboard like 1e30."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in which file a value stands."""

    file: str
    path: str = ""

    def key(self, name: str) -> "Place":
        """Return the place of a key in this table."""
        return replace(self, path=f"{self.path}.{_key(name)}" if self.path else _key(name))

    def item(self, index: int, symbol: str | None) -> "Place":
        """Return the place of an element of this array."""
        return replace(self, path=self.path + index_label(index, symbol))

    def refuse(self, value: str, allowed: str) -> ConfigError:
        """Write the one line that a human needs: file, key path, value, what is allowed."""
        return ConfigError(f"{self.file}: {self.path}: {value} is not allowed: {allowed}")


def parse_toml(text: str, file: str) -> dict[str, object]:
    """Parse a file's text, numbers with a point as decimals; raises `ConfigError` with the line and column."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.fullmatch(str(error))
        lines = text.split("\n")
        number = int(found["line"]) if found else len(text.rstrip().split("\n"))
        where = f"line {number}, column {found['column']}" if found else f"line {number}"
        allowed = f"valid TOML ({found['problem'] if found else error})"
        raise Place(file=file, path=where).refuse(show(lines[number - 1].strip()), allowed) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Place(file=file, path="a value").refuse("too long or too deeply nested", EXACT_NUMBERS) from error


def read_table[T: Table](kind: type[T], raw: object, at: Place) -> T:
    """Check a parsed table against its schema; raises `ConfigError` for the first thing that is wrong."""
    if not isinstance(raw, dict):
        raise at.refuse(show(raw), _shapes([kind]))
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    given = {name: value for name, value in raw.items() if name != kind.__struct_config__.tag_field}
    for name in given:
        if name not in fields:
            raise _unknown_key(name, raw, fields, at)
    for name, field in fields.items():
        if field.required and name not in given:
            raise at.key(name).refuse("a missing key", f"it is required, {_expected(field.type)}")
    table = kind(**{name: _read(fields[name].type, value, at.key(name)) for name, value in given.items()})
    for contradiction in table.contradictions():
        value = show(raw) if contradiction.value is None else contradiction.value
        place = replace(at, path=f"{at.path}.{contradiction.key}".lstrip(".")) if contradiction.key else at
        raise place.refuse(value, contradiction.allowed)
    return table


def show(value: object) -> str:
    """Write a parsed value about as it stands in the file, on one line, cut if it is long."""
    text = _written(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _written(value: object) -> str:
    match value:
        case dict():
            inside = ", ".join(f"{_key(key)} = {_written(each)}" for key, each in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case list():
            return f"[{', '.join(_written(each) for each in value)}]"
        case str():
            return _quoted(value)
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > _WRITTEN_BITS:
            return hex(value)
        case _:
            return str(value)


def _read(kind: Kind, raw: object, at: Place) -> object:
    """Read one value of any type that the schema uses."""
    variants = _variants(kind)
    if len(variants) > 1:
        return _read_variant(variants, raw, at)
    (kind,) = variants
    origin: Kind = get_origin(kind)
    if origin is tuple:
        return _read_array(get_args(kind)[0], raw, at)
    if origin is Mapping:
        return _read_named(*get_args(kind), raw=raw, at=at)
    if isinstance(kind, type) and issubclass(kind, Table):
        return read_table(kind, raw, at)
    return _read_scalar(kind, raw, at)


def _read_array(kind: Kind, raw: object, at: Place) -> tuple[object, ...]:
    if not isinstance(raw, list) or not raw:
        raise at.refuse(show(raw), _several(kind, "element"))
    return tuple(_read(kind, each, at.item(index, _symbol_of(each))) for index, each in enumerate(raw))


def _read_named(name_kind: Kind, kind: Kind, *, raw: object, at: Place) -> Mapping[object, object]:
    if not isinstance(raw, dict) or not raw:
        raise at.refuse(show(raw), _several(kind, "key"))
    return {_read_scalar(name_kind, name, at.key(name)): _read(kind, each, at.key(name)) for name, each in raw.items()}


def _read_variant(variants: Sequence[type[Table]], raw: object, at: Place) -> Table:
    """Read a table that has one of several shapes, told apart by a named tag or else by the keys given."""
    if not isinstance(raw, dict) or not raw:
        raise at.refuse(show(raw), _shapes(variants))
    tagged = [kind for kind in variants if kind.__struct_config__.tag_field]
    plain_shapes = [kind for kind in variants if kind not in tagged]
    if not tagged:
        return _read_by_keys(plain_shapes, raw, at)
    tag_field = str(tagged[0].__struct_config__.tag_field)
    known = {tag_field: None} | {name: None for kind in variants for name in kind.__struct_fields__}
    for name in raw:
        if name not in known:
            raise _unknown_key(name, raw, known, at)
    untagged = {name for kind in plain_shapes for name in kind.__struct_fields__}
    if tag_field in raw or not untagged & raw.keys():
        return _read_tagged(tagged, plain_shapes, raw, at)
    for name in raw:
        if name not in untagged:
            taking = [kind for kind in tagged if name in kind.__struct_fields__]
            raise at.key(name).refuse(show(raw[name]), f"a key of {_shapes(taking)}")
    return _read_by_keys(plain_shapes, raw, at)


def _read_tagged(
    tagged: Sequence[type[Table]], others: Sequence[type[Table]], raw: dict[str, object], at: Place
) -> Table:
    """Read the shape that the tag names; others have none, and are named where the tag is none."""
    tag_field = str(tagged[0].__struct_config__.tag_field)
    by_tag = {str(kind.__struct_config__.tag): kind for kind in tagged}
    tags = f"one of {', '.join(map(show, by_tag))}{f'; or, without it, {_shapes(others)}' if others else ''}"
    if tag_field not in raw:
        raise at.key(tag_field).refuse("a missing key", f"it is required, {tags}")
    tag = raw[tag_field]
    if not isinstance(tag, str) or tag not in by_tag:
        raise at.key(tag_field).refuse(show(tag), tags)
    taken = by_tag[tag].__struct_fields__
    for name in raw:
        if name not in {tag_field, *taken}:
            allowed = f"a key of another {tag_field}; {show(tag)} takes {', '.join(taken) or 'no other key'}"
            raise at.key(name).refuse(show(raw[name]), allowed)
    return read_table(by_tag[tag], raw, at)


def _read_by_keys(variants: Sequence[type[Table]], raw: dict[str, object], at: Place) -> Table:
    matching = [kind for kind in variants if raw.keys() & set(kind.__struct_fields__)]
    if not matching:
        raise _unknown_key(next(iter(raw)), raw, [name for kind in variants for name in kind.__struct_fields__], at)
    if len(matching) > 1:
        raise at.refuse(show(raw), f"only one of {_shapes(matching)}")
    return read_table(matching[0], raw, at)


def _read_scalar(kind: Kind, raw: object, at: Place) -> object:
    expected = _expected(kind)
    plain_kind: Kind = getattr(kind, "__origin__", kind)
    if plain_kind is Decimal:
        value: object = _read_number(raw, expected, at)
    else:
        try:
            value = msgspec.convert(raw, plain_kind)
        except msgspec.ValidationError:
            raise at.refuse(show(raw), expected) from None
    rule = _rule_of(kind)
    if rule is not None and not rule.holds(value):
        raise at.refuse(show(raw), expected)
    return value


def _read_number(raw: object, expected: str, at: Place) -> Decimal:
    """Return the exact number without trailing zeros, so that 1.50 and 1.5 are one value and hash alike."""
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal) or not Decimal(raw).is_finite():
        raise at.refuse(show(raw), expected)
    number = Decimal(raw)
    if not number:
        return ZERO
    if not -_DECIMAL_PLACES <= number.adjusted() < _WHOLE_DIGITS:
        raise at.refuse(show(raw), EXACT_NUMBERS)
    value = Decimal(plain(number))
    if -int(value.as_tuple().exponent) > _DECIMAL_PLACES:
        raise at.refuse(show(raw), EXACT_NUMBERS)
    return value


def _unknown_key(name: str, raw: Mapping[str, object], allowed: Iterable[str], at: Place) -> ConfigError:
    keys = list(allowed)
    close = difflib.get_close_matches(name, keys, n=1)
    hint = f"an unknown key, did you mean {close[0]}?" if close else "an unknown key;"
    return at.key(name).refuse(show(raw[name]), f"{hint} allowed here: {', '.join(keys)}")


def _variants(kind: Kind) -> Sequence[Kind]:
    """Return the members of a union without None, which TOML cannot say; any other type stands for itself."""
    is_union = get_origin(kind) in {Union, UnionType}
    return [each for each in get_args(kind) if each is not NoneType] if is_union else [kind]


def _rule_of(kind: Kind) -> Allowed | None:
    return next((each for each in getattr(kind, "__metadata__", ()) if isinstance(each, Allowed)), None)


def _expected(kind: Kind) -> str:
    """Say what a value of this type has to be."""
    match _variants(kind):
        case [one]:
            return _expected_one(one)
        case several:
            return _shapes(several)


def _expected_one(kind: Kind) -> str:
    rule = _rule_of(kind)
    if rule is not None:
        return rule.text
    if kind is bool:
        return "true or false"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return f"one of {', '.join(show(each.value) for each in kind)}"
    if isinstance(kind, type) and issubclass(kind, Table):
        return _shapes([kind])
    origin: Kind = get_origin(kind)
    if origin is Mapping:
        return _several(get_args(kind)[1], "key")
    return _several(get_args(kind)[0], "element")


def _several(kind: Kind, what: str) -> str:
    """Say what an array, or a table of free names, has to hold."""
    rule = _rule_of(kind)
    return "at least one table" if rule is None else f"at least one {what}, each {rule.text}"


def _shapes(kinds: Iterable[type[Table]]) -> str:
    """Write the tables that would do, each by the keys it cannot do without."""
    return " or ".join(_shape(kind) for kind in kinds)


def _shape(kind: type[Table]) -> str:
    tag = kind.__struct_config__.tag
    needed = [f"{kind.__struct_config__.tag_field} = {show(tag)}"] if tag else []
    needed += [f"{field.name} = ..." for field in msgspec.structs.fields(kind) if field.required]
    return f"{{ {', '.join(needed)} }}" if needed else f"a table with any of {', '.join(kind.__struct_fields__)}"


def _symbol_of(raw: object) -> str | None:
    """Return a market's symbol for error messages, None where it is missing or malformed."""
    symbol = raw.get("symbol") if isinstance(raw, dict) else None
    return symbol if isinstance(symbol, str) and SYMBOL.holds(symbol) else None
