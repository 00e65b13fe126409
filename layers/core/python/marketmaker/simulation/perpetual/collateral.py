"""The collateral of a login in one quote asset, which its perpetuals answer with together: cross margin."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from marketmaker.domain.units import ZERO


class Held(Protocol):
    """One market's part in the margin: what its position is worth and what position and orders tie up."""

    @property
    def is_flat(self) -> bool:
        """Whether there is no position."""
        ...

    @property
    def unrealised_quote(self) -> Decimal:
        """What closing at the mark would bring."""
        ...

    @property
    def initial_margin_quote(self) -> Decimal:
        """What position and open orders tie up."""
        ...

    @property
    def maintenance_margin_quote(self) -> Decimal:
        """What the margin balance must not fall below for it."""
        ...


class Collateral:
    """What is left of the deposit after all that was realised and paid; `insured_quote` the venue's fund bore."""

    def __init__(self, balance_quote: Decimal) -> None:
        if balance_quote < ZERO:
            raise ValueError(f"collateral_quote {balance_quote}; allowed: zero or more")
        self.initial_quote = self.balance_quote = balance_quote
        self.insured_quote = ZERO
        self._markets: list[Held] = []

    def back(self, market: Held) -> None:
        """Let a market's position and orders answer with it from now on."""
        self._markets.append(market)

    @property
    def margin_balance_quote(self) -> Decimal:
        """The balance with all that is unrealised: the login's equity."""
        return self.balance_quote + _sum(each.unrealised_quote for each in self._markets)

    @property
    def initial_margin_quote(self) -> Decimal:
        """What all positions and open orders tie up."""
        return _sum(each.initial_margin_quote for each in self._markets)

    @property
    def maintenance_margin_quote(self) -> Decimal:
        """What the margin balance must not fall below."""
        return _sum(each.maintenance_margin_quote for each in self._markets)

    @property
    def available_quote(self) -> Decimal:
        """What new orders may still tie up."""
        return max(ZERO, self.margin_balance_quote - self.initial_margin_quote)

    def insure(self) -> None:
        """Let the insurance fund bear what a login without positions owes."""
        if self.balance_quote < ZERO and all(each.is_flat for each in self._markets):
            self.insured_quote -= self.balance_quote
            self.balance_quote = ZERO


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
