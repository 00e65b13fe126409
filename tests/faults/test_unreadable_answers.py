"""An answer that cannot be read is unknown, never zero, never "none": nothing is risked on it, and it is told (R7)."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest

from marketmaker.domain.inventory import OpeningRow
from marketmaker.domain.orders import Side
from marketmaker.ports import Severity
from tests.builders import SYMBOL
from tests.faults.tally import CaseLog
from tests.faults.world import (
    ACCOUNT,
    BOOK,
    CANCEL,
    CREATE,
    LOOKUP,
    METADATA,
    OPEN_ORDERS,
    TRADES,
    World,
    Worlds,
)

pytestmark = pytest.mark.row("R7")

type Fault = Mapping[str, object]

ONE_A_SIDE = {"BUY": 1, "SELL": 1}
TIME = "GET /api/v3/time"
DIED_ON_ITS_WAY_S = 3.0
"""A create that arrives so late has expired."""

NO_ANSWER: dict[str, Fault] = {
    "connection reset": {"fault": "connection_reset"},
    "503": {"fault": "server_error"},
    "maintenance": {"fault": "maintenance"},
}
NO_SENSE: dict[str, Fault] = {
    "a web page": {"fault": "malformed_reply"},
    "null": {"fault": "malformed_reply", "body": "null"},
    "no body": {"fault": "empty_reply"},
    "{}": {"fault": "empty_reply", "body": "{}"},
    "half": {"fault": "truncated_reply"},
    "nulls": {"fault": "wrong_types", "to": "null"},
    "texts": {"fault": "wrong_types", "to": "text"},
    "lists": {"fault": "wrong_types", "to": "list"},
}
NUMBERS: dict[str, Fault] = {"numbers": {"fault": "wrong_types", "to": "number"}}
AN_EMPTY_LIST: dict[str, Fault] = {"[]": {"fault": "empty_reply", "body": "[]"}}
OTHER_ASSETS: dict[str, Fault] = {
    "other assets": {
        "fault": "malformed_reply",
        "body": '{"balances":[{"asset":"BNB","free":"1.00000000","locked":"0.00000000"}]}',
    }
}
"""An answer that is sound, and says nothing of what we hold."""
ALL = NO_ANSWER | NO_SENSE | NUMBERS | AN_EMPTY_LIST

AMOUNT, WHOLE, NAME = ("null", "number"), ("null", "text"), ("null",)
ORDER = {
    **dict.fromkeys(("origQty", "executedQty", "price"), AMOUNT),
    **dict.fromkeys(("orderId", "time"), WHOLE),
    **dict.fromkeys(("status", "side", "symbol", "clientOrderId"), NAME),
}
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    OPEN_ORDERS: ORDER,
    LOOKUP: ORDER,
    ACCOUNT: {"free": AMOUNT, "locked": AMOUNT, "asset": NAME},
    BOOK: {"bids": AMOUNT, "asks": AMOUNT, "lastUpdateId": WHOLE},
    TRADES: {
        **dict.fromkeys(("price", "qty"), AMOUNT),
        **dict.fromkeys(("id", "orderId", "time"), WHOLE),
        **dict.fromkeys(("isBuyer", "isMaker"), WHOLE),
        "symbol": NAME,
        "commission": ("number",),
    },
}


def the_price_moved(world: World) -> None:
    """Move it to and fro: our orders are to be replaced."""
    world.jump(2 if world.slot_ms // 5_000 % 2 else -2)


def a_bid_filled_in_part(world: World) -> None:
    the_price_moved(world)
    _fill_bid(world, "0.0123")


def a_bid_filled(world: World) -> None:
    _fill_bid(world, "0.1")


def _fill_bid(world: World, size: str) -> None:
    (bid,) = [each for each in world.own_orders() if each["side"] == "BUY"]
    world.trade(Side.SELL, bid["price"], size)


def a_create_died(world: World) -> None:
    the_price_moved(world)
    world.arm(fault="delayed_acceptance", delay_s=DIED_ON_ITS_WAY_S)
    assert world.tick().counts()["creates_unknown"] == 1


READS: dict[str, Callable[[World], None]] = {
    OPEN_ORDERS: the_price_moved,
    ACCOUNT: the_price_moved,
    BOOK: the_price_moved,
    TRADES: a_bid_filled_in_part,
    LOOKUP: a_bid_filled,
    TIME: a_create_died,
}
"""The reads of a tick, and what makes it ask for them and want to place something."""


def answers(route: str) -> dict[str, Fault]:
    """Name what a read may be answered with, but nothing that would be a true answer or is one by itself."""
    spoiled = {
        f"{name}: {to}": {"fault": "wrong_types", "key": name, "to": to}
        for name, types in FIELDS.get(route, {}).items()
        for to in types
    }
    is_said_otherwise = {TIME: NUMBERS, OPEN_ORDERS: AN_EMPTY_LIST}.get(route, {})
    told = {name: fault for name, fault in ALL.items() if name not in is_said_otherwise} | spoiled
    return told | OTHER_ASSETS if route == ACCOUNT else told


def risk_nothing(world: World, route: str, fault: Fault) -> None:
    """A tick that cannot read one thing sends nothing new; the next one that can goes on as if nothing had been."""
    READS[route](world)
    inventory, sent = world.state().inventory, world.requests(CREATE)
    world.arm(**fault, route=route, count=None)
    world.tick()
    assert world.requests(CREATE) == sent, "a create was sent"
    assert world.state().inventory == inventory, "the inventory changed"
    world.clear_faults()
    world.tick()
    assert world.sides() == ONE_A_SIDE, f"rests: {world.sides()}"
    world.assert_books_agree()


def all_hold(world: World, faults: Mapping[str, Fault], case: Callable[[Fault], None], cases: CaseLog) -> None:
    for name, fault in faults.items():
        problem = None
        try:
            case(fault)
        except AssertionError as error:
            problem = str(error)
            world.clear_faults()
        cases.note(name, problem)
    cases.assert_held()


@pytest.mark.parametrize("route", READS)
def test_nothing_is_risked_on_a_read_that_makes_no_sense(world: World, route: str, cases: CaseLog) -> None:
    world.tick()
    all_hold(world, answers(route), lambda fault: risk_nothing(world, route, fault), cases)


@pytest.mark.parametrize("route", READS)
def test_a_process_that_knows_nothing_risks_nothing_either(world: World, route: str) -> None:
    world.tick()
    READS[route](world)
    sent = world.requests(CREATE)
    world.arm(fault="empty_reply", body="{}", route=route, count=None)
    world.cold_tick()
    assert world.requests(CREATE) == sent


OF_NOTHING = {name: fault for name, fault in (NO_ANSWER | NO_SENSE).items() if fault["fault"] != "wrong_types"}
"""What spoils even an answer without rows."""
OPENING = {METADATA: ALL, OPEN_ORDERS: OF_NOTHING, ACCOUNT: ALL | OTHER_ASSETS, BOOK: ALL, TRADES: OF_NOTHING}


@pytest.mark.parametrize("route", OPENING)
def test_a_market_opens_with_nothing_but_what_was_read(worlds: Worlds, route: str, cases: CaseLog) -> None:
    world = worlds.new(metadata=False)

    def stay_closed(fault: Fault) -> None:
        world.arm(**fault, route=route, count=None)
        world.cold_tick()
        world.clear_faults()
        assert SYMBOL not in world.stored().markets, "the market opened"
        assert world.requests(CREATE) == 0, "a create was sent"

    all_hold(world, OPENING[route], stay_closed, cases)
    world.tick(2)
    (opening,) = [row for row in world.desk.store.ledger(world.account, SYMBOL) if isinstance(row, OpeningRow)]
    assert (opening.base, opening.quote) == (Decimal(20), Decimal(65_000))
    assert world.sides() == ONE_A_SIDE


@pytest.mark.parametrize("route", [ACCOUNT, BOOK])
def test_quotes_that_nobody_can_judge_are_pulled(world: World, route: str) -> None:
    world.tick()
    world.arm(fault="empty_reply", body="{}", route=route, count=None)
    report = world.tick()
    assert report.summary()["markets"][0]["no_quotes"] == "observation_failed"
    assert world.own_orders() == []


def test_no_open_orders_is_not_believed_while_ours_rest(world: World) -> None:
    world.tick()
    sent, before = world.requests(CREATE), world.own_orders()
    world.arm(fault="empty_reply", body="[]", route=OPEN_ORDERS, count=None)
    world.tick(3)
    assert (world.requests(CREATE), world.own_orders()) == (sent, before)


@pytest.mark.parametrize("route", [CREATE, CANCEL])
def test_an_unreadable_answer_to_an_order_is_neither_yes_nor_no(world: World, route: str, cases: CaseLog) -> None:
    world.tick()

    def end_with_one_a_side(fault: Fault) -> None:
        the_price_moved(world)
        world.arm(**fault, route=route, count=2)
        world.tick()
        assert all(count == 1 for count in world.places().values()), f"doubled: {world.places()}"
        world.clear_faults()
        world.tick(3)
        assert world.sides() == ONE_A_SIDE, f"rests: {world.sides()}"
        assert world.state().unresolved == ()
        world.assert_books_agree()

    all_hold(world, ALL, end_with_one_a_side, cases)


def told(world: World, severity: Severity) -> list[str]:
    return [alert.kind for alert in world.alerts.sent if alert.severity is severity]


@pytest.mark.parametrize("route", [OPEN_ORDERS, ACCOUNT, BOOK, TRADES, LOOKUP])
def test_what_stays_unreadable_is_told_once_and_its_end_too(world: World, route: str) -> None:
    world.tick()
    READS[route](world)
    world.arm(fault="server_error", route=route, count=None)
    for _ in range(2):
        world.tick(8)
        world.check()
    critical = told(world, Severity.CRITICAL)
    assert critical, "nobody was told"
    assert len(critical) == len(set(critical)), critical
    world.clear_faults()
    world.tick(2)
    world.check()
    world.tick(2)
    assert sorted(told(world, Severity.INFO)) == sorted(critical)
    assert world.sides() == ONE_A_SIDE
