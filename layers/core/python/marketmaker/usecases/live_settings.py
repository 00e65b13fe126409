"""Which settings an invocation works with: those that the control item names, as a whole, from the next tick on (R28).

A version that cannot be used changes nothing: what was in force before it stays, and a human is told.
"""

from dataclasses import replace

from marketmaker.domain.state import Control
from marketmaker.errors import Refused, Retryable
from marketmaker.ports import Unknown
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import Condition

SETTINGS_REJECTED = "settings_rejected"


def in_force(desk: Desk, control: Control) -> Desk:
    """Return the desk with the settings in force; what decides which is the control item alone, never the process."""
    for version in control.applied_over(desk.versions.deployed.version):
        settings = desk.versions.read(version)
        if not isinstance(settings, Unknown):
            return replace(desk, settings=settings)
    return desk


def rejection(desk: Desk, control: Control) -> Condition:
    """Say whether the settings that were applied last cannot be used."""
    text = None
    for version in control.applied_over(desk.versions.deployed.version)[:1]:
        settings = desk.versions.read(version)
        if isinstance(settings, Unknown):
            text = (
                f"settings {version} cannot be used: {settings.reason}. Settings {desk.settings.config_hash} stay in "
                "force; apply others, or `mm config revert`"
            )
    return Condition(
        kind=SETTINGS_REJECTED, symbol=None, text=text, outlook="the settings that were applied last are in force"
    )


def keep_deployed(desk: Desk, control: Control) -> None:
    """Keep the deployed file by its hash, once a deploy: decisions replay with it, and changes are checked against it.

    A tick does not fail with it: what was not kept is kept by a later one.
    """
    deployed, account = desk.versions.deployed, desk.settings.name
    if control.deployed == deployed.version:
        return
    try:
        desk.store.save_settings(account, deployed.version, deployed.text)
        desk.store.note_deployed(account, deployed.version)
    except (Retryable, Refused) as error:
        desk.telemetry.record("settings_not_kept", {"version": deployed.version, "reason": str(error)})
