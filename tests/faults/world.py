"""A world: one account on tables of the real DynamoDB engine, one exchange, and desks of the real adapters between.

    def test_a_reply_that_is_lost_leaves_one_order(world: World) -> None:  # R1
        world.arm(fault="lost_reply", route=CREATE)
        world.tick()
        world.tick()
        assert world.sides() == {"BUY": 1, "SELL": 1}
        world.assert_books_agree()

The `world` fixture quotes nothing yet: its first `tick` opens the market and places 1899.5 and 1900.5 round 1900. Time
stands still unless `tick`, `skip` or a desk's sleep moves it: what takes long on this machine takes no time in the
world. `tick` works the next slot with a desk that lives on, `cold_tick` throws all of this process away first.
`Worlds.copy` makes another world of the same moment: same orders, same items, nothing shared.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count
from math import ceil
from pathlib import Path
from typing import Any

import requests

from infra.local.reconcile import compare
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.inventory import FillRow
from marketmaker.domain.orders import Order, OrderIdentity, Side
from marketmaker.domain.state import AccountState, Control, MarketState
from marketmaker.domain.units import AccountName, ClientOrderId, Symbol
from marketmaker.ports import Deadline, HaltRequest
from marketmaker.simulation.events import Event, Trade
from marketmaker.simulation.orders import AccountOrder, OrderRequest, OrderType
from marketmaker.usecases.check_risk import check_risk
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.halt import HaltReport, halt
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickReport
from marketmaker.usecases.risk_report import RiskReport
from tests.builders import SLOT_MS, SYMBOL
from tests.fakes.sinks import RecordingAlerts, RecordingHalts, RecordingTelemetry
from tests.faults.clock import WorldClock
from tests.faults.desks import Address, Office, open_office
from tests.faults.market import Breathing, Exchange, copied_venue, new_perpetual_venue, new_venue, serve_venue
from tests.faults.partitions import copy_partitions, ledger_rows, world_partitions
from tests.faults.settings import named
from tests.faults.settings import usual_settings as usual_settings

CREATE, CANCEL, LOOKUP = "POST /api/v3/order", "DELETE /api/v3/order", "GET /api/v3/order"
CREATE_OF_PERPETUALS = "POST /fapi/v1/order"
OPEN_ORDERS, ACCOUNT, TRADES = "GET /api/v3/openOrders", "GET /api/v3/account", "GET /api/v3/myTrades"
BOOK, METADATA = "GET /api/v3/depth", "GET /api/v3/exchangeInfo"

_invocations = count()


@dataclass(slots=True, kw_only=True)
class World:
    """Everything round one account; make one with `Worlds`."""

    address: Address
    clock: WorldClock
    served: Exchange
    slot_ms: int
    alerts: RecordingAlerts = field(default_factory=RecordingAlerts)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    halts: RecordingHalts = field(default_factory=RecordingHalts)
    late: list[tuple[int, Callable[[], object]]] = field(default_factory=list)
    _office: Office | None = None

    def __post_init__(self) -> None:
        self.clock.on_move.append(self._deliver_late)

    @property
    def settings(self) -> AccountSettings:
        """The account's settings."""
        return self.address.settings

    @property
    def account(self) -> AccountName:
        """The account's name."""
        return self.settings.name

    @property
    def desk(self) -> Desk:
        """The desk of this process, built when it is first needed."""
        if self._office is None:
            self._office = open_office(self.address, self.clock, self.alerts, self.telemetry)
        return self._office.desk

    def restart(self, *, settings: AccountSettings | None = None, skew_ms: int | None = None) -> None:
        """Throw away all that this process knows; the next desk has these settings, and its clock is off by this."""
        if self._office is not None:
            self._office.close()
        self._office = None
        own = replace(settings or self.settings, name=self.account, venue=self.settings.venue)
        skew = self.address.skew_ms if skew_ms is None else skew_ms
        self.address = replace(self.address, settings=own, skew_ms=skew)

    def close(self) -> None:
        """End the desk and the exchange."""
        self.restart()
        self.served.stop()

    # What happens to the account

    def tick(self, ticks: int = 1) -> TickReport:
        """Work the next slots, one interval after another; returns the last one's report."""
        return [self.work(self.next_slot()) for _ in range(ticks)][-1]

    def cold_tick(self) -> TickReport:
        """Work the next slot as a process that has just started."""
        self.restart()
        return self.tick()

    def next_slot(self) -> int:
        """Let time pass until the next slot is due, and return it; slots that have passed already are left out."""
        interval_ms = self.settings.clocks.interval_ms
        self.slot_ms += interval_ms * max(1, ceil((self.clock() / 1000 - self.slot_ms) / interval_ms))
        self.clock.set_us(self.slot_ms * 1000)
        return self.slot_ms

    def work(self, slot_ms: int, owner: str | None = None) -> TickReport:
        """Work a slot now, as the invocation named."""
        tick = Tick(account=self.account, slot_ms=slot_ms)
        return replace_quotes(tick, self.desk, owner=owner or f"invocation {slot_ms} {next(_invocations)}")

    def check(self) -> RiskReport:
        """Take the second look, now."""
        return check_risk(self.desk, self.halts, self.deadline(), owner=f"check {self.clock()}")

    def halt(self, reason: str = "a test") -> HaltReport:
        """Halt the account as an operator does."""
        request = HaltRequest(account=self.account, reason=reason, requested_by="operator")
        return halt(request, self.desk, self.deadline())

    def deadline(self, in_ms: int = 60_000) -> Deadline:
        """Return a deadline from now, by the desk's clock."""
        return Deadline(at_ms=self.desk.clock.now_ms() + in_ms, clock=self.desk.clock)

    # What happens to the exchange

    def skip(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.skip(seconds)

    def arm(self, **fault: object) -> None:
        """Switch a fault on: what `POST /local/faults` takes."""
        self._post("faults", fault)

    def clear_faults(self) -> None:
        """Switch every fault off."""
        requests.delete(f"{self.served.address}/local/faults", timeout=5).raise_for_status()

    def jump(self, shift_bps: float) -> None:
        """Move the market's price; what now crosses one of our orders fills it."""
        self._post("prices", {"shift_bps": str(shift_bps)})

    def trade(self, taker: Side, price: str, size: str) -> None:
        """Let somebody sell to our bids or buy from our asks: whatever rests at this price or better fills."""
        engine = self.served.venue.listing.engine
        self.served.venue.catch_up()
        engine.play(Trade(time_us=engine.now_us, taker_side=taker, price=Decimal(price), size_base=Decimal(size)))

    def place_by_hand(self, side: Side, price: str, size: str, client_id: str) -> str:
        """Let somebody else rest an order on the same login; returns the exchange's id."""
        self.served.venue.catch_up()
        engine = self.served.venue.listing.engine
        request = OrderRequest(
            client_id=ClientOrderId(client_id),
            side=side,
            type=OrderType.LIMIT_MAKER,
            size_base=Decimal(size),
            price=Decimal(price),
        )
        order = engine.submit(request, engine.now_us)
        assert isinstance(order, AccountOrder), order
        return str(order.order_id)

    def later(self, seconds: float, happen: Callable[[], object]) -> None:
        """Let something happen once so much time has passed, whoever lets it pass."""
        self.late.append((self.clock() + round(seconds * 1_000_000), happen))

    def _deliver_late(self) -> None:
        due = [happen for at_us, happen in self.late if at_us <= self.clock()]
        self.late = [each for each in self.late if each[0] > self.clock()]
        for happen in due:
            happen()

    def _post(self, route: str, body: Mapping[str, object]) -> None:
        answer = requests.post(f"{self.served.address}/local/{route}", json=body, timeout=5)
        assert answer.status_code == 200, answer.text

    # What is there to see

    def exchange(self) -> dict[str, Any]:
        """Return the exchange's own books."""
        answer = requests.get(f"{self.served.address}/local/state", timeout=5)
        answer.raise_for_status()
        state: dict[str, Any] = answer.json()
        return state

    def own_orders(self) -> list[dict[str, Any]]:
        """Return our live orders as the exchange has them, by client id."""
        own = [each for each in self.exchange()["open_orders"] if self.settings.tag.owns(each["clientOrderId"])]
        return sorted(own, key=lambda each: str(each["clientOrderId"]))

    def foreign_orders(self) -> list[dict[str, Any]]:
        """Return the live orders that are not ours."""
        return [each for each in self.exchange()["open_orders"] if not self.settings.tag.owns(each["clientOrderId"])]

    def sides(self) -> Counter[str]:
        """Count our live orders of each side."""
        return Counter(each["side"] for each in self.own_orders())

    def places(self) -> Counter[tuple[Side, int]]:
        """Count our live orders at each side and level."""
        identities = [OrderIdentity.decode(each["clientOrderId"], self.settings.tag) for each in self.own_orders()]
        return Counter((each.side, each.level) for each in identities if each is not None)

    def requests(self, route: str) -> int:
        """Count the requests that reached the exchange on a route."""
        return int(self.exchange()["requests"].get(route, 0))

    def creates(self) -> int:
        """Count the orders that were asked for."""
        return self.requests(CREATE) + self.requests(CREATE_OF_PERPETUALS)

    def stored(self) -> AccountState:
        """Read the account's items."""
        return self.desk.store.read_account(self.account)

    def control(self) -> Control:
        """Read the control item."""
        return self.desk.store.read_control(self.account)

    def state(self, symbol: Symbol = SYMBOL) -> MarketState:
        """Read a market's item."""
        return self.stored().markets[symbol]

    def working(self, symbol: Symbol = SYMBOL) -> tuple[Order, ...]:
        """Return the orders that the market's item remembers."""
        return self.state(symbol).working

    def fills(self, symbol: Symbol = SYMBOL) -> list[FillRow]:
        """Return a market's booked fills."""
        return [row for row in self.desk.store.ledger(self.account, symbol) if isinstance(row, FillRow)]

    def book_differences(self, symbol: Symbol = SYMBOL) -> tuple[str, ...]:
        """Say where the ledger table differs from the exchange's books, read past our own code."""
        rows = ledger_rows(self.address.tables, self.account, symbol)
        return compare(rows, symbol, self.exchange()).differences

    def assert_books_agree(self, symbol: Symbol = SYMBOL) -> None:
        """Require every fill, fee and balance of the ledger to be the exchange's, to the last digit."""
        assert self.book_differences(symbol) == ()


@dataclass(slots=True, kw_only=True)
class Worlds:
    """Makes worlds on one engine, and ends them."""

    tables: str
    folder: Path
    made: list[World] = field(default_factory=list)

    def new(
        self, settings: AccountSettings | None = None, *, events: Iterable[Event] | None = None, metadata: bool = True
    ) -> World:
        """Make a world; `metadata` keeps the market's, as fetch_prices does."""
        own = named(settings or usual_settings())
        clock = WorldClock.start(self.folder / f"{own.name}.clock", SLOT_MS * 1000)
        build = new_venue if own.markets[0].perpetual is None else new_perpetual_venue
        served = serve_venue(build(Breathing() if events is None else events, clock))
        address = Address(settings=own, exchange=served.address, tables=self.tables, clock=clock.path)
        world = World(address=address, clock=clock, served=served, slot_ms=SLOT_MS)
        self.made.append(world)
        if metadata:
            desk = world.desk
            kept = desk.venue.fetch_metadata(own.symbols, world.deadline())
            desk.prices.save_metadata(own.venue, kept)
        return world

    def copy(self, world: World) -> World:
        """Make another world of the same moment; its desk is cold."""
        own = named(world.settings)
        old = world.settings
        copy_partitions(self.tables, world_partitions((old.name, old.venue), (own.name, own.venue), own.symbols))
        clock = WorldClock.start(self.folder / f"{own.name}.clock", world.clock())
        served = serve_venue(copied_venue(world.served.venue, world.clock, clock))
        address = replace(world.address, settings=own, exchange=served.address, clock=clock.path)
        copied = World(address=address, clock=clock, served=served, slot_ms=world.slot_ms)
        self.made.append(copied)
        return copied

    def end(self, world: World) -> None:
        """End a world."""
        world.close()
        self.made.remove(world)

    def close(self) -> None:
        """End every world."""
        for world in list(self.made):
            self.end(world)
