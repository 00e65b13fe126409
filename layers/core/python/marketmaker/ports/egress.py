"""What finds out where venues see our requests come from."""

from dataclasses import dataclass
from typing import Protocol

from marketmaker.ports.time import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressAddress:
    """An IP address; only one that `is_static` can stay on a venue's list of addresses."""

    address: str
    is_static: bool


class Egress(Protocol):
    """The way out to the venues."""

    def find(self) -> EgressAddress | Unknown:
        """Find out within seconds which address it has now; never raises."""
        ...
