"""What an operator changes while a deployment runs: settings are checked, kept, and rule from the next tick (R28)."""

from dataclasses import dataclass

from marketmaker.domain.state import AccountState, ActiveSettings, Control
from marketmaker.domain.units import AccountName
from marketmaker.errors import Refused
from marketmaker.ports import Alert, SettingChange, SettingsText, Severity, WantedSettings
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import deliver
from marketmaker.usecases.live_settings import SETTINGS_REJECTED

CHANGES_TOLD = 10
"""So many changed keys an alert lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorReason:
    """Why settings change, and by whom."""

    reason: str
    requested_by: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.requested_by})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSettings:
    """What applying a file will change in one account's settings in force."""

    account: AccountName
    control: Control
    deployed: SettingsText
    in_force: str
    wanted: SettingsText
    changes: tuple[SettingChange, ...]

    @property
    def is_applied(self) -> bool:
        """Tell whether there is nothing to do."""
        deployed = self.deployed.version
        return self.wanted.version == next(iter(self.control.applied_over(deployed)), deployed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsStanding:
    """Which settings rule an account; `applied` is what was applied last, in force only over the deployed `base`.

    `rejection` says why ticks do not use it.
    """

    account: AccountName
    deployed: str | None
    in_force: str | None
    applied: ActiveSettings | None
    rejection: str | None

    @property
    def is_applied(self) -> bool:
        """Tell whether settings rule that were applied over the deployed file."""
        return self.in_force is not None and self.in_force != self.deployed


def plan_settings(file: WantedSettings, desk: Desk) -> PlannedSettings:
    """Compare a file with what an account was deployed with, and with what is in force.

    Raises:
        Refused: it cannot take effect without a deploy, or no tick has said yet what is deployed.
    """
    account = desk.settings.name
    state = desk.store.read_account(account)
    if state.control.deployed is None:
        raise Refused(f"no tick has run yet, so nothing is known to change; deploy {file.wanted.version} instead")
    deployed = _kept(desk, state.control.deployed)
    in_force = _in_force(state, state.control.deployed)
    return PlannedSettings(
        account=account,
        control=state.control,
        deployed=deployed,
        in_force=in_force,
        wanted=file.wanted,
        changes=tuple(file.changes_over(account, deployed, _kept(desk, in_force))),
    )


def apply_settings(plan: PlannedSettings, why: OperatorReason, desk: Desk) -> Control:
    """Keep a planned file and let it rule from the next tick on; a tick under way creates nothing more.

    Nothing happens where it rules already.

    Raises:
        Conflict: mode, restrictions or settings changed since the plan was made.
    """
    if plan.is_applied:
        return plan.control
    desk.store.save_settings(plan.account, plan.wanted.version, plan.wanted.text)
    active = ActiveSettings(
        version=plan.wanted.version,
        base=plan.deployed.version,
        previous=plan.in_force,
        since_ms=desk.clock.now_ms(),
        reason=str(why),
    )
    control = desk.store.activate_settings(plan.account, active, epoch=plan.control.epoch)
    told = [f"{each.key} {each.before or 'nothing'} → {each.after or 'nothing'}" for each in plan.changes]
    more = f" and {len(told) - CHANGES_TOLD} more" if len(told) > CHANGES_TOLD else ""
    what = f"settings {plan.wanted.version} applied by {why.requested_by}: {why.reason}. In force from the next tick on"
    _tell(desk, "settings_applied", f"{what}: {', '.join(told[:CHANGES_TOLD]) or 'no change'}{more}", control)
    return control


def revert_settings(why: OperatorReason, desk: Desk) -> Control:
    """Let the deployed file rule again, from the next tick on; nothing changes where it does.

    Raises:
        Refused: no tick has said yet what is deployed.
        Conflict: mode, restrictions or settings changed meanwhile.
    """
    account = desk.settings.name
    control = desk.store.read_control(account)
    deployed = control.deployed
    if deployed is None:
        raise Refused("no tick has run yet, so nothing can have been applied")
    if not control.applied_over(deployed):
        return control
    active = ActiveSettings(
        version=deployed, base=deployed, previous=deployed, since_ms=desk.clock.now_ms(), reason=str(why)
    )
    control = desk.store.activate_settings(account, active, epoch=control.epoch)
    text = f"settings {deployed}, those of the deployed file, again, by {why.requested_by}: {why.reason}"
    _tell(desk, "settings_reverted", f"{text}. In force from the next tick on", control)
    return control


def describe_settings(desk: Desk) -> SettingsStanding:
    """Describe which settings rule an account."""
    state = desk.store.read_account(desk.settings.name)
    deployed = state.control.deployed
    rejected = state.episodes.get(SETTINGS_REJECTED)
    return SettingsStanding(
        account=desk.settings.name,
        deployed=deployed,
        in_force=None if deployed is None else _in_force(state, deployed),
        applied=state.control.settings,
        rejection=None if rejected is None else rejected.text,
    )


def _in_force(state: AccountState, deployed: str) -> str:
    """Return the version in force; while ticks reject the one applied last, the one that stays."""
    versions = (*state.control.applied_over(deployed), deployed)
    return versions[1 if SETTINGS_REJECTED in state.episodes and len(versions) > 1 else 0]


def _kept(desk: Desk, version: str) -> SettingsText:
    text = desk.store.settings(desk.settings.name, version)
    if text is None:
        raise Refused(f"the settings {version} are in force and not kept in the state table; deploy instead")
    return SettingsText(version=version, text=text)


def _tell(desk: Desk, kind: str, text: str, control: Control) -> None:
    account = desk.settings.name
    desk.telemetry.record(kind, {"account": account, "text": text, "epoch": control.epoch})
    deliver(desk, Alert(account=account, kind=kind, severity=Severity.INFO, text=f"{account}: {text}"))
