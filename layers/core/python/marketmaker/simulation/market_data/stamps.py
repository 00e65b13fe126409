"""Time stamps: the unit that an archive leaves open, and the one that a recording must have."""

_LEAST_MS = 100_000_000_000
_LEAST_US = 100_000_000_000_000
_LEAST_NS = 100_000_000_000_000_000


def us_per_unit(stamp: int) -> int:
    """Tell ms (1,000) from µs (1) by magnitude: in ms the first covers the years 1973 to 5138.

    Raises:
        ValueError: it is neither.
    """
    if not _LEAST_MS <= stamp < _LEAST_NS:
        raise ValueError(f"a stamp of {stamp}; allowed: ms or µs since 1970")
    return 1_000 if stamp < _LEAST_US else 1


def check_us(stamp: int) -> int:
    """Return a stamp that can be µs; small numbers can, as made-up markets begin at 0.

    Raises:
        ValueError: it looks like ms or ns.
    """
    if _LEAST_MS <= stamp < _LEAST_US or stamp >= _LEAST_NS:
        raise ValueError(f"local_timestamp {stamp}; allowed: µs since 1970, not {'ms' if stamp < _LEAST_US else 'ns'}")
    return stamp
