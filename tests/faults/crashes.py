"""Kill a tick at every point and phase, let time pass, work on in a new process, and look at what is left.

A request that was on the wire when the process died is delivered later than anybody waits for it, just before it
expires.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from infra.local.reconcile import compare
from marketmaker.domain.orders import OrderIdentity, Side
from marketmaker.domain.state import Mode
from tests.builders import SYMBOL
from tests.faults.enumeration import Place
from tests.faults.partitions import ledger_rows, rows
from tests.faults.puppet import Puppet, Stopped, Work, Worked, worked
from tests.faults.tap import Letter, Phase, Point
from tests.faults.world import World, Worlds
from tests.tables import STATE_TABLE

LATE_S = 1.9
"""When a request that was on the wire arrives: it expires 2 s after it was signed."""
BY_HAND = "by-hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A tick to be killed: how the world comes to its moment, and what must rest once all is well again.

    `aftermath` happens between the death and the next tick. With `flagged_after` the halt flag is set while the tick is
    at that point, and a halt runs after the death.
    """

    name: str
    prepare: Callable[[Worlds], World]
    rests: Mapping[str, int]
    aftermath: Callable[[World], object] = field(default=lambda _: None)
    flagged_after: Point | None = None


def record_points(worlds: Worlds, scenario: Scenario, base: World) -> tuple[Point, ...]:
    """Work the scenario's tick to its end and return its points."""
    world = worlds.copy(base)
    with Puppet(world.address) as puppet:
        points = worked(_run(puppet, world, scenario, {})).points
    worlds.end(world)
    assert len(points) == len(set(points))
    return tuple(sorted(points))


def crash(worlds: Worlds, scenario: Scenario, base: World, death: Place) -> None:
    """Kill the scenario's tick, and require of what follows what must hold."""
    world = worlds.copy(base)
    try:
        with Puppet(world.address) as doomed:
            stopped = _run(doomed, world, scenario, {death.point: death.phase})
            assert isinstance(stopped, Stopped), f"never came to this point: {stopped}"
            doomed.die()
        if death.phase is Phase.ON_THE_WIRE:
            world.later(LATE_S, partial(deliver, stopped.letter))
        if scenario.flagged_after is not None:
            _halt_and_resume(world)
        _work_on(world, scenario)
    finally:
        worlds.end(world)


def deliver(letter: Letter) -> int:
    """Send a request as it was written; returns the status of its answer."""
    url = urlsplit(letter.url)
    connection = HTTPConnection(url.netloc, timeout=5)
    try:
        connection.request(letter.method, f"{url.path}?{url.query}", letter.body, letter.headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _run(puppet: Puppet, world: World, scenario: Scenario, stops: Mapping[Point, Phase]) -> Any:
    """Work the tick until it stops at the death or ends; the halt flag is set on the way."""
    flag = scenario.flagged_after
    also = {} if flag is None or flag in stops else {flag: Phase.AFTER}
    event = puppet.work(Work(slot_ms=world.next_slot(), owner="doomed", stops={**also, **stops}))
    if isinstance(event, Stopped) and event.point == flag and flag not in stops:
        world.desk.store.strengthen(world.account, Mode.HALTED, reason="a test", now_ms=world.clock() // 1000)
        puppet.go()
        event = puppet.event()
    return event


def _halt_and_resume(world: World) -> None:
    report = world.halt()
    assert report.verified_s is not None, report
    assert _own(world, world.exchange()) == [], "own orders live after the verified halt"
    assert world.book_differences() == ()
    with Puppet(world.address) as cold:
        assert cold.finish(Work(slot_ms=world.next_slot(), owner="halted")).outcome == "halted"
    assert _own(world, world.exchange()) == [], "own orders live after the tick that followed a halt"
    world.desk.store.resume(world.account, reason="a test", now_ms=world.clock() // 1000)


def _work_on(world: World, scenario: Scenario) -> None:
    """Work the next tick that can claim, in a new process, and the one after it."""
    world.skip(LATE_S)
    scenario.aftermath(world)
    died_ms = world.slot_ms
    with Puppet(world.address) as cold:
        lease_ends_ms = _lease_ends_ms(world)
        assert lease_ends_ms - died_ms <= world.settings.clocks.lease_ms, "the lease is too long"
        slot_ms = world.next_slot()
        while slot_ms < lease_ends_ms:
            slot_ms = world.next_slot()
        done = cold.finish(Work(slot_ms=slot_ms, owner="next"))
        assert done.outcome == "done", done
        assert_sound(world, done)
        after = cold.finish(Work(slot_ms=world.next_slot(), owner="after"))
        assert after.outcome == "done", after
        assert after.is_quiet, f"the tick after is not quiet: {dict(after.counts)}"
        assert_sound(world, after)
        rests = Counter(each["side"] for each in _own(world, world.exchange()))
        assert rests == Counter(scenario.rests), f"rests: {dict(rests)}"


def assert_sound(world: World, done: Worked) -> None:
    """Require what must hold after every tick that claimed, from the exchange's own books and the tables."""
    seen = world.exchange()
    own = _own(world, seen)
    differences = compare(ledger_rows(world.address.tables, world.account, SYMBOL), SYMBOL, seen).differences
    assert differences == (), differences
    places = Counter(_place(world, each) for each in own)
    assert all(count == 1 for count in places.values()), f"doubled: {places}"
    orphans = {each["clientOrderId"] for each in own} - done.wanted
    assert not orphans, f"outside the plan: {orphans}"
    _assert_exposure(world, seen, own)
    others = [each["clientOrderId"] for each in seen["open_orders"] if each not in own]
    assert others == [BY_HAND], f"not ours: {others}"


def _assert_exposure(world: World, seen: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> None:
    (market,) = world.settings.markets
    for side in ("BUY", "SELL"):
        open_base = sum((_left(each) for each in own if each["side"] == side), Decimal(0))
        assert open_base <= market.order_size_base, f"{side}: {open_base} open"
    bids_quote = sum((_left(each) * Decimal(each["price"]) for each in own if each["side"] == "BUY"), Decimal(0))
    assert bids_quote <= Decimal(seen["balances"]["USDT"]["total"])


def _left(order: Mapping[str, Any]) -> Decimal:
    return Decimal(order["origQty"]) - Decimal(order["executedQty"])


def _place(world: World, order: Mapping[str, Any]) -> tuple[Side, int]:
    identity = OrderIdentity.decode(order["clientOrderId"], world.settings.tag)
    assert identity is not None
    return identity.side, identity.level


def _own(world: World, seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for each in seen["open_orders"] if world.settings.tag.owns(each["clientOrderId"])]


def _lease_ends_ms(world: World) -> int:
    """Read the end of the lease from the table itself; 0 if it is free."""
    items = rows(world.address.tables, STATE_TABLE, world.account)
    return next((int(each.get("lease_expires_ms", 0)) for each in items if each["item"] == "control"), 0)
