"""The matching engine of a perpetual: marks, funding and liquidation between the market's events."""

from collections.abc import Callable
from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, ClientOrderId
from marketmaker.simulation.events import Event, Quote, Trade
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.orders import AccountOrder, OrderRequest, OrderStatus, OrderType, Rejection
from marketmaker.simulation.perpetual.account import MarginAccount
from marketmaker.simulation.perpetual.funding import FundingPayment, FundingRate, FundingSchedule
from marketmaker.simulation.queues import USUAL_RULES, MatchingRules


class PerpetualEngine(Engine[MarginAccount]):
    """One perpetual and one margin account on it; each event first meets the funding times before it."""

    def __init__(
        self,
        *,
        account: MarginAccount,
        feed: MarketFeed,
        funding: FundingSchedule,
        watch: Callable[[Trade], None] | None = None,
        rules: MatchingRules = USUAL_RULES,
    ) -> None:
        """Go on from where the account stands: its mark, if it has one already, was fed."""
        super().__init__(account=account, feed=feed, watch=watch, rules=rules)
        self.funding = funding
        self.payments: list[FundingPayment] = []
        self._fed_mark = account.mark

    def advance(self, now_us: int) -> None:
        """Let everything happen up to a moment, its funding included."""
        super().advance(now_us)
        self._fund(self.now_us)
        self._liquidate()

    def play(self, event: Event) -> None:
        """Let the funding times before an event happen, then the event, then what the margin makes of it."""
        self._fund(event.time_us - 1)
        super().play(event)
        if isinstance(event, Quote) and self._fed_mark is None and event.mid is not None:
            self.account.mark = event.mid
        self._liquidate()

    def submit(self, request: OrderRequest, now_us: int) -> AccountOrder | Rejection:
        """Accept an order that arrives now, or say why not; its fills may cost the account its position."""
        outcome = super().submit(request, now_us)
        self._liquidate()
        return outcome

    def feed_mark(self, price: Decimal) -> None:
        """Set the mark price, in place of the middle of the book from now on."""
        if price <= ZERO:
            raise ValueError(f"a mark price of {price}; allowed: above 0")
        self._fed_mark = self.account.mark = price
        self._liquidate()

    def _fund(self, until_us: int) -> None:
        for time_us in self.funding.due(until_us):
            self.now_us = max(self.now_us, time_us)
            mark = self.account.mark
            if mark is None:
                continue
            rate, position = self.funding.rate, self.account.position.size_base
            self.funding.past.append(FundingRate(time_us=time_us, rate=rate, mark=mark))
            if not position:
                continue
            received = self.account.pay_funding(rate)
            self.payments.append(
                FundingPayment(
                    payment_id=len(self.payments) + 1,
                    time_us=time_us,
                    rate=rate,
                    mark=mark,
                    position_base=position,
                    received_quote=received,
                )
            )
            self._liquidate()

    def _liquidate(self) -> None:
        """Close a position whose margin balance is below maintenance, as far as the book reaches."""
        account = self.account
        account.collateral.insure()
        if not account.must_be_liquidated:
            return
        side = Side.SELL if account.position.size_base > ZERO else Side.BUY
        for order in [each for own in Side for each in account.open_orders(own)]:
            account.close(order, OrderStatus.CANCELED, self.now_us)
        if not self.book.levels(side.opposite):
            return
        request = OrderRequest(
            client_id=ClientOrderId(f"autoclose-{account.counts.accepted + 1}"),
            side=side,
            type=OrderType.MARKET,
            size_base=abs(account.position.size_base),
            price=None,
            reduce_only=True,
        )
        order = account.accept(request, self.now_us)
        order.is_liquidation = True
        self._take(order)
        if order.status.is_open:
            self._rest_or_expire(order)
        account.collateral.insure()
