"""Prices and sizes from text: each text is parsed once, and the finest decimals seen tell the market's grid."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from marketmaker.domain.units import ONE, ZERO

_KEPT = 20_000
_INFINITE = Decimal("Infinity")


class Numbers(dict[str, Decimal]):
    """Decimals by their text; a lookup parses what is new. It starts anew when it is full, so memory is bounded."""

    def __init__(self, name: str, *, zero_is_allowed: bool) -> None:
        super().__init__()
        self._name = name
        self._zero_is_allowed = zero_is_allowed
        self._forgotten_decimals = 0

    def __missing__(self, text: str) -> Decimal:
        try:
            value = Decimal(text)
            is_allowed = ZERO < value < _INFINITE or (self._zero_is_allowed and not value)
        except InvalidOperation:
            is_allowed, value = False, ZERO
        if not is_allowed:
            least = "from" if self._zero_is_allowed else "above"
            raise ValueError(f"a {self._name} of {text!r}; allowed: a number {least} 0")
        if len(self) >= _KEPT:
            self._forgotten_decimals = self._most_decimals()
            self.clear()
        self[text] = value
        return value

    @property
    def grid(self) -> Decimal:
        """The smallest step that the decimals of the numbers seen so far need."""
        return ONE.scaleb(-self._most_decimals())

    def _most_decimals(self) -> int:
        return max(self._forgotten_decimals, *_decimals(self.values()), 0)


class MarketNumbers:
    """The prices and sizes of one market."""

    def __init__(self) -> None:
        self.prices = Numbers("price", zero_is_allowed=False)
        self.sizes = Numbers("size", zero_is_allowed=True)


def _decimals(values: Iterable[Decimal]) -> Iterable[int]:
    """Count what stands behind the point of each number, final zeros left out."""
    for value in values:
        yield -int(value.normalize().as_tuple().exponent)
