"""The venue's own dead man's switch: it cancels what rests when no tick is heard of for too long (R3).

It cancels foreign orders too, so it is armed on dedicated accounts alone; elsewhere the watchdog in check_risk cancels
what carries our tag (R4). Every tick with something of ours arms it anew, before its first create. A halt leaves it to
fire: to disarm it would take away what cancels when a halt's own cancels fail.
"""

from collections.abc import Sequence

from marketmaker.errors import MarketMakerError
from marketmaker.ports import Deadline
from marketmaker.usecases.decide import DecidedMarket
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.episodes import Condition

SWITCH_NOT_ARMED = "switch_not_armed"


def arm_switch(desk: Desk, decided: Sequence[DecidedMarket], deadline: Deadline) -> str | None:
    """Arm the switch of each market where something of ours rests or is to be placed; say why it could not be."""
    after_ms = desk.settings.switch_ms
    if after_ms is None:
        return None
    symbols = [each.prepared.settings.symbol for each in decided if each.prepared.live or each.decision.plan.place]
    if not symbols:
        return None
    try:
        desk.venue.arm_switch(symbols, after_ms, deadline)
    except MarketMakerError as error:
        return str(error)
    return None


def switch_condition(problem: str | None) -> Condition:
    """Say that the switch could not be armed, or that it is."""
    text = (
        f"the venue's dead man's switch could not be armed: {problem}. No quote is placed until it is; "
        "what rests is cancelled by check_risk if ticks stop"
    )
    return Condition(kind=SWITCH_NOT_ARMED, symbol=None, text=None if problem is None else text)
