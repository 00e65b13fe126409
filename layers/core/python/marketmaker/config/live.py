"""What of a deployment may change while it runs, and what needs a new one (R28).

Whatever AWS was told at the deploy, or the state was opened with, stays: name, stage, venue, clocks, markets, their
capital, leverage and margin mode. What a tick only decides by may change: all else of a market, and the risk limits. So
may the book that a reference price is read from, at any venue that the account was deployed with: its functions hold no
other's client. The triangular check is `fetch_prices`', which keeps to the deployed file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from marketmaker.config.deployment import Deployment
from marketmaker.config.keys import KeyPath, written
from marketmaker.config.schema import Stage
from marketmaker.domain.units import AccountName
from marketmaker.ports import SettingChange

_OPENED_WITH = frozenset({"symbol", "number", "capital_base", "capital_quote", "opening_cost_quote"})
"""What a market's state, its ledger and its orders' ids rest on."""
_HELD_WITH = frozenset({"leverage", "margin_mode"})
"""What a position rests on at the venue."""
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
    fixed = tuple(change for path, change in _changes(deployed, wanted) if _needs_deploy(path, deployed, wanted))
    return NeedsDeploy(changes=fixed) if fixed else wanted


def live_changes(before: Deployment, after: Deployment) -> tuple[SettingChange, ...]:
    """Return what changes between two files that can follow each other without a deploy, in the order of the keys."""
    return tuple(change for _, change in _changes(before, after))


def _changes(before: Deployment, after: Deployment) -> Iterator[tuple[KeyPath, SettingChange]]:
    old, new = before.said, after.said
    for path in sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path)):
        yield (
            path,
            SettingChange(
                key=".".join(path),
                before=written(old[path]) if path in old else None,
                after=written(new[path]) if path in new else None,
            ),
        )


def _needs_deploy(path: KeyPath, deployed: Deployment, wanted: Deployment) -> bool:
    match path:
        case ("accounts", _, "risk", *_):
            return False
        case ("accounts", name, market, "reference", "venue") if market.startswith("markets["):
            account = deployed.accounts.get(AccountName(name))
            return path in wanted.said and (account is None or wanted.said[path] not in account.venues)
        case ("accounts", _, market, "triangle", *_) if market.startswith("markets["):
            return True
        case ("accounts", _, market, "perpetual", key) if market.startswith("markets["):
            return key in _HELD_WITH
        case ("accounts", name, market, "implied", *_) if market.startswith("markets["):
            return any(each[:4] == ("accounts", name, market, "triangle") for each in deployed.said)
        case ("accounts", _, market, key, *_) if market.startswith("markets["):
            return key in _OPENED_WITH | (_CHARGED_ON_PAPER if deployed.stage is Stage.PAPER else frozenset())
        case _:
            return True


def _refused(change: SettingChange) -> str:
    value = "a missing key" if change.after is None else change.after
    allowed = "only a new deploy adds it" if change.before is None else f"{change.before}, until a new deploy"
    return f"{change.key}: {value} is not allowed: {allowed}"
