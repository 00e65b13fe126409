"""A desk of fakes that can be worked tick by tick."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from marketmaker.adapters.memory import AtOnce, InMemoryStore
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.drawdown import Equity
from marketmaker.domain.exposure import Exposure
from marketmaker.domain.inventory import FillRow, LedgerRow
from marketmaker.domain.markets import Instrument
from marketmaker.domain.metering import Hour
from marketmaker.domain.state import (
    AccountState,
    ActiveSettings,
    Control,
    Episode,
    MarketState,
    Mode,
    Refreshed,
    Restriction,
)
from marketmaker.domain.units import AccountName, Asset, Symbol, TradeId
from marketmaker.ports import ClaimRefusal, Deadline
from marketmaker.usecases.check_risk import check_risk
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import MarketReport, TickReport
from marketmaker.usecases.risk_report import RiskReport
from tests.builders import PAXG, SLOT_MS, SYMBOL, USDT, account_settings, instrument
from tests.fakes.clock import ManualClock
from tests.fakes.prices import FaultyPrices
from tests.fakes.settings import versions_of
from tests.fakes.sinks import RecordingAlerts, RecordingHalts, RecordingTelemetry
from tests.fakes.venue import FakeVenue, Faults


class FaultyStore(InMemoryStore):
    """The store in memory, with faults before the calls that a tick or a halt depends on."""

    def __init__(self, *, fills_kept: int | None = None) -> None:
        super().__init__(fills_kept=fills_kept)
        self.faults = Faults()

    def claim(
        self, account: AccountName, *, slot_ms: int, owner: str, now_ms: int, lease_ms: int
    ) -> Control | ClaimRefusal:
        """Claim, or fail."""
        self.faults.meet("claim")
        return super().claim(account, slot_ms=slot_ms, owner=owner, now_ms=now_ms, lease_ms=lease_ms)

    def release(self, account: AccountName, *, owner: str, refreshed: Refreshed) -> None:
        """Release, or fail."""
        self.faults.meet("release")
        super().release(account, owner=owner, refreshed=refreshed)

    def note_block(self, account: AccountName, *, until_ms: int, is_ban: bool) -> None:
        """Note, or fail."""
        self.faults.meet("note_block")
        super().note_block(account, until_ms=until_ms, is_ban=is_ban)

    def read_control(self, account: AccountName) -> Control:
        """Read, or fail."""
        self.faults.meet("read_control")
        return super().read_control(account)

    def read_account(self, account: AccountName) -> AccountState:
        """Read, or fail."""
        self.faults.meet("read_account")
        return super().read_account(account)

    def open_market(
        self, account: AccountName, opened: MarketState, row: LedgerRow, foreign: Mapping[Asset, Decimal]
    ) -> MarketState:
        """Open, or fail."""
        self.faults.meet("open_market")
        return super().open_market(account, opened, row, foreign)

    def save_market(self, account: AccountName, market: MarketState) -> MarketState:
        """Save, or fail."""
        self.faults.meet("save_market")
        return super().save_market(account, market)

    def book(self, account: AccountName, market: MarketState, rows: Sequence[LedgerRow]) -> MarketState:
        """Book, or fail; `save_market` writes through here too."""
        if rows:
            self.faults.meet("book")
        return super().book(account, market, rows)

    def known_fills(self, account: AccountName, symbol: Symbol, from_id: int) -> frozenset[TradeId]:
        """Read, or fail."""
        self.faults.meet("known_fills")
        return super().known_fills(account, symbol, from_id)

    def recent_fills(
        self, account: AccountName, symbol: Symbol, *, since_ms: int | None, limit: int
    ) -> Sequence[FillRow]:
        """Read, or fail."""
        self.faults.meet("recent_fills")
        return super().recent_fills(account, symbol, since_ms=since_ms, limit=limit)

    def strengthen(self, account: AccountName, mode: Mode, *, reason: str, now_ms: int) -> Control:
        """Strengthen, or fail."""
        self.faults.meet("strengthen")
        return super().strengthen(account, mode, reason=reason, now_ms=now_ms)

    def restrict(self, account: AccountName, symbol: Symbol, restriction: Restriction) -> Control:
        """Restrict, or fail."""
        self.faults.meet("restrict")
        return super().restrict(account, symbol, restriction)

    def lift(self, account: AccountName, symbol: Symbol, *, epoch: int) -> Control:
        """Lift, or fail."""
        self.faults.meet("lift")
        return super().lift(account, symbol, epoch=epoch)

    def save_settings(self, account: AccountName, version: str, text: str) -> None:
        """Keep, or fail."""
        self.faults.meet("save_settings")
        super().save_settings(account, version, text)

    def note_deployed(self, account: AccountName, version: str) -> None:
        """Note, or fail."""
        self.faults.meet("note_deployed")
        super().note_deployed(account, version)

    def activate_settings(self, account: AccountName, active: ActiveSettings, *, epoch: int) -> Control:
        """Activate, or fail."""
        self.faults.meet("activate_settings")
        return super().activate_settings(account, active, epoch=epoch)

    def keep_hour(self, account: AccountName, symbol: Symbol, hour: Hour) -> None:
        """Keep, or fail."""
        self.faults.meet("keep_hour")
        super().keep_hour(account, symbol, hour)

    def hours(self, account: AccountName, symbol: Symbol, *, from_ms: int, to_ms: int) -> Sequence[Hour]:
        """Read, or fail."""
        self.faults.meet("hours")
        return super().hours(account, symbol, from_ms=from_ms, to_ms=to_ms)

    def exposures(self) -> Mapping[AccountName, Exposure]:
        """Read, or fail."""
        self.faults.meet("exposures")
        return super().exposures()

    def raise_peaks(self, account: AccountName, peaks: Mapping[Asset, Equity]) -> None:
        """Raise, or fail."""
        self.faults.meet("raise_peaks")
        super().raise_peaks(account, peaks)

    def open_episode(self, account: AccountName, key: str, *, text: str, now_ms: int, is_critical: bool = True) -> bool:
        """Open, or fail."""
        self.faults.meet("open_episode")
        return super().open_episode(account, key, text=text, now_ms=now_ms, is_critical=is_critical)

    def change_episode(self, account: AccountName, key: str, episode: Episode) -> bool:
        """Change, or fail."""
        self.faults.meet("change_episode")
        return super().change_episode(account, key, episode)


@dataclass(slots=True, kw_only=True)
class Bench:
    """Everything round one desk; `tick` works the next slot."""

    desk: Desk
    venue: FakeVenue
    store: FaultyStore
    prices: FaultyPrices
    alerts: RecordingAlerts
    telemetry: RecordingTelemetry
    clock: ManualClock
    halts: RecordingHalts = field(default_factory=RecordingHalts)
    slot_ms: int = field(default=SLOT_MS)

    @property
    def account(self) -> AccountName:
        """The account's name."""
        return self.desk.settings.name

    @property
    def control(self) -> Control:
        """The account's control item, read past every fault."""
        return InMemoryStore.read_control(self.store, self.account)

    def deadline(self, in_ms: int = 60_000) -> Deadline:
        """Return a deadline from now."""
        return Deadline(at_ms=self.clock.now_ms() + in_ms, clock=self.clock)

    def check(self) -> RiskReport:
        """Take the second look, now."""
        return check_risk(self.desk, self.halts, self.deadline(), owner=f"check {self.clock.now_ms()}")

    def tick(self, count: int = 1) -> TickReport:
        """Work the next slots, one interval after another; returns the last one's report."""
        return [self._next() for _ in range(count)][-1]

    def _next(self) -> TickReport:
        self.slot_ms += self.desk.settings.clocks.interval_ms
        self.clock.set(max(self.slot_ms, self.clock.now_ms()))
        return self.work(self.slot_ms)

    def work(self, slot_ms: int, owner: str | None = None) -> TickReport:
        """Work one slot, as the invocation named."""
        tick = Tick(account=self.account, slot_ms=slot_ms)
        return replace_quotes(tick, self.desk, owner=owner or f"invocation {slot_ms}")

    def state(self, symbol: Symbol = SYMBOL) -> MarketState:
        """Return a market's stored item."""
        return InMemoryStore.read_account(self.store, self.account).markets[symbol]

    def fills(self, symbol: Symbol = SYMBOL) -> list[FillRow]:
        """Return a market's booked fills."""
        return [row for row in self.store.ledger(self.account, symbol) if isinstance(row, FillRow)]


