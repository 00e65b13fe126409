"""The perpetual side of the fake venue: positions, how they are held, and their funding."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from marketmaker.domain.models import Perpetual
from marketmaker.domain.orders import Fill
from marketmaker.domain.positions import FundingPayment, FundingRate, MarginMode, Position
from marketmaker.domain.units import TWO, ZERO, Symbol
from marketmaker.simulation.perpetual import Position as HeldPosition

HOUR_MS = 3_600_000


@dataclass(slots=True, kw_only=True)
class FakePerpetual:
    """One perpetual of the login, valued at the price that a test names."""

    symbol: Symbol
    leverage: Decimal = TWO
    margin_mode: MarginMode = MarginMode.CROSS
    is_hedged: bool = False
    takes_leverage: bool = True
    liquidation_price: Decimal | None = None
    rate: Decimal = ZERO
    tells_rate: bool = True
    next_funding_ms: int = 0
    held: HeldPosition = field(default_factory=HeldPosition)
    payments: list[FundingPayment] = field(default_factory=list)

    def trade(self, fill: Fill) -> Decimal:
        """Take a fill in; returns what it realised."""
        return self.held.trade(fill.side, fill.price, fill.size_base)

    def pay(self, time_ms: int, amount: Decimal | str) -> Decimal:
        """List a funding payment, above zero received; returns its amount."""
        payment = FundingPayment(symbol=self.symbol, time_ms=time_ms, amount_quote=Decimal(amount))
        self.payments.append(payment)
        return payment.amount_quote

    def hold(self, wanted: Perpetual) -> None:
        """Hold it as wanted from now on."""
        if self.takes_leverage:
            self.leverage, self.margin_mode = wanted.leverage, wanted.margin_mode

    def position(self, mark: Decimal) -> Position:
        """Describe it as a venue does."""
        return Position(
            symbol=self.symbol,
            size_base=self.held.size_base,
            entry_price=self.held.entry_price,
            mark_price=mark,
            unrealised_quote=self.held.unrealised_quote(mark),
            liquidation_price=self.liquidation_price,
            leverage=self.leverage,
            margin_mode=self.margin_mode,
            is_hedged=self.is_hedged,
        )

    def funding_rate(self, now_ms: int) -> FundingRate:
        """Tell the rate of the next payment."""
        next_ms = self.next_funding_ms or (now_ms // HOUR_MS + 1) * HOUR_MS
        return FundingRate(symbol=self.symbol, rate=self.rate, next_ms=next_ms)

    def since(self, since_ms: int) -> list[FundingPayment]:
        """List payments from a moment on, oldest first."""
        return [replace(each) for each in self.payments if each.time_ms >= since_ms]
