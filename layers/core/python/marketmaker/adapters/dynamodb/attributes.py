"""Attribute types that keep numbers exact; pynamodb's own `NumberAttribute` is a float."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from pynamodb.attributes import Attribute
from pynamodb.constants import MAP, NUMBER
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from marketmaker.domain.units import plain

MAX_DIGITS = 38
"""Significant digits of a DynamoDB number; more would be refused by the service."""
_MIN_EXPONENT = -130
_MAX_EXPONENT = 125


class DecimalAttribute(Attribute[Decimal]):
    """Store a Decimal as a DynamoDB number, digit for digit; refuse what would not come back equal."""

    attr_type = NUMBER

    def serialize(self, value: object) -> str:
        """Write the number without exponent or trailing zeros."""
        if not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is a {type(value).__name__}; money is a Decimal")
        if not value.is_finite():
            raise ValueError(f"{value} cannot be stored; allowed: finite numbers")
        if not value:
            return "0"
        digits = len("".join(map(str, value.as_tuple().digits)).strip("0"))
        if digits > MAX_DIGITS:
            raise ValueError(f"{value} has {digits} significant digits; allowed: at most {MAX_DIGITS}")
        if not _MIN_EXPONENT <= value.adjusted() <= _MAX_EXPONENT:
            raise ValueError(f"{value} cannot be stored; allowed: 1E{_MIN_EXPONENT} to 1E{_MAX_EXPONENT}")
        return plain(value)

    def deserialize(self, value: str) -> Decimal:
        """Read the number back."""
        return Decimal(value)


class IntegerAttribute(Attribute[int]):
    """Store a whole number."""

    attr_type = NUMBER

    def serialize(self, value: object) -> str:
        """Write the digits."""
        if not isinstance(value, int):
            raise TypeError(f"{value!r} is a {type(value).__name__}; allowed: whole numbers")
        return str(int(value))

    def deserialize(self, value: str) -> int:
        """Read the digits back."""
        return int(value)


class MappingAttribute[K: str, V](Attribute[Mapping[K, V]]):
    """Store a map from names to values of one attribute type."""

    attr_type = MAP

    def __init__(self, of: Attribute[Any]) -> None:
        super().__init__(default=dict)
        self._of = of

    def serialize(self, value: Mapping[K, V]) -> dict[str, dict[str, Any]]:
        """Write every value by the element type."""
        return {name: {self._of.attr_type: self._of.serialize(each)} for name, each in value.items()}

    def deserialize(self, value: Mapping[K, dict[str, Any]]) -> dict[K, V]:
        """Read every value by the element type."""
        return {name: self._of.deserialize(self._of.get_value(each)) for name, each in value.items()}

    def replace(self, value: Mapping[K, V]) -> Action:
        """Return the update that replaces the whole map.

        pynamodb's own `set` takes a map with the single key `S` (a traded asset) for a serialised text.
        """
        return Path(self).set({MAP: self.serialize(value)})

    def entry(self, name: K) -> Path:
        """Return where one entry is, for conditions and for its removal."""
        return Path(self)[name]

    def put(self, name: K, value: V) -> Action:
        """Return the update that sets one entry of an existing map."""
        return self.entry(name).set({self._of.attr_type: self._of.serialize(value)})

    def make(self) -> Action:
        """Return the update that stores an empty map where there is none."""
        return Path(self).set(Path(self) | {MAP: {}})


def optional[T](attribute: Attribute[T]) -> Attribute[T | None]:
    """Let an attribute be absent, and say so to the type checker."""
    attribute.null = True
    return cast("Attribute[T | None]", attribute)