def only_market(report: TickReport) -> MarketReport:
    """Return the report of an account's only market."""
    (market,) = report.markets
    return market


def bench(
    settings: AccountSettings | None = None,
    *,
    instruments: Iterable[Instrument] | None = None,
    totals: Mapping[Any, Decimal | str] | None = None,
    alongside: Executor | None = None,
) -> Bench:
    """Return a desk at S1's worked example: PAXG/USDT at 1900, 5 PAXG and 19,000 USDT in the account."""
    clock = ManualClock(SLOT_MS)
    rules = tuple(instruments or (instrument(),))
    held = totals or {PAXG: "5", USDT: "19000"}
    venue = FakeVenue(clock, rules, {Asset(asset): Decimal(amount) for asset, amount in held.items()})
    for each in rules:
        venue.quote(each.symbol, "1899.9", "1900.1")
    works = settings or account_settings()
    store, prices, alerts, telemetry = FaultyStore(), FaultyPrices(), RecordingAlerts(), RecordingTelemetry()
    desk = Desk(
        settings=works,
        venue=venue,
        store=store,
        prices=prices,
        versions=versions_of(works),
        alerts=alerts,
        telemetry=telemetry,
        clock=clock,
        alongside=alongside or AtOnce(),
    )
    return Bench(desk=desk, venue=venue, store=store, prices=prices, alerts=alerts, telemetry=telemetry, clock=clock)
