import pytest
from marketmaker.domain.orders import Side
from tests.faults.test_perpetual_escalation import *
from tests.faults.test_halts import *
from tests.faults.puppet import *
for n in list(globals()):
    if n.startswith("test_"): del globals()[n]

def test_x(worlds):
    for side in Side:
        world = escalating(worlds, side)
        for i in range(6):
            c = worlds.copy(world)
            with Puppet(c.address) as p:
                w = p.finish(Work(slot_ms=c.next_slot(), owner="recorded"))
                print(w.outcome, w.detail, dict(w.counts), [x.asked for x in w.points if "/fapi" in x.asked and "GET" not in x.asked], position(c))
            r = world.tick()
            print(side, i, position(world), dict(r.counts()), len(world.own_orders()), world.state(world.settings.symbols[0]).exits)
    assert 0
