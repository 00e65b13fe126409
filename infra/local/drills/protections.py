"""What can be switched off for a drill, and which drill must then fail."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from marketmaker.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Something that keeps an account from harm, and the drill that cannot do without it."""

    name: str
    drill: str
    off: str


_ALL = (
    Protection(name="stop_loss", drill="price_crash", off="no market has a stop loss"),
    Protection(name="dead_man_switch", drill="venue_outage", off="the account is not dedicated: no switch is armed"),
    Protection(name="stale_data", drill="frozen_book", off="a book may be an hour old"),
    Protection(name="check_risk", drill="killed_functions", off="no check is invoked"),
    Protection(name="risk_key", drill="revoked_key", off="checks use the trading key, as it is revoked"),
    Protection(name="price_band", drill="lost_alert", off="the price band allows every price"),
    Protection(name="alert_retry", drill="lost_alert", off="a message that a hook did not take is not sent again"),
    Protection(name="clock_offset", drill="clock_skew", off="the venue does not tell its time, so nothing measures it"),
)
PROTECTIONS: Mapping[str, Protection] = MappingProxyType({each.name: each for each in _ALL})
"""Every protection by its name."""
DRILLS = tuple(dict.fromkeys(each.drill for each in _ALL))
"""The drills in their order."""


def check_names(without: Collection[str], only: Collection[str]) -> None:
    """Refuse a protection or a drill that there is not."""
    for option, names, known in (("--without", without, tuple(PROTECTIONS)), ("--only", only, DRILLS)):
        for name in names:
            if name not in known:
                raise ConfigError(f"{option}: {name} is not allowed: one of {', '.join(known)}")
