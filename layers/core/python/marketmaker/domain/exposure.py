"""What an account holds, as the accounts beside it in one portfolio are told (S16)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.units import ZERO, AccountName, Asset

MAX_AGE_MS = 300_000
"""Accounts tell theirs once a minute; one that did not for five is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What an account's markets held at a moment, in their quote assets; of those in `unknown` not all is known."""

    account: AccountName
    time_ms: int
    notional_quote: Mapping[Asset, Decimal]
    unknown: frozenset[Asset] = frozenset()

    def of(self, asset: Asset, now_ms: int) -> Decimal | None:
        """Return what is held in a quote asset, None where nobody knows, or has known of late."""
        is_known = asset not in self.unknown and now_ms - self.time_ms <= MAX_AGE_MS
        return self.notional_quote.get(asset, ZERO) if is_known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """The accounts of one deployment, and the most that they may hold together of each quote asset."""

    accounts: tuple[AccountName, ...]
    max_notional_quote: Mapping[Asset, Decimal]
