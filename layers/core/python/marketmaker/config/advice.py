"""What a deployment file may say and should not: allowed, but pointed out with what to write instead (P8)."""

from collections.abc import Iterable, Iterator

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.models import PositionSkew
from marketmaker.domain.units import ONE, plain


def advise(accounts: Iterable[AccountSettings]) -> Iterator[str]:
    """Yield a line for each market whose settings work against each other."""
    for account in accounts:
        for market in account.markets:
            policy = market.inventory_band
            if isinstance(policy, PositionSkew) and not policy.target_base and not policy.skew:
                threshold = ONE if policy.max_base > ONE else policy.max_base / 2
                yield (
                    f"accounts.{account.name}.markets[{market.symbol}].inventory: with target_base = 0 and skew = 0 "
                    f"the position will random-walk; set skew = 0.5 and threshold_base = {plain(threshold)}"
                )
