"""A listed perpetual, whatever the dialect: its margin account as it is shown, its modes and its dead-man switch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from infra.local.exchange.clock import MarketClock
from infra.local.exchange.market import Json, Market
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO, plain
from marketmaker.simulation.orders import AccountOrder
from marketmaker.simulation.perpetual import MarginAccount, PerpetualEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginView:
    """The margin account at one moment; a flat one has no entry and no liquidation price."""

    balance: Decimal
    unrealised: Decimal
    margin_balance: Decimal
    initial_margin: Decimal
    position_margin: Decimal
    maintenance_margin: Decimal
    available: Decimal
    leverage: Decimal
    size: Decimal
    notional: Decimal
    cost: Decimal
    mark: Decimal
    entry: Decimal | None
    liquidation: Decimal | None
    realised: Decimal
    funding: Decimal
    commission: Decimal
    insured: Decimal

    @property
    def order_margin(self) -> Decimal:
        """What open orders tie up beyond the position."""
        return self.initial_margin - self.position_margin

    def describe(self) -> Json:
        """Write it down, money as plain strings."""
        names = self.__slots__
        values = {name: getattr(self, name) for name in names}
        return {name: None if value is None else plain(value) for name, value in values.items()}


def view_of(account: MarginAccount) -> MarginView:
    """Look at an account now."""
    position = account.position
    return MarginView(
        balance=account.balance_quote,
        unrealised=account.unrealised_quote,
        margin_balance=account.margin_balance_quote,
        initial_margin=account.initial_margin_quote,
        position_margin=account.position_margin_quote,
        maintenance_margin=account.maintenance_margin_quote,
        available=account.available_quote,
        leverage=account.leverage,
        size=position.size_base,
        notional=account.position_notional_quote,
        cost=position.cost_quote,
        mark=account.mark or ZERO,
        entry=position.entry_price,
        liquidation=account.liquidation_price,
        realised=account.realised_quote,
        funding=account.funding_quote,
        commission=account.commission_quote,
        insured=account.insured_quote,
    )


@dataclass(slots=True, kw_only=True)
class CancelSwitch:
    """A dead-man switch: when it runs out, in market time, every open order is cancelled; None while it is off."""

    due_us: int | None = None


@dataclass(slots=True, kw_only=True)
class Modes:
    """What the account is set to; it is told and checked, but the margin is cross and the position one all the same."""

    is_hedge: bool = False
    is_isolated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualListing(Market[PerpetualEngine]):
    """One perpetual of the exchange."""

    modes: Modes = field(default_factory=Modes)
    switch: CancelSwitch = field(default_factory=CancelSwitch)

    def holdings(self) -> MarginView:
        """Return what the account holds now."""
        return view_of(self.engine.account)

    @property
    def shown_margin(self) -> MarginView:
        """The margin account as the venue shows it."""
        return self.held if isinstance(self.held, MarginView) else self.holdings()

    @property
    def funding_interval_ms(self) -> int:
        """The wall clock's time from one funding to the next."""
        return int(self.engine.funding.interval_us / self.clock.speed) // 1000

    @property
    def next_funding_ms(self) -> int:
        """The wall clock at the next funding."""
        return self.clock.wall_ms(self.engine.funding.next_us)

    def open_orders(self) -> list[AccountOrder]:
        """List the resting orders as they arrived."""
        resting = (order for side in Side for order in self.engine.account.open_orders(side))
        return sorted(resting, key=lambda order: order.order_id)

    def cancel_all(self) -> list[AccountOrder]:
        """Cancel every open order."""
        now_us = self.engine.now_us
        return [each for each in self.open_orders() if self.engine.cancel(each.order_id, now_us) is not None]

    def due(self) -> tuple[int, Callable[[], None]] | None:
        """Return when the dead-man switch runs out, and what it does."""
        due_us = self.switch.due_us
        return None if due_us is None else (_reached(self.clock, due_us), self._run_out)

    def _run_out(self) -> None:
        self.switch.due_us = None
        self.cancel_all()


def describe_margin(listing: PerpetualListing) -> Json:
    """Write down collateral, position and funding as the exchange's own books have them."""
    account = listing.engine.account
    view, asset = view_of(account), listing.instrument.quote
    return {
        "balances": {
            asset: {
                "free": plain(view.available),
                "locked": plain(view.initial_margin),
                "total": plain(view.balance),
            }
        },
        "initial_balances": {asset: plain(account.initial_quote)},
        "margin": view.describe(),
        "funding_payments": [
            {
                "id": payment.payment_id,
                "time_ms": listing.clock.wall_ms(payment.time_us),
                "rate": plain(payment.rate),
                "mark": plain(payment.mark),
                "position": plain(payment.position_base),
                "received": plain(payment.received_quote),
            }
            for payment in listing.engine.payments
        ],
        "liquidations": sum(trade.is_liquidation for trade in account.trades),
    }


def describe_trades(listing: PerpetualListing) -> list[Json]:
    """Write down the account's trades alike in every dialect, money as plain strings."""
    return [
        {
            "id": trade.trade_id,
            "orderId": trade.order_id,
            "clientOrderId": trade.client_id,
            "isBuyer": trade.side is Side.BUY,
            "isMaker": trade.is_maker,
            "isLiquidation": trade.is_liquidation,
            "price": plain(trade.price),
            "qty": plain(trade.size_base),
            "quoteQty": plain(trade.notional_quote),
            "commission": plain(trade.commission),
            "commissionAsset": trade.commission_asset,
            "realisedPnl": plain(listing.engine.account.realised_by_trade[trade.trade_id]),
            "time": listing.clock.wall_ms(trade.time_us),
        }
        for trade in listing.engine.account.trades
    ]


def _reached(clock: MarketClock, due_us: int) -> int:
    """Return the first wall clock at which the market has reached a moment."""
    wall_us = clock.wall_us(due_us)
    return wall_us if clock.market_us(wall_us) >= due_us else wall_us + 1
