"""Balances, free and locked, exact to the last digit."""

from collections.abc import Mapping
from decimal import Decimal

from marketmaker.domain.units import ZERO, Asset


class Wallet:
    """One login's holdings; several markets may share one."""

    def __init__(self, initial: Mapping[Asset, Decimal]) -> None:
        if any(amount < ZERO for amount in initial.values()):
            raise ValueError(f"initial balances {dict(initial)}; allowed: zero or more")
        self.initial = dict(initial)
        self._free = dict(initial)
        self._locked = dict.fromkeys(initial, ZERO)

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The assets that are or were held."""
        return tuple(self._free)

    def free(self, asset: Asset) -> Decimal:
        """Return what can be spent or reserved."""
        return self._free.get(asset, ZERO)

    def locked(self, asset: Asset) -> Decimal:
        """Return what open orders hold."""
        return self._locked.get(asset, ZERO)

    def total(self, asset: Asset) -> Decimal:
        """Return free and locked together."""
        return self.free(asset) + self.locked(asset)

    def lock(self, asset: Asset, amount: Decimal) -> None:
        """Move from free to locked; a negative amount releases."""
        free, locked = self.free(asset) - amount, self.locked(asset) + amount
        if free < ZERO or locked < ZERO:
            raise ValueError(f"locking {amount} {asset} leaves {free} free and {locked} locked")
        self._free[asset], self._locked[asset] = free, locked

    def add(self, asset: Asset, amount: Decimal) -> None:
        """Change what is free; a negative amount spends."""
        free = self.free(asset) + amount
        if free < ZERO:
            raise ValueError(f"spending {-amount} {asset} leaves {free} free")
        self._free[asset] = free
        self._locked.setdefault(asset, ZERO)
