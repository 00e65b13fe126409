"""The drills one after another, each on its own account and exchange."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.local.drills import functions, markets
from infra.local.drills.accounts import ACCOUNTS, CRASH_ACCOUNT, HOOK_ACCOUNT, DrillAccount, deployment_text
from infra.local.drills.crash import Crash, find_crash
from infra.local.drills.protections import PROTECTIONS
from infra.local.drills.scene import Scene, open_scene
from infra.local.drills.stage import DrillStage, open_stage
from infra.local.drills.verdicts import Verdict
from marketmaker.domain.units import AccountName

type Play = Callable[[Scene, str], Verdict]
type Say = Callable[[str], None]

PLAYS: Mapping[str, Play] = {
    CRASH_ACCOUNT: markets.price_crash,
    "venue_outage": markets.venue_outage,
    "frozen_book": markets.frozen_book,
    "killed_functions": functions.killed_functions,
    "revoked_key": functions.revoked_key,
    HOOK_ACCOUNT: functions.lost_alert,
    "clock_skew": markets.clock_skew,
}
GENERATED = "generated market, seed 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is to be drilled: all or `only` some, with what is switched off; `data` is the recorded crash."""

    data: str | None = None
    without: Collection[str] = ()
    only: Collection[str] = ()

    def includes(self, drill: str) -> bool:
        """Tell whether a drill is to be done."""
        return not self.only or drill in self.only


def run_drills(choice: Choice, out: Path, *, say: Say) -> Iterator[Verdict]:
    """Deploy once, and do one drill after another."""
    with TemporaryDirectory(prefix="marketmaker-", ignore_cleanup_errors=True) as directory:
        crash = find_crash(choice.data, Path(directory))
        for name in choice.without:
            say(f"without {name}: {PROTECTIONS[name].off}")
        with open_stage(deployment_text(ACCOUNTS, choice.without), out, say=say) as stage:
            for each in filter(lambda account: choice.includes(account.drill), ACCOUNTS):
                note, options = _market(each, crash)
                say(f"{each.drill}: {note}")
                _prepare(stage, each.drill, choice.without)
                with open_scene(stage, each.drill, options, show=_once(say)) as scene:
                    _switch_off(scene, choice.without)
                    scene.quote()
                    yield PLAYS[each.drill](scene, note)


def _market(account: DrillAccount, crash: Crash) -> tuple[str, tuple[str, ...]]:
    """Say what a drill trades, and how its exchange is told."""
    if account.drill != CRASH_ACCOUNT:
        return GENERATED, account.options
    return crash.note, (*account.options, "--data", str(crash.prefix), "--start-s", str(crash.start_s))


def _prepare(stage: DrillStage, drill: str, without: Collection[str]) -> None:
    """Load the account's function, and give the check the key that stays where another is revoked."""
    if drill == "revoked_key" and "risk_key" not in without:
        key, secret = functions.RISK_KEY
        name = stage.deployment.secret_name(AccountName(drill), "risk")
        stage.put_secret(name, {"api_key": key, "secret": secret})
    stage.warm_up(drill)


def _switch_off(scene: Scene, without: Collection[str]) -> None:
    """Switch off what does not stand in the deployment file; the exchange knows one key at a time, so checks wait."""
    scene.is_checked = "check_risk" not in without
    scene.checks = scene.account.name != "revoked_key"
    scene.tells_no_time = "clock_offset" in without
    if scene.account.name == HOOK_ACCOUNT and "alert_retry" in without:
        functions.send_nothing_again(scene)


def _once(say: Say) -> Callable[[str], None]:
    """Say what is going on when it changes."""
    said: list[str] = []

    def show(what: str) -> None:
        if said[-1:] != [what]:
            said.append(what)
            say(f"  {what}")

    return show
