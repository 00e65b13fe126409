"""What a drill came to, from what its scene saw."""

from decimal import Decimal

from infra.local.drills.bounds import Stop, bound, bound_with_stop, equity
from infra.local.drills.scene import Scene
from infra.local.drills.verdicts import Verdict
from marketmaker.domain.models import FallStop

_NO_STOP_SHARE = Decimal("0.015")
"""What bounds a drill whose stop loss is switched off."""


def judge(
    scene: Scene,
    *,
    times: tuple[float | None, float | None],
    within_s: float,
    orders: int,
    answer: str,
    note: str,
    stop: Stop | None = None,
) -> Verdict:
    """Judge a drill by the exchange's last state; `orders` could be filled on each side before it was answered."""
    scene.watch("")
    before, risk = scene.mid_before(), scene.risk(orders)
    if stop is None:
        bound_quote = bound(risk, before, scene.samples)
    else:
        bound_quote = bound_with_stop(risk, stop, before, scene.samples)
    return Verdict(
        name=scene.account.name,
        detected_s=times[0],
        acted_s=times[1],
        within_s=within_s,
        orders_left=len(scene.own_orders()),
        loss_quote=equity(scene.before, before) - equity(scene.state, scene.samples[-1].mid),
        bound_quote=bound_quote,
        answer=answer,
        note=note,
    )


def stop_of(scene: Scene, answer_s: float) -> Stop:
    """Return the stop that bounds a drill."""
    exits = scene.account.markets[0].exits
    fall = exits.stop_loss.fall_share if isinstance(exits.stop_loss, FallStop) else _NO_STOP_SHARE
    return Stop(fall_share=fall, slippage_bps=exits.max_slippage_bps, answer_s=answer_s)
