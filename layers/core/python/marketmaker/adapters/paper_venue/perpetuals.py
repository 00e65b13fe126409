"""A perpetual of a paper account on a margin engine: told marks and funding, and stored again."""

from dataclasses import replace

from marketmaker.adapters.ccxt_venue import Premium
from marketmaker.adapters.paper_venue.account import PaperMarket
from marketmaker.adapters.paper_venue.holdings import TERMS, PaperFunding, PaperPayment, PaperPosition
from marketmaker.domain.models import Perpetual
from marketmaker.domain.positions import MarginMode, Position
from marketmaker.domain.units import ZERO, Symbol, plain
from marketmaker.errors import Refused
from marketmaker.ports import Unknown
from marketmaker.simulation.account import Numbering
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.perpetual import Collateral, FundingSchedule, MarginAccount, PerpetualEngine
from marketmaker.simulation.perpetual import Position as HeldPosition

_NEVER_US = 2**62


class PaperPerpetual:
    """One perpetual brought to life; `held` is how it was stored, `payments_left` how many may be made in this life."""

    def __init__(
        self,
        market: PaperMarket,
        held: PaperPosition,
        collateral: Collateral,
        *,
        numbering: Numbering,
        payments_left: int,
    ) -> None:
        self._before = held
        self._told = held.funding
        account = MarginAccount(
            instrument=market.instrument,
            fees=market.fees,
            collateral_quote=collateral,
            terms=TERMS,
            leverage=held.leverage,
            numbering=numbering,
        )
        account.position = HeldPosition(size_base=held.size_base, cost_quote=held.cost_quote)
        account.mark = held.mark
        feed = MarketFeed((), tick_size=market.instrument.tick_size)
        self.engine = PerpetualEngine(account=account, feed=feed, funding=_schedule(held.funding, payments_left))

    def advance(self, now_us: int) -> None:
        """Let the funding times up to a moment pass."""
        self.engine.advance(now_us)

    def tell(self, premium: Premium) -> None:
        """Take in what the venue publishes: what is paid next, and the mark, by which a position may be closed."""
        rate, told = premium.rate, self._funding()
        if told is not None and told.is_over_by(rate):
            self.engine.advance(told.next_us)
            told = self._funding()
        told = PaperFunding.first(rate) if told is None else told.told(rate)
        schedule, self._told = self.engine.funding, told
        schedule.rate, schedule.interval_us, schedule.next_us = told.rate, told.interval_us, told.due_us
        self.engine.feed_mark(premium.mark_price)

    def hold(self, wanted: Perpetual) -> None:
        """Set the leverage.

        Raises:
            Refused: the margin would not do, or it is not cross margin.
        """
        if wanted.margin_mode is not MarginMode.CROSS:
            raise Refused(f"margin mode {wanted.margin_mode}: allowed on paper is {MarginMode.CROSS}")
        try:
            is_set = self.engine.account.set_leverage(wanted.leverage)
        except ValueError as error:
            raise Refused(f"on paper {error}") from error
        if not is_set:
            raise Refused(f"leverage {plain(wanted.leverage)}: the margin that is there would not do")

    def acknowledge(self, since_us: int) -> None:
        """Note that a reader has every payment before a moment."""
        self._before = replace(self._before, payments_read_us=since_us)

    def position(self, symbol: Symbol) -> Position | Unknown:
        """Return the position as a venue reports it; without a mark nobody can value it."""
        account = self.engine.account
        if account.mark is None:
            return Unknown(reason=f"no mark price of {symbol} is known yet")
        return Position(
            symbol=symbol,
            size_base=account.position.size_base,
            entry_price=account.position.entry_price,
            mark_price=account.mark,
            unrealised_quote=account.unrealised_quote,
            liquidation_price=account.liquidation_price,
            leverage=account.leverage,
            margin_mode=MarginMode.CROSS,
        )

    def stored(self) -> PaperPosition:
        """Return how it is held now."""
        account = self.engine.account
        return replace(
            self._before,
            size_base=account.position.size_base,
            cost_quote=account.position.cost_quote,
            leverage=account.leverage,
            mark=account.mark,
            funding=self._funding(),
        )

    def payments(self, symbol: Symbol) -> list[PaperPayment]:
        """List what was paid in this life of the account."""
        return [
            PaperPayment(symbol=symbol, time_us=each.time_us, amount_quote=each.received_quote)
            for each in self.engine.payments
        ]

    def _funding(self) -> PaperFunding | None:
        """Return what was told, with the last funding time that has passed."""
        told, passed = self._told, self.engine.funding.past
        if told is None or not passed:
            return told
        return replace(told, paid_us=max(told.paid_us, passed[-1].time_us))


def _schedule(told: PaperFunding | None, left: int) -> FundingSchedule:
    """Make the funding times from what was told; none until something is."""
    schedule = FundingSchedule(rate=ZERO if told is None else told.rate, left=left)
    schedule.next_us = _NEVER_US if told is None else told.due_us
    if told is not None:
        schedule.interval_us = told.interval_us
    return schedule
