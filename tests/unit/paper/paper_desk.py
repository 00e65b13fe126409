"""A paper venue over fakes, as each function has its own of."""

from dataclasses import dataclass, field
from decimal import Decimal

from marketmaker.adapters.paper_venue import PaperAccount, PaperLogin, PaperVenue
from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import NewOrder, Order, Side
from marketmaker.domain.units import AccountName, ClientOrderId, Symbol
from marketmaker.ports import Accepted, Deadline, PlaceOutcome
from tests.builders import ACCOUNT, PAXG, SLOT_MS, SYMBOL, USDT, fees, instrument
from tests.fakes.clock import ManualClock
from tests.fakes.paper import FakePublicMarket, InMemoryPaperStore
from tests.fakes.sinks import RecordingTelemetry

D = Decimal
OPENING = {PAXG: D(20), USDT: D(65_000)}


@dataclass(slots=True, kw_only=True)
class PaperDesk:
    """The market, the kept account, and venues that share them."""

    clock: ManualClock
    market: FakePublicMarket
    store: InMemoryPaperStore
    telemetry: RecordingTelemetry
    login: PaperLogin
    venue: PaperVenue = field(init=False)
    sent: int = 0

    def __post_init__(self) -> None:
        self.venue = self.another()

    def another(self) -> PaperVenue:
        """Return the venue of another process."""
        return PaperVenue(self.login, public=self.market, store=self.store, clock=self.clock, telemetry=self.telemetry)

    def deadline(self, ms: int = 8_000) -> Deadline:
        """Return a deadline from now."""
        return Deadline(at_ms=self.clock.now_ms() + ms, clock=self.clock)

    def kept(self, account: AccountName = ACCOUNT) -> PaperAccount:
        """Return the account as it is kept."""
        stored = self.store.load(account)
        assert stored is not None
        return stored.account

    def new(
        self,
        side: Side,
        price: str | Decimal,
        size: str | Decimal = "0.1",
        *,
        symbol: Symbol = SYMBOL,
        id: str = "",  # noqa: A002
    ) -> NewOrder:
        """Return an order with a client id of its own."""
        self.sent += 1
        client_id = ClientOrderId(id or f"order{self.sent}")
        return NewOrder(client_id=client_id, symbol=symbol, side=side, price=D(price), size_base=D(size))

    def place(self, *orders: NewOrder) -> list[PlaceOutcome]:
        """Place orders."""
        return list(self.venue.place(orders, self.deadline()))

    def rest(self, side: Side, price: str | Decimal, size: str | Decimal = "0.1", *, symbol: Symbol = SYMBOL) -> Order:
        """Place one order that must rest."""
        (outcome,) = self.place(self.new(side, price, size, symbol=symbol))
        assert isinstance(outcome, Accepted), outcome
        return outcome.order

    def open_orders(self) -> list[Order]:
        """Read the open orders."""
        return list(self.venue.open_orders(self.deadline()))

    def fills(self, from_id: int = 0, symbol: Symbol = SYMBOL) -> list[tuple[Side, Decimal, Decimal]]:
        """Read the trades: side, price and size."""
        listed = self.venue.fills_since(symbol, from_id, self.deadline())
        return [(fill.side, fill.price, fill.size_base) for fill in listed]


def paper_desk(*instruments: Instrument, maker_bps: str = "1") -> PaperDesk:
    """Return a desk at a book of 1899 to 1901."""
    clock = ManualClock(SLOT_MS)
    rules = instruments or (instrument(),)
    opening = OPENING | {each.base: D(20) for each in rules}
    login = PaperLogin(
        account=ACCOUNT,
        opening=opening,
        fees={each.symbol: fees(maker_bps=maker_bps) for each in rules},
    )
    return PaperDesk(
        clock=clock,
        market=FakePublicMarket(clock, rules),
        store=InMemoryPaperStore(),
        telemetry=RecordingTelemetry(),
        login=login,
    )
