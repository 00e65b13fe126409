"""Run the live use case over a recorded market, tick by tick on a virtual clock, and add up what came of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from marketmaker.domain.backtests import MARKOUTS_S, BacktestFill, BacktestResult, BacktestSample, SampleTally
from marketmaker.domain.inventory import Inventory, book_fill, book_funding, open_inventory
from marketmaker.domain.metering import cancel_ratio, order_success_ratio
from marketmaker.domain.orders import Fill
from marketmaker.domain.positions import FundingPayment
from marketmaker.domain.quoting import NoQuotes
from marketmaker.domain.units import ZERO, Symbol
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.replace_quotes import Tick, replace_quotes
from marketmaker.usecases.reports import TickOutcome, TickReport

TOLD_EVERY = 100
"""After so many slots, and after the last, somebody is told how far a run is."""


class RecordedMarket(Protocol):
    """The simulated venue's own truth about the run, beside what it answers to the use case."""

    def go_to(self, now_ms: int) -> None:
        """Move time on; everything happens that the market did until then."""
        ...

    def sample(self) -> BacktestSample:
        """Describe the run at this moment."""
        ...

    def trades(self) -> Iterable[Fill]:
        """List every trade of ours, as the venue tells it."""
        ...

    def funding(self) -> Sequence[FundingPayment]:
        """List every funding payment of ours; none on spot."""
        ...

    def judged_fills(self) -> tuple[BacktestFill, ...]:
        """List every trade of ours with its edge and its markouts."""
        ...

    def two_sided_uptime(self) -> Decimal | None:
        """Return the share of time with a bid and an ask since the first order; None without any."""
        ...

    def events(self) -> int:
        """Count what the market did."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The moments of a run, in [from_ms, to_ms); its slots are the multiples of the interval in it."""

    from_ms: int
    to_ms: int


def run_backtest(
    desk: Desk, market: RecordedMarket, span: Span, tell: Callable[[int, int], None] = lambda _done, _slots: None
) -> BacktestResult:
    """Work every slot of a span; `tell` is told every so often how many slots are done, and of how many.

    Raises:
        ValueError: a tick did not end as one on a sound venue does; nothing that the run shows could be trusted.
    """
    account, interval_ms = desk.settings.name, desk.settings.clocks.interval_ms
    slots = range(-(-span.from_ms // interval_ms) * interval_ms, span.to_ms, interval_ms)
    counts: Counter[str] = Counter()
    no_quotes: Counter[str] = Counter()
    samples = SampleTally()
    for done, slot_ms in enumerate(slots, 1):
        market.go_to(slot_ms)
        report = replace_quotes(Tick(account=account, slot_ms=slot_ms), desk, owner=str(slot_ms))
        if report.outcome is not TickOutcome.DONE:
            raise ValueError(f"the tick of {slot_ms} ended as {report.outcome}: {report.detail}")
        _count(report, counts, no_quotes)
        samples.add(market.sample())
        if done % TOLD_EVERY == 0 or done == len(slots):
            tell(done, len(slots))
    market.go_to(span.to_ms)
    samples.add(market.sample())
    return _result(desk, market, span, _Tally(ticks=len(slots), counts=counts, no_quotes=no_quotes, samples=samples))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    ticks: int
    counts: Counter[str]
    no_quotes: Counter[str]
    samples: SampleTally


def _count(report: TickReport, counts: Counter[str], no_quotes: Counter[str]) -> None:
    for market in report.markets:
        for name, count in market.counts().items():
            counts[name] += count
        if isinstance(market.desired, NoQuotes):
            no_quotes[market.desired.reason] += 1


def _result(desk: Desk, market: RecordedMarket, span: Span, tally: _Tally) -> BacktestResult:
    symbol = desk.settings.symbols[0]
    fills, counts, mark = market.judged_fills(), tally.counts, tally.samples.mark
    inventory = _inventory(desk, symbol, market)
    placed, rejected = counts["orders_placed"], counts["creates_rejected"]
    unrealised = inventory.unrealised_quote(mark)
    return BacktestResult(
        symbol=symbol,
        from_ms=span.from_ms,
        to_ms=span.to_ms,
        config_hash=desk.settings.config_hash,
        ticks=tally.ticks,
        orders_placed=placed,
        orders_kept=counts["orders_kept"],
        orders_cancelled=counts["orders_cancelled"],
        protective_cancels=counts["protective_cancels"],
        fills=len(fills),
        volume_quote=sum((each.price * each.size_base for each in fills), ZERO),
        fees_quote=inventory.fees_quote,
        funding_quote=inventory.funding_quote,
        realised_pnl_quote=inventory.realised_quote,
        unrealised_pnl_quote=unrealised,
        total_pnl_quote=inventory.pnl_quote(mark),
        inventory_final_base=inventory.base,
        inventory_max_abs_base=tally.samples.max_abs_base,
        cancel_ratio=cancel_ratio(counts["cancelled_unfilled"], placed),
        order_success_ratio=order_success_ratio(placed, rejected),
        two_sided_uptime=market.two_sided_uptime(),
        max_drawdown_quote=tally.samples.max_drawdown_quote,
        edge_at_fill_bps=_mean((each.edge_bps, each.size_base) for each in fills),
        markout_bps={
            after_s: _mean((each.markouts_bps[after_s], each.size_base) for each in fills) for after_s in MARKOUTS_S
        },
        no_quotes=dict(sorted(tally.no_quotes.items())),
        skipped_rows={},
        events=market.events(),
        fill_list=fills,
        samples=tally.samples.kept(),
    )


def _inventory(desk: Desk, symbol: Symbol, market: RecordedMarket) -> Inventory:
    """Book every trade and payment on the opening row, as the ledger does, those after the last tick too."""
    opening = desk.store.opening(desk.settings.name, symbol)
    inventory = Inventory() if opening is None else open_inventory(opening)
    for trade in market.trades():
        inventory, _ = book_fill(inventory, trade, desk.venue.instrument(symbol))
    for payment in market.funding():
        inventory, _ = book_funding(inventory, payment)
    return inventory


def _mean(weighed: Iterable[tuple[Decimal | None, Decimal]]) -> Decimal | None:
    """Return the mean of what is known, by weight; None where nothing is."""
    known = [(value, weight) for value, weight in weighed if value is not None]
    total = sum((weight for _, weight in known), ZERO)
    return sum((value * weight for value, weight in known), ZERO) / total if total else None
