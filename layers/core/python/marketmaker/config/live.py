"""What of a deployment may change while it runs, and what needs a new one (R28).

Whatever AWS was told at the deploy, or the state was opened with, stays: name, stage, venue, clocks, markets and their
capital. What a tick only decides by may change: all else of a market, and the risk limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from marketmaker.config.deployment import Deployment
from marketmaker.config.keys import written
from marketmaker.config.schema import Stage
from marketmaker.ports import SettingChange

_OPENED_WITH = frozenset({"symbol", "number", "capital_base", "capital_quote", "opening_cost_quote"})
"""What a market's state, its ledger and its orders' ids rest on."""
_CHARGED_ON_PAPER = frozenset({"fees"})
"""What the paper venue is opened with too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsDeploy:
    """Why a file cannot take effect without a deploy: the changes that need one."""

    changes: tuple[SettingChange, ...]

    def __str__(self) -> str:
        return "; ".join(map(_refused, self.changes))


def adopt(deployed: Deployment, wanted: Deployment) -> Deployment | NeedsDeploy:
    """Let wanted settings take effect in what was deployed with others, as a whole or not at all."""
    fixed = _changes(deployed, wanted, is_live=False)
    return NeedsDeploy(changes=fixed) if fixed else wanted


def live_changes(before: Deployment, after: Deployment) -> tuple[SettingChange, ...]:
    """Return what changes between two files that can follow each other without a deploy, in the order of the keys."""
    return _changes(before, after, is_live=True)


def _changes(before: Deployment, after: Deployment, *, is_live: bool) -> tuple[SettingChange, ...]:
    old, new = before.said, after.said
    differing = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    return tuple(
        SettingChange(
            key=".".join(path),
            before=written(old[path]) if path in old else None,
            after=written(new[path]) if path in new else None,
        )
        for path in differing
        if _is_live(path, before.stage) is is_live
    )


def _is_live(path: Sequence[str], stage: Stage) -> bool:
    match path:
        case ("accounts", _, "risk", *_):
            return True
        case ("accounts", _, market, key, *_) if market.startswith("markets["):
            return key not in _OPENED_WITH | (_CHARGED_ON_PAPER if stage is Stage.PAPER else frozenset())
        case _:
            return False


def _refused(change: SettingChange) -> str:
    value = "a missing key" if change.after is None else change.after
    allowed = "only a new deploy adds it" if change.before is None else f"{change.before}, until a new deploy"
    return f"{change.key}: {value} is not allowed: {allowed}"
