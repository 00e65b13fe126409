"""Where keys are kept in a test: in a dict."""

from marketmaker.domain.keys import KeyPurpose, VenueKey
from marketmaker.errors import Fatal, MarketMakerError


class InMemoryKeys:
    """Implements `KeyStore`."""

    def __init__(self, **keys: VenueKey) -> None:
        self.kept: dict[str, VenueKey] = dict(keys)
        self.failures: dict[str, MarketMakerError] = {}

    def read(self, purpose: KeyPurpose) -> VenueKey:
        """Read a key, or raise what a test has put in the way."""
        if purpose in self.failures:
            raise self.failures[purpose]
        if purpose not in self.kept:
            raise Fatal(f"secret {purpose} does not exist")
        return self.kept[purpose]

    def write(self, purpose: KeyPurpose, key: VenueKey) -> bool:
        """Keep a key, or raise what a test has put in the way."""
        if purpose in self.failures:
            raise self.failures[purpose]
        is_first = purpose not in self.kept
        self.kept[purpose] = key
        return is_first
