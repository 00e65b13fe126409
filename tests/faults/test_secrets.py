"""No key, secret or signature is in anything that a human or a machine is told, whatever goes wrong (R27)."""

import json
import logging
import traceback
from collections.abc import Iterator

import pytest

from tests.contract.local_venue import LOGIN
from tests.faults.test_unreadable_answers import ALL, Fault
from tests.faults.world import ACCOUNT, BOOK, CANCEL, CREATE, OPEN_ORDERS, TRADES, World

pytestmark = pytest.mark.row("R27")

BANNED_WORDS = (LOGIN.api_key, LOGIN.api_secret, "signature=", "X-MBX-APIKEY")
REFUSED: dict[str, Fault] = {
    "429": {"fault": "too_many_requests", "retry_after_s": 1},
    "lost": {"fault": "lost_reply"},
}
TROUBLES: dict[str, Fault] = ALL | REFUSED


def told(world: World, caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """Return everything that left the process but its requests."""
    for event, fields in world.telemetry.lines:
        yield f"{event} {json.dumps(dict(fields), default=str)}"
    for alert in world.alerts.sent:
        yield repr(alert)
    state = world.desk.store.read_account(world.account)
    yield repr(state)
    for record in caplog.records:
        yield record.getMessage()
        if record.exc_info:
            yield "".join(traceback.format_exception(*record.exc_info))


@pytest.mark.parametrize("route", [CREATE, CANCEL, OPEN_ORDERS, ACCOUNT, TRADES, BOOK])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_nothing_that_is_told_holds_a_secret(
    world: World, caplog: pytest.LogCaptureFixture, route: str, trouble: str
) -> None:
    caplog.set_level(logging.DEBUG)
    world.tick()
    world.arm(**TROUBLES[trouble], route=route, count=6)
    world.jump(2)
    for _ in range(3):
        world.tick()
    world.check()
    world.halt()
    texts = list(told(world, caplog))
    assert len(texts) > 1
    for text in texts:
        assert not [word for word in BANNED_WORDS if word in text], text[:300]
