"""The drills in which our own side goes wrong: functions that die, a key that is revoked, alerts that nobody takes."""

from infra.local.drills.accounts import HOOK
from infra.local.drills.judging import judge, stop_of
from infra.local.drills.markets import is_left
from infra.local.drills.scene import Scene
from infra.local.drills.topics import delete_topic
from infra.local.drills.verdicts import Verdict
from marketmaker.domain.hooks import HookName

WATCHDOG_S = 150.0
"""The longest that own orders outlive their ticks, with a check every minute."""
KILLED_TIMEOUT_S = 100.0
"""Ticks count as stopped after a minute; the rest is for checks every 10 s and the attempts of the exit."""
RISK_KEY = ("risk-key", "risk-secret")
REVOKED_S = 25.0
PULL_S = 15.0
_CREATE = "POST /api/v3/order"
_LATENCY_S = 1.2
_DELIVERY_S = 30.0


def killed_functions(scene: Scene, note: str) -> Verdict:
    """Kill the tick function while it places orders, and let it stay away; then the price falls through the stop."""
    scene.arm(fault="latency", delay_s=_LATENCY_S, route=_CREATE, count=None)
    sent = scene.requests(_CREATE)
    scene.shift(20)
    scene.until("a tick at work", lambda: scene.requests(_CREATE) > sent, PULL_S)
    scene.ticks = False
    scene.stage.kill("replace_quotes", scene.account.name)
    scene.strike()
    scene.clear_faults()
    scene.wait("killed", scene.interval_s)
    outlived = len(scene.own_orders())
    scene.shift(-500)
    times = scene.observe(
        "killed, and fallen; checks wait a minute",
        scene.told("ticks_stopped", "exit"),
        lambda: is_left(scene),
        KILLED_TIMEOUT_S,
    )
    return judge(
        scene,
        times=times,
        within_s=WATCHDOG_S,
        orders=2,
        stop=stop_of(scene, WATCHDOG_S),
        answer="cancel what rests, and leave the position at its stop",
        note=f"{note}; orders that outlived their function: {outlived}",
    )


def revoked_key(scene: Scene, note: str) -> Verdict:
    """Refuse the trading key: ticks halt the account, and the check cancels with its own key."""
    scene.strike()
    scene.accept_key(*RISK_KEY)
    scene.checks = True
    times = scene.observe("revoked", scene.told("account_refused"), scene.is_empty, REVOKED_S)
    return judge(
        scene,
        times=times,
        within_s=REVOKED_S,
        orders=1,
        answer="halt, and cancel with the other key",
        note=note,
    )


def lost_alert(scene: Scene, note: str) -> Verdict:
    """Let the price leave its band while neither topic nor hook take anything: quotes go at once, the alert later."""
    hook = scene.stage.hook
    hook.is_lost = True
    scene.strike()
    restore = delete_topic(scene.stage, scene.stage.deployed.outputs["AlertsCriticalTopic"])
    scene.shift(-1200)
    detected_s, acted_s = scene.observe("out of the band", lambda: _is_seen(scene), scene.is_empty, PULL_S)
    scene.until("the topic is lost", lambda: any(scene.logged("alert_failed")), PULL_S)
    restore()
    scene.until("the topic is back, the hook is lost", lambda: hook.refused > 0, _DELIVERY_S)
    hook.is_lost = False
    told_s = scene.until("both are back", lambda: bool(hook.taken("price_band")), PULL_S)
    return judge(
        scene,
        times=(detected_s, None if told_s is None else acted_s),
        within_s=PULL_S,
        orders=2,
        answer="pull the quotes at once, and deliver the alert once somebody takes it",
        note=f"{note}; the alert arrived {'never' if told_s is None else f'after {told_s} s'}",
    )


def send_nothing_again(scene: Scene) -> None:
    """Have the hook's function not be invoked again where it failed."""
    name = scene.stage.deployment.function_name("relay_alerts", HookName(HOOK))
    scene.stage.client("lambda").put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)


def _is_seen(scene: Scene) -> bool:
    checks = (str(each.get("breaches")) for each in scene.logged("risk"))
    ticks = (str(each.get("markets") or each.get("no_quotes")) for each in scene.logged("tick"))
    return any("price_band" in text for text in (*checks, *ticks))
