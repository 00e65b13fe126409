"""The most memory that this process has held so far."""

import re
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_KB_A_MB = 1024


def peak_rss_mb() -> float:
    """Return it in MB.

    Linux counts what the parent held into `ru_maxrss`, until the child's own program starts, but not into `VmHWM`.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="ascii")) if _STATUS.exists() else None
    if found is not None:
        return int(found[1]) / _KB_A_MB
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / _KB_A_MB**2 if sys.platform == "darwin" else most / _KB_A_MB
