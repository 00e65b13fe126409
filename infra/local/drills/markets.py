"""The drills in which the market or the venue goes wrong: a crash, an outage, a book that stands still, a clock."""

from infra.local.drills.bounds import held
from infra.local.drills.judging import judge, stop_of
from infra.local.drills.scene import Scene
from infra.local.drills.verdicts import Verdict
from marketmaker.domain.units import BPS, ONE

FALL_BPS = 150
"""The stop loss of the crash, which is there even where it is switched off: the price that the drill waits for."""
CRASH_TIMEOUT_S = 60.0
EXIT_S = 20.0
"""When a stop must have sold: a tick later, and three attempts."""
_OUTAGE_S, _FALL_AFTER_S = 8.0, 2.0
_SKEWS_S = (10.0, -10.0)
_SKEW_S = 20.0
_SKEW_ORDERS = 6


def price_crash(scene: Scene, note: str) -> Verdict:
    """Let the market fall through quotes, band and stop at once: the position is left, and nothing rests."""
    scene.strike()
    fallen = scene.mid_before() * (ONE - FALL_BPS * BPS)
    scene.until("waiting for the crash", lambda: scene.samples[-1].mid < fallen, CRASH_TIMEOUT_S)
    scene.begin()
    times = scene.observe("fallen", scene.told("exit", "price_band"), lambda: is_left(scene), CRASH_TIMEOUT_S)
    return judge(
        scene,
        times=times,
        within_s=CRASH_TIMEOUT_S,
        orders=2,
        stop=stop_of(scene, EXIT_S),
        answer="leave the position and let nothing rest",
        note=note,
    )


def venue_outage(scene: Scene, note: str) -> Verdict:
    """Answer everything with 503, then with maintenance, while the market falls: the venue's own switch cancels."""
    within_s = scene.account.clocks.switch_ms / 1000 + scene.interval_s + 2
    scene.strike()
    scene.arm(fault="server_error", count=None)
    scene.wait("503", _FALL_AFTER_S)
    scene.shift(-50)
    scene.wait("503", _OUTAGE_S - _FALL_AFTER_S)
    scene.clear_faults()
    scene.arm(fault="maintenance")
    times = scene.observe("maintenance", scene.told("venue_unreachable"), scene.is_empty, within_s - _OUTAGE_S)
    return judge(
        scene,
        times=times,
        within_s=within_s,
        orders=1,
        answer="have the venue's own switch cancel what nobody can reach",
        note=note,
    )


def frozen_book(scene: Scene, note: str) -> Verdict:
    """Let the book stand still while the market falls behind it: quotes are pulled once it is too old."""
    age_s = FROZEN_AGE_S
    within_s = age_s + 3 * scene.interval_s + 2
    scene.strike()
    scene.arm(fault="frozen_book")
    scene.wait("frozen", scene.interval_s)
    scene.shift(-50)
    times = scene.observe("frozen, and fallen behind it", scene.told("stale_book"), scene.is_empty, within_s)
    scene.wait("frozen, and fallen behind it", 2 * scene.interval_s)
    return judge(
        scene,
        times=times,
        within_s=within_s,
        orders=int(within_s / scene.interval_s),
        answer="pull the quotes of a book that is too old",
        note=note,
    )


FROZEN_AGE_S = 8.0
"""How old a book may be in the deployment file of the drills, also where that is switched off."""


def clock_skew(scene: Scene, note: str) -> Verdict:
    """Set the venue's clock 10 s ahead, then 10 s behind: orders go on being replaced, and a halt takes them all."""
    scene.strike()
    found = [_replaced(scene, skew_s) for skew_s in _SKEWS_S]
    scene.ticks = False
    scene.halt("a drill")
    emptied_s = scene.until("halting", scene.is_empty, _SKEW_S)
    return judge(
        scene,
        times=(found[0], None if None in found else emptied_s),
        within_s=3 * _SKEW_S,
        orders=_SKEW_ORDERS,
        answer="measure the clock, go on quoting, and halt to the end",
        note=note,
    )


def _replaced(scene: Scene, skew_s: float) -> float | None:
    """Set the venue's clock and move the market; returns when both orders had been replaced."""
    scene.clear_faults()
    scene.arm(fault="clock_skew", offset_s=skew_s)
    if scene.tells_no_time:
        scene.arm(fault="server_error", route="GET /api/v3/time", count=None)
    accepted = scene.accepted()
    scene.shift(-30)
    return scene.until(f"{skew_s:+.0f} s", lambda: scene.accepted() >= accepted + 2, _SKEW_S)


def is_left(scene: Scene) -> bool:
    """Tell whether nothing rests, and nothing but dust is held."""
    return scene.is_empty() and held(scene.state) * scene.mid_before() < scene.min_notional()
