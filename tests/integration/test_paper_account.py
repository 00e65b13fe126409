"""A paper account on the real DynamoDB engine and the local exchange's public side: whole use cases, and races."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import takewhile
from random import Random
from threading import Barrier

import pytest

from marketmaker.adapters.ccxt_venue import CcxtVenue
from marketmaker.adapters.dynamodb import DynamoDbPrices, DynamoDbStore, TableClient
from marketmaker.adapters.dynamodb.paper import DynamoDbPaperStore
from marketmaker.adapters.memory import AtOnce
from marketmaker.adapters.paper_venue import PaperAccount, PaperLogin, PaperVenue
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.inventory import FillRow, LedgerRow, OpeningRow
from marketmaker.domain.orders import NewOrder, Order, Side
from marketmaker.domain.state import Mode
from marketmaker.domain.units import AccountName, ClientOrderId
from marketmaker.ports import Accepted, CancelResult, Deadline, HaltRequest, PlaceOutcome, Rejected, RejectionKind
from marketmaker.simulation.generated import GeneratedMarket, MarketModel
from marketmaker.usecases.check_risk import check_risk
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.halt import halt
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickOutcome, TickReport
from marketmaker.usecases.risk_report import RiskOutcome
from tests.builders import PAXG, SLOT_MS, SYMBOL, USDT, account_settings, fees
from tests.contract.connected import VenueClock, keyless
from tests.contract.local_venue import LocalVenue, served
from tests.fakes.clock import ManualClock
from tests.fakes.paper import FakePublicMarket
from tests.fakes.settings import versions_of
from tests.fakes.sinks import RecordingAlerts, RecordingHalts, RecordingTelemetry
from tests.tables import table_settings

pytest_plugins = ["tests.dynamodb_local"]

D = Decimal
OPENING = {PAXG: D("18.4211"), USDT: D("65000.37")}
SECONDS = 300


def only_paper(venue_id: str) -> bool:
    """Tell whether an order's id is a paper account's: the exchange numbers its own from 1."""
    return len(venue_id) > 12


@dataclass(slots=True, kw_only=True)
class PaperRun:
    """An account that is worked on a generated market; every use case gets a desk of its own, as a cold start does."""

    local: LocalVenue
    settings: AccountSettings
    endpoint: str
    slot_ms: int = 0

    @property
    def clock(self) -> VenueClock:
        return VenueClock(self.local)

    def desk(self) -> Desk:
        """Build everything anew: clients, connections, venue."""
        tables = TableClient(table_settings(self.endpoint))
        login = PaperLogin(
            account=self.settings.name,
            opening=OPENING,
            fees={market.symbol: market.fees for market in self.settings.markets},
        )
        telemetry = RecordingTelemetry()
        venue = PaperVenue(
            login,
            public=CcxtVenue(keyless(self.local), self.clock),
            store=DynamoDbPaperStore(client=tables),
            clock=self.clock,
            telemetry=telemetry,
        )
        return Desk(
            settings=self.settings,
            venue=venue,
            store=DynamoDbStore(tables),
            prices=DynamoDbPrices(tables),
            versions=versions_of(self.settings),
            alerts=RecordingAlerts(),
            telemetry=telemetry,
            clock=self.clock,
            alongside=AtOnce(),
        )

    def tick(self, desk: Desk) -> TickReport:
        """Work the next slot, 5 s after the last."""
        self.local.skip(5)
        self.slot_ms = max(self.slot_ms + 1000, self.clock.now_ms() // 1000 * 1000)
        tick = Tick(account=self.settings.name, slot_ms=self.slot_ms)
        return replace_quotes(tick, desk, owner=f"invocation {self.slot_ms}")

    def deadline(self, ms: int = 60_000) -> Deadline:
        return Deadline(at_ms=self.clock.now_ms() + ms, clock=self.clock)

    def paper(self) -> PaperAccount:
        stored = DynamoDbPaperStore(client=TableClient(table_settings(self.endpoint))).load(self.settings.name)
        assert stored is not None
        return stored.account

    def ledger(self) -> Sequence[LedgerRow]:
        return DynamoDbStore(TableClient(table_settings(self.endpoint))).ledger(self.settings.name, SYMBOL)


@pytest.fixture
def run(dynamodb_local: str, account: AccountName) -> Iterator[PaperRun]:
    events = GeneratedMarket(MarketModel(), Random(7)).events()  # noqa: S311 - a market, no secret
    with served(list(takewhile(lambda event: event.time_us < SECONDS * 1_000_000, events))) as local:
        settings = replace(account_settings(dedicated=True), name=account)
        yield PaperRun(local=local, settings=settings, endpoint=dynamodb_local)


def compare(run: PaperRun) -> list[FillRow]:
    """Compare ledger and paper account to the last digit; returns the fills."""
    rows, paper = run.ledger(), run.paper()
    (opening,) = [row for row in rows if isinstance(row, OpeningRow)]
    fills = [row for row in rows if isinstance(row, FillRow)]
    assert (opening.base, opening.quote) == (OPENING[PAXG], OPENING[USDT])
    assert opening.base + sum(row.base_change for row in fills) == paper.totals[PAXG]
    assert opening.quote + sum(row.quote_change for row in fills) == paper.totals[USDT]
    booked = {row.fill.trade_id: row.fill for row in fills}
    assert {str(trade.trade_id): trade.fill() for trade in paper.trades}.items() <= booked.items()
    assert [row.fill.trade_id for row in fills][-len(paper.trades) :] == [str(each.trade_id) for each in paper.trades]
    return fills


def test_quoting_on_paper_fills_and_the_ledger_equals_the_account(run: PaperRun) -> None:  # S6, R17
    warm = run.desk()
    for number in range(40):
        report = run.tick(warm if number % 8 else run.desk())
        assert report.outcome is TickOutcome.DONE, report.detail
    fills = compare(run)
    assert len(fills) >= 10
    assert {row.fill.side for row in fills} == {Side.BUY, Side.SELL}
    assert all(row.fill.is_maker and row.client_id and run.settings.tag.owns(row.client_id) for row in fills)
    assert all(each.fill.price % D("0.01") == 0 for each in fills)
    assert {order.side for order in run.paper().open_orders()} <= {Side.BUY, Side.SELL}

    risk = check_risk(run.desk(), RecordingHalts(), run.deadline(), owner="check")
    assert risk.outcome is RiskOutcome.DONE
    resting = len(run.desk().venue.open_orders(run.deadline()))

    request = HaltRequest(account=run.settings.name, reason="done", requested_by="test")
    halted = halt(request, run.desk(), run.deadline())

    assert halted.verified_s is not None
    assert (halted.orders_cancelled, halted.orders_left, halted.foreign_orders) == (resting, 0, 0)
    assert halted.ledger_settled, halted.problems
    assert run.paper().resting == ()
    assert {asset: each.reserved for asset, each in run.paper().balances().items()} == {PAXG: 0, USDT: 0}
    compare(run)
    state = run.local.state()
    assert state["orders"]["accepted"] == 0
    public = {"depth", "aggTrades", "exchangeInfo"}
    assert {route.rpartition("/")[2] for route in state["requests"]} == public


def test_a_tick_that_died_after_placing_leaves_orders_that_the_next_one_adopts(run: PaperRun) -> None:  # R3, R31
    run.tick(run.desk())
    dying = run.desk()
    placed: list[PlaceOutcome] = []
    place = dying.venue.place

    def place_and_die(orders: Sequence[NewOrder], deadline: Deadline) -> Sequence[PlaceOutcome]:
        placed.extend(place(orders, deadline))
        raise SystemExit

    run.desk().venue.cancel(run.desk().venue.open_orders(run.deadline()), run.deadline())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dying.venue, "place", place_and_die)
        with pytest.raises(SystemExit):
            run.tick(dying)
    orphans = {each.order.venue_id for each in placed if isinstance(each, Accepted)}
    assert orphans
    run.local.skip(run.settings.clocks.lease_ms / 1000)

    report = run.tick(run.desk())

    assert report.outcome is TickOutcome.DONE
    resting = {order.venue_id for order in run.paper().open_orders()}
    state = run.desk().store.read_account(run.settings.name)
    assert resting == {order.venue_id for order in state.markets[SYMBOL].working}
    assert all(only_paper(venue_id) for venue_id in resting)
    compare(run)


def test_a_halted_account_does_not_quote_on_paper_either(run: PaperRun) -> None:  # R5
    run.tick(run.desk())
    assert run.paper().resting
    halt(HaltRequest(account=run.settings.name, reason="stop", requested_by="test"), run.desk(), run.deadline())

    report = run.tick(run.desk())

    assert report.outcome is TickOutcome.HALTED
    assert run.desk().store.read_control(run.settings.name).mode is Mode.HALTED
    assert run.paper().resting == ()


# Several functions at once


@dataclass(slots=True, kw_only=True)
class Racers:
    """Venues of one account, each with clients of its own, on a market that stands still."""

    account: AccountName
    endpoint: str
    clock: ManualClock
    market: FakePublicMarket

    def venue(self) -> PaperVenue:
        login = PaperLogin(account=self.account, opening=OPENING, fees={SYMBOL: fees()})
        store = DynamoDbPaperStore(client=TableClient(table_settings(self.endpoint)))
        return PaperVenue(login, public=self.market, store=store, clock=self.clock, telemetry=RecordingTelemetry())

    def deadline(self) -> Deadline:
        return Deadline(at_ms=self.clock.now_ms() + 60_000, clock=self.clock)

    def paper(self) -> PaperAccount:
        stored = DynamoDbPaperStore(client=TableClient(table_settings(self.endpoint))).load(self.account)
        assert stored is not None
        return stored.account


@pytest.fixture
def racers(dynamodb_local: str, account: AccountName) -> Racers:
    clock = ManualClock(SLOT_MS)
    return Racers(account=account, endpoint=dynamodb_local, clock=clock, market=FakePublicMarket(clock))


def together[T](works: Sequence[Callable[[], T]]) -> list[T]:
    """Start all at the same moment, each in its own thread."""
    barrier = Barrier(len(works))

    def begin(work: Callable[[], T]) -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(begin, work) for work in works]]


def bid(worker: int, number: int) -> NewOrder:
    return NewOrder(
        client_id=ClientOrderId(f"worker{worker}order{number}"),
        symbol=SYMBOL,
        side=Side.BUY,
        price=D(1890) - D("0.01") * number,
        size_base=D("0.01"),
    )


def place_some(racers: Racers, worker: int) -> list[PlaceOutcome]:
    venue = racers.venue()
    return [venue.place([bid(worker, number)], racers.deadline())[0] for number in range(8)]


def test_functions_that_place_at_once_lose_no_order(racers: Racers) -> None:  # R9
    outcomes = [each for some in together([partial(place_some, racers, n) for n in range(4)]) for each in some]

    accepted = [each.order for each in outcomes if isinstance(each, Accepted)]
    rejected = [each for each in outcomes if isinstance(each, Rejected)]
    assert len(accepted) + len(rejected) == len(outcomes) == 32
    assert {each.kind for each in rejected} <= {RejectionKind.RETRYABLE}
    assert len(accepted) >= 8
    assert sorted(racers.paper().open_orders(), key=by_id) == sorted(accepted, key=by_id)
    assert len({order.venue_id for order in accepted}) == len(accepted)
    assert racers.paper().balances()[USDT].reserved == sum(order.notional_quote for order in accepted)


def by_id(order: Order) -> int:
    return int(order.venue_id)


def test_an_order_is_cancelled_or_filled_by_one_of_many(racers: Racers) -> None:  # R9
    venue = racers.venue()
    outcomes = venue.place([bid(0, number) for number in range(20)], racers.deadline())
    orders = [each.order for each in outcomes if isinstance(each, Accepted)]
    for number in range(10):
        racers.market.trade(Side.SELL, D(1890) - D("0.01") * number, D("3.01"))

    def sweep() -> list[CancelResult]:
        return [each.result for each in racers.venue().cancel(orders, racers.deadline())]

    results = together([sweep] * 4)

    paper = racers.paper()
    assert paper.resting == ()
    filled = {str(trade.order_id): trade.size_base for trade in paper.trades}
    for index, order in enumerate(orders):
        cancels = [each[index] for each in results if each[index] is not CancelResult.FAILED]
        assert cancels.count(CancelResult.CANCELLED) == (0 if filled.get(order.venue_id) == order.size_base else 1)
    assert paper.totals[PAXG] == OPENING[PAXG] + sum(trade.size_base - trade.commission for trade in paper.trades)
    assert len(paper.trades) == len(filled)
