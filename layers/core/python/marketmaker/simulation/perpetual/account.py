"""The margin account: collateral, one position, its margins, and which orders they allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.markets import Instrument
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ONE, ZERO
from marketmaker.simulation.account import FeeAsset, FeeRates, Numbering, TradingAccount
from marketmaker.simulation.events import Level, is_better
from marketmaker.simulation.orders import AccountOrder, AccountTrade, OrderRequest, OrderStatus, RejectReason
from marketmaker.simulation.perpetual.collateral import Collateral
from marketmaker.simulation.perpetual.position import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTerms:
    """What the venue asks of every account: rates are fractions of the notional at the mark."""

    max_leverage: Decimal = Decimal(50)
    maintenance_rate: Decimal = Decimal("0.01")
    liquidation_fee_rate: Decimal = Decimal("0.0125")

    def __post_init__(self) -> None:
        if self.max_leverage < ONE:
            raise ValueError(f"max_leverage {self.max_leverage}; allowed: 1 or more")
        if not ZERO < self.maintenance_rate < ONE:
            raise ValueError(f"maintenance_rate {self.maintenance_rate}; allowed: between 0 and 1")
        if not ZERO <= self.liquidation_fee_rate < ONE:
            raise ValueError(f"liquidation_fee_rate {self.liquidation_fee_rate}; allowed: 0 to below 1")


class MarginAccount(TradingAccount):
    """One login on one perpetual, with collateral of its own or what it shares with the login's other perpetuals.

    The balance leaves out what is unrealised: initial + realised - commissions + funding + insured, whatever happens.
    """

    def __init__(
        self,
        *,
        instrument: Instrument,
        fees: FeeRates,
        collateral_quote: Decimal | Collateral,
        terms: MarginTerms,
        leverage: Decimal,
        numbering: Numbering | None = None,
    ) -> None:
        if fees.asset is not FeeAsset.QUOTE:
            raise ValueError(f"fees charged in {fees.asset}; allowed for a perpetual: {FeeAsset.QUOTE}")
        if not ONE <= leverage <= terms.max_leverage:
            raise ValueError(f"leverage {leverage}; allowed: 1 to {terms.max_leverage}")
        super().__init__(instrument=instrument, fees=fees, numbering=numbering)
        self.collateral = Collateral(collateral_quote) if isinstance(collateral_quote, Decimal) else collateral_quote
        self.terms = terms
        self.leverage = leverage
        self.position = Position()
        self.mark: Decimal | None = None
        self.realised_quote = self.commission_quote = self.funding_quote = ZERO
        self.realised_by_trade: dict[int, Decimal] = {}
        self.collateral.back(self)

    @property
    def initial_quote(self) -> Decimal:
        """The collateral at first."""
        return self.collateral.initial_quote

    @property
    def balance_quote(self) -> Decimal:
        """The collateral, what is unrealised left out."""
        return self.collateral.balance_quote

    @property
    def insured_quote(self) -> Decimal:
        """What the insurance fund bore."""
        return self.collateral.insured_quote

    @property
    def is_flat(self) -> bool:
        """Whether there is no position."""
        return not self.position.size_base

    @property
    def unrealised_quote(self) -> Decimal:
        """What closing at the mark would bring."""
        return ZERO if self.mark is None else self.position.unrealised_quote(self.mark)

    @property
    def margin_balance_quote(self) -> Decimal:
        """The collateral with what is unrealised: the login's equity."""
        return self.collateral.margin_balance_quote

    @property
    def position_notional_quote(self) -> Decimal:
        """The position at the mark, signed."""
        return ZERO if self.mark is None else self.position.size_base * self.mark

    @property
    def initial_margin_quote(self) -> Decimal:
        """What position and open orders tie up."""
        return self._initial_margin(self._pending(Side.BUY), self._pending(Side.SELL))

    @property
    def position_margin_quote(self) -> Decimal:
        """What the position alone ties up."""
        return abs(self.position_notional_quote) / self.leverage

    @property
    def available_quote(self) -> Decimal:
        """What new orders may still tie up."""
        return self.collateral.available_quote

    @property
    def maintenance_margin_quote(self) -> Decimal:
        """What the margin balance must not fall below for this position."""
        return self.terms.maintenance_rate * abs(self.position_notional_quote)

    @property
    def must_be_liquidated(self) -> bool:
        """Whether the venue closes the position now."""
        return not self.is_flat and self.margin_balance_quote < self.collateral.maintenance_margin_quote

    @property
    def liquidation_price(self) -> Decimal | None:
        """The mark at which the margin balance meets maintenance, the other marks as they are.

        None when flat, or when no price does.
        """
        size, shared = self.position.size_base, self.collateral
        if not size:
            return None
        spare = shared.margin_balance_quote - self.unrealised_quote
        spare -= shared.maintenance_margin_quote - self.maintenance_margin_quote
        price = (self.position.cost_quote - spare) / (size - self.terms.maintenance_rate * abs(size))
        return price if price > ZERO else None

    def set_leverage(self, leverage: Decimal) -> bool:
        """Change the leverage, unless the margin that is there would not do; tell whether it was changed."""
        if not ONE <= leverage <= self.terms.max_leverage:
            raise ValueError(f"leverage {leverage}; allowed: 1 to {self.terms.max_leverage}")
        before, self.leverage = self.leverage, leverage
        if leverage < before and self.margin_balance_quote < self.collateral.initial_margin_quote:
            self.leverage = before
        return self.leverage == leverage

    def refusal(self, request: OrderRequest, steps: Sequence[Level]) -> RejectReason | None:
        """Refuse a reduce-only order that can reduce nothing, and an order that needs more margin than there is."""
        if request.reduce_only:
            ahead = sum((order.remaining_base for order in self._reducing_before(request)), ZERO)
            reducible = self.position.reducible_base(request.side)
            return RejectReason.REDUCES_NOTHING if reducible <= ahead else None
        wanted = sum((step.price * step.size for step in steps), ZERO)
        pending = {side: self._pending(side) + (wanted if side is request.side else ZERO) for side in Side}
        more = self._initial_margin(pending[Side.BUY], pending[Side.SELL]) - self.initial_margin_quote
        is_beyond = self.margin_balance_quote < self.collateral.initial_margin_quote + more
        return RejectReason.INSUFFICIENT_MARGIN if more > ZERO and is_beyond else None

    def fillable(self, order: AccountOrder) -> Decimal:
        """Return how much of an order may trade: of a reduce-only one no more than there is to reduce."""
        if not order.status.is_open:
            return ZERO
        if not order.request.reduce_only:
            return order.remaining_base
        return min(order.remaining_base, self.position.reducible_base(order.request.side))

    def fill(self, order: AccountOrder, step: Level, *, is_maker: bool, time_us: int) -> None:
        """Execute part of an order; what may only reduce expires where nothing is left to reduce."""
        super().fill(order, step, is_maker=is_maker, time_us=time_us)
        resting = [each for side in Side for each in self.open_orders(side)]
        for each in dict.fromkeys([*resting, order]):
            if each.status.is_open and each.request.reduce_only and not self.fillable(each):
                self.close(each, OrderStatus.EXPIRED, time_us)

    def pay_funding(self, rate: Decimal) -> Decimal:
        """Settle one funding time and return what was received; negative was paid."""
        received = -rate * self.position_notional_quote
        self.funding_quote += received
        self.collateral.balance_quote += received
        return received

    def _initial_margin(self, bids: Decimal, asks: Decimal) -> Decimal:
        held = self.position_notional_quote
        return max(abs(held + bids), abs(held - asks)) / self.leverage

    def _pending(self, side: Side) -> Decimal:
        return sum(
            (order.limit * order.remaining_base for order in self.open_orders(side) if not order.request.reduce_only),
            ZERO,
        )

    def _reducing_before(self, request: OrderRequest) -> list[AccountOrder]:
        """List the reduce-only orders that trade before an arriving one."""
        return [
            order
            for order in self.open_orders(request.side)
            if order.request.reduce_only
            and request.price is not None
            and not is_better(request.side, request.price, order.limit)
        ]

    def _rate(self, order: AccountOrder, *, is_maker: bool) -> Decimal:
        if order.is_liquidation:
            return self.terms.liquidation_fee_rate
        return super()._rate(order, is_maker=is_maker)

    def _settle(self, order: AccountOrder, trade: AccountTrade) -> None:  # noqa: ARG002 - nothing is reserved
        realised = self.position.trade(trade.side, trade.price, trade.size_base)
        self.realised_by_trade[trade.trade_id] = realised
        self.realised_quote += realised
        self.commission_quote += trade.commission
        self.collateral.balance_quote += realised - trade.commission

    def _hold(self, order: AccountOrder) -> None:
        """Reserve nothing: the margin of open orders is counted anew whenever it is asked for."""
