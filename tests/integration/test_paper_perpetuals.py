"""Perpetuals on paper with real tables and the local exchange's public side: every use case with a desk of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.dynamodb import DynamoDbPrices, DynamoDbStore, TableClient
from marketmaker.adapters.dynamodb.paper import DynamoDbPaperStore
from marketmaker.adapters.memory import AtOnce
from marketmaker.adapters.paper_venue import PaperAccount, PaperLogin, PaperVenue
from marketmaker.config import parse_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.inventory import FillRow, FundingRow
from marketmaker.domain.orders import Side
from marketmaker.domain.state import MarketState, Mode
from marketmaker.domain.units import ZERO, AccountName, Asset, Symbol
from marketmaker.ports import Deadline, HaltRequest
from marketmaker.simulation.events import Event
from marketmaker.usecases.check_risk import check_risk
from marketmaker.usecases.close import CloseRequest, close_positions
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.halt import halt
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickOutcome, TickReport
from marketmaker.usecases.risk_report import RiskOutcome
from tests.contract.guide_run import SetClock, exchange_of
from tests.contract.local_venue import trade_at
from tests.contract.perpetual_venue import HOUR_S, book
from tests.fakes.settings import versions_of
from tests.fakes.sinks import RecordingAlerts, RecordingHalts, RecordingTelemetry
from tests.tables import table_settings

pytest_plugins = ["tests.dynamodb_local"]

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
SOL, USDC = Symbol("SOL/USDC:USDC"), Asset("USDC")
OPENING = {USDC: D("1000.37")}
FILE = """
name = "perpetual"
tag = "prp"
stage = "paper"
[accounts.main]
venue = "binanceusdm"
paper = { USDC = 1000.37 }
[[accounts.main.markets]]
symbol = "SOL/USDC:USDC"
number = 1
capital_quote = { share = 1.0 }
fees = { maker_bps = 2, taker_bps = 5 }
half_spread = { bps = 100 }
order_size_base = 2.5
inventory = { policy = "position", max_base = 5 }
stop_loss = { loss_quote = 10 }
price_band = { low = 1, high = 1000 }
max_book_age_s = 3600
"""
HIT_AT_99 = trade_at(12, SELL, "98.9", "2.5")
FALLEN = book(13, bids="94x1 93.5x50", asks="94.2x100")


class Died(BaseException):
    """A process that ends: nothing of it goes on."""


@dataclass(slots=True, kw_only=True)
class PaperRun:
    """An account on the exchange's market; every use case gets a desk of its own, as a cold start does."""

    address: str
    clock: SetClock
    settings: AccountSettings
    endpoint: str
    opened: list[CcxtVenue]

    def desk(self) -> Desk:
        """Build everything anew: clients, connections, venue."""
        tables = TableClient(table_settings(self.endpoint))
        fees = {market.symbol: market.fees for market in self.settings.markets}
        login = VenueLogin(
            read_key=None,
            request_timeout_ms=2000,
            request_ttl_ms=2000,
            endpoint=self.address,
            venue=self.settings.venue,
        )
        self.opened.append(CcxtVenue(login, self.clock))
        telemetry = RecordingTelemetry()
        venue = PaperVenue(
            PaperLogin(account=self.settings.name, opening=OPENING, fees=fees),
            public=self.opened[-1],
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

    def tick(self, desk: Desk | None = None) -> TickReport:
        """Work the next slot, 5 s after the last."""
        self.clock.sleep(5)
        tick = Tick(account=self.settings.name, slot_ms=self.clock.now_ms())
        return replace_quotes(tick, desk or self.desk(), owner=f"invocation {tick.slot_ms}")

    def ticks(self, count: int) -> None:
        """Work slots that must all be done."""
        for _ in range(count):
            report = self.tick()
            assert report.outcome is TickOutcome.DONE, report.detail

    def deadline(self, ms: int = 60_000) -> Deadline:
        return Deadline(at_ms=self.clock.now_ms() + ms, clock=self.clock)

    @property
    def store(self) -> DynamoDbStore:
        return DynamoDbStore(TableClient(table_settings(self.endpoint)))

    @property
    def market(self) -> MarketState:
        return self.store.read_account(self.settings.name).markets[SOL]

    @property
    def paper(self) -> PaperAccount:
        stored = DynamoDbPaperStore(client=TableClient(table_settings(self.endpoint))).load(self.settings.name)
        assert stored is not None
        return stored.account

    def assert_agrees(self) -> None:
        """Ledger and paper account hold the same position and collateral, to the last digit."""
        inventory, paper = self.market.inventory, self.paper
        assert inventory.base == paper.positions[SOL].size_base
        assert inventory.collateral_quote == paper.totals[USDC]
        rows = [row for row in self.store.ledger(self.settings.name, SOL) if isinstance(row, FillRow)]
        assert [row.fill for row in rows] == [trade.fill() for trade in paper.trades]


@pytest.fixture
def play(dynamodb_local: str, account: AccountName) -> Callable[..., Any]:
    """Return a function that opens an account on a market of these events."""
    (settings,) = parse_deployment(FILE, file="perpetual.toml").accounts.values()

    @contextmanager
    def opened(*events: Event) -> Iterator[PaperRun]:
        with exchange_of(events) as (address, clock):
            run = PaperRun(
                address=address,
                clock=clock,
                settings=replace(settings, name=account),
                endpoint=dynamodb_local,
                opened=[],
            )
            try:
                yield run
            finally:
                for each in run.opened:
                    each.close()

    return opened


def test_a_position_its_funding_and_its_quotes_outlive_their_processes(play: Callable[..., Any]) -> None:  # R31, R22
    with play(HIT_AT_99, book(13), book(9_000)) as run:
        run.ticks(2)
        assert len(run.paper.resting) == 2
        run.ticks(2)
        assert run.market.inventory.base == D("2.5")
        run.assert_agrees()
        assert check_risk(run.desk(), RecordingHalts(), run.deadline(), owner="check").outcome is RiskOutcome.DONE
        run.clock.sleep(HOUR_S)
        run.ticks(3)
        (paid,) = [row for row in run.store.ledger(run.settings.name, SOL) if isinstance(row, FundingRow)]
        assert paid.payment.amount_quote == D("-0.025"), "0.0001 of 2.5 at 100"
        run.assert_agrees()


def test_a_halt_leaves_the_position_and_no_order(play: Callable[..., Any]) -> None:  # R5, R34
    with play(HIT_AT_99, book(13), book(9_000)) as run:
        run.ticks(4)
        request = HaltRequest(account=run.settings.name, reason="enough", requested_by="test")
        report = halt(request, run.desk(), run.deadline())
        assert report.verified_s is not None
        assert (report.orders_left, report.ledger_settled, run.paper.resting) == (0, True, ())
        assert run.paper.positions[SOL].size_base == D("2.5")
        assert run.tick().outcome is TickOutcome.HALTED
        run.assert_agrees()


def test_an_operators_close_ends_flat_without_orders_and_once(play: Callable[..., Any]) -> None:  # P10
    with play(HIT_AT_99, book(13), book(9_000)) as run:
        run.ticks(4)
        assert run.paper.resting
        request = CloseRequest(account=run.settings.name, reason="too long", requested_by="test")
        close_positions(request, run.desk(), run.deadline(0))
        run.ticks(4)
        report = close_positions(request, run.desk(), run.deadline(0))
        assert (report.is_flat, report.positions) == (True, {SOL: ZERO})
        assert (run.paper.resting, run.paper.held) == ((), frozenset())
        assert run.store.read_control(run.settings.name).mode is Mode.REDUCE_ONLY
        sold = [trade for trade in run.paper.trades if trade.side is SELL]
        assert sum(trade.size_base for trade in sold) == D("2.5")
        run.assert_agrees()


@pytest.mark.parametrize("is_written", [True, False], ids=["after its write", "before its write"])
@pytest.mark.parametrize("call", ["place", "cancel"])
@pytest.mark.parametrize("death", [2, 3])
def test_a_process_that_ends_anywhere_in_a_stop_loss_is_finished_by_the_next(
    play: Callable[..., Any], call: str, death: int, is_written: bool
) -> None:  # P5, R22, R23, R3
    with play(HIT_AT_99, FALLEN, book(9_000)) as run:
        died: list[int] = []
        for number in range(9):
            desk = run.desk()
            if number == death:
                with pytest.MonkeyPatch.context() as patch:
                    die_in(patch, desk, call, is_written=is_written)
                    try:
                        run.tick(desk)
                    except Died:
                        died.append(number)
                        run.clock.sleep(run.settings.clocks.lease_ms / 1000)
            else:
                run.tick(desk)
        assert died == [death]
        assert run.market.inventory.base == ZERO
        assert (run.paper.held, run.paper.resting) == (frozenset(), ())
        bought = sum(trade.size_base for trade in run.paper.trades if trade.side is BUY)
        sold = sum(trade.size_base for trade in run.paper.trades if trade.side is SELL)
        assert bought == sold == D("2.5"), "neither flipped nor closed twice"
        run.assert_agrees()


def die_in(patch: pytest.MonkeyPatch, desk: Desk, call: str, *, is_written: bool) -> None:
    """Let the process end in its next call of the venue, before or after that is written."""
    wanted = getattr(desk.venue, call)

    def die(*arguments: Any) -> Any:
        if is_written:
            wanted(*arguments)
        raise Died

    patch.setattr(desk.venue, call, die)
