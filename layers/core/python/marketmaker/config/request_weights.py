"""A deployment that would ask too much of a venue is refused: it would fail where it is needed most (R10).

On this machine nothing is: there a venue's limits are what one asks for.
"""

from collections.abc import Collection, Mapping

from marketmaker.config.reading import Place
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.request_weights import Demand, allowed_weight, demands
from marketmaker.domain.units import AccountName

_MS, _MINUTE_S, _MINUTE_MS = 1_000, 60, 60_000


def refuse_too_heavy(
    accounts: Mapping[AccountName, AccountSettings], on_paper: Collection[AccountName], place: Place
) -> None:
    """Refuse accounts whose requests weigh more than a venue allows; `place` is that of their interval.

    Raises:
        ConfigError: they do; it says how long the interval must be.
    """
    for venue, demand in demands(accounts.values(), on_paper).items():
        allowed = allowed_weight(venue)
        if demand.total > allowed:
            interval_ms = next(iter(accounts.values())).clocks.interval_ms
            raise place.refuse(str(interval_ms // _MS), _remedy(venue, demand, interval_ms))


def _remedy(venue: str, demand: Demand, interval_ms: int) -> str:
    allowed, tick = allowed_weight(venue), demand.ticks * interval_ms // _MINUTE_MS
    needed = f"requests at {venue} would weigh {demand.total} a minute at worst, and {allowed} are allowed"
    for interval_s in (each for each in range(1, _MINUTE_S + 1) if _MINUTE_S % each == 0):
        if tick * (_MINUTE_S // interval_s) + demand.others <= allowed:
            return f"{interval_s} or more, or fewer markets: {needed}"
    return f"fewer markets: {needed}, of which {demand.others} do not depend on it"
