"""The page of a backtest: what came of it, what it assumes, what made it, and pictures. The same in, the same page."""

import json
import shlex
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from marketmaker.bootstrap.backtests import Backtested, BacktestOptions, BacktestResult, QueueModel
from marketmaker.bootstrap.terminal import plain_values
from marketmaker.cli.pages import columns, facts, folded, page, paragraph, picture, section, verbatim
from marketmaker.cli.pictures import MOST_FILLS, MOST_POINTS, fee_bps, is_thinned, markout_picture, run_picture
from marketmaker.cli.style import UNKNOWN, assets, bps, counted, moment, share, span
from marketmaker.domain.units import plain

ESTIMATE = "an estimate: our orders move nothing in it, and places in the queue are assumed"
_OF_THIS_MACHINE = {"wall_seconds", "events_per_second", "rss_mb"}
_SHOWN = Context(prec=7)
_QUEUES = {
    QueueModel.RISK_AVERSE: "who leaves a queue without a trade was behind us",
    QueueModel.LOG: "who leaves a queue without a trade was behind us with a chance by the logarithms of both sides",
    QueueModel.POWER: "who leaves a queue without a trade was behind us with a chance by the cubes of both sides",
    QueueModel.FRONT: "nobody is ever ahead of us: an upper bound, no forecast",
}
_WHOLE = (
    "of all of an order by any trade that reaches it, with nobody ahead beyond the known book: kinder than a market"
)
_SIGNS = (
    "Gains and inventory above zero are ours and long base; fees above zero are paid. Edge and markout say how far a "
    "fill was on our side of the mid at its moment and some seconds later: below zero the market went against us. "
    "Left, the means by size; right, boxes of the middle half of the fills, whiskers from 5 to 95 %."
)


def backtest_page(options: BacktestOptions, done: Backtested, figures: Mapping[str, Any], interval_ms: int) -> str:
    """Make the page of a backtest; `figures` are what `--json` prints, shown are all but the measured ones."""
    result = done.result
    exact = {name: value for name, value in figures.items() if name not in _OF_THIS_MACHINE}
    thinned = (
        f" The run has {counted(len(result.samples), 'sample')} and {counted(len(result.fill_list), 'fill')}; the "
        f"pictures are thinned to {MOST_POINTS} points a line and {MOST_FILLS} fills, of each stretch the extremes."
    )
    zoom = "Drag over a stretch to look closer, in all four at once; double-click to see all of it."
    return page(
        f"Backtest of {result.symbol}",
        [
            paragraph(f"{moment(result.from_ms)} to {moment(result.to_ms)}; {done.note}; {ESTIMATE}."),
            section("What came of it", columns(facts(_outcome(result)), facts(_conduct(result)))),
            section(
                "The run",
                paragraph(f"{zoom}{thinned if is_thinned(result) else ''}"),
                picture(run_picture(result), "run"),
            ),
            section("Edge and markouts", paragraph(_SIGNS), picture(markout_picture(result), "markouts")),
            section("What it assumes", facts(_assumptions(options, done, interval_ms))),
            section("What made it", facts(_made_of(options, result)), verbatim(command_line(options))),
            section("Every figure", folded("exact, as --json prints it", verbatim(_json(exact)))),
        ],
    )


def command_line(options: BacktestOptions) -> str:
    """Write the command that makes the same run again."""
    files = options.files
    given: list[tuple[str, object]] = [
        ("--market", options.market),
        ("--deployment", options.deployment),
        ("--quotes", files.quotes),
        ("--trades", files.trades),
        ("--book", files.book),
        ("--candles", files.candles),
        ("--from", None if options.from_ms is None else moment(options.from_ms, to_ms=True)),
        ("--to", None if options.to_ms is None else moment(options.to_ms, to_ms=True)),
        ("--cadence-s", options.cadence_s),
        ("--latency-ms", options.latency_ms),
        ("--queue", options.queue),
        ("--preset", options.preset),
        *(("--set", change) for change in options.changes),
        ("--opening-base", None if options.opening_base is None else plain(options.opening_base)),
        ("--capital", plain(options.capital_quote)),
        ("--funding-rate", plain(options.funding_rate) if options.funding_rate else None),
    ]
    flags = ["--whole-fills"] if options.whole_fills else []
    return shlex.join(
        ["mm", "backtest", *(str(part) for each in given if each[1] is not None for part in each), *flags]
    )


def _outcome(result: BacktestResult) -> list[tuple[str, str]]:
    base, quote = assets(result.symbol)
    last = result.samples[-1]
    return [
        ("gain after fees", f"{_signed(result.total_pnl_quote)} {quote}"),
        ("realised, before fees", f"{_signed(result.realised_pnl_quote)} {quote}"),
        ("unrealised", f"{_signed(result.unrealised_pnl_quote)} {quote}"),
        ("fees paid", f"{_short(result.fees_quote)} {quote}"),
        ("from the spread", f"{_signed(last.spread_quote)} {quote}"),
        ("from the inventory", f"{_signed(last.inventory_quote)} {quote}"),
        ("largest fall", f"{_short(result.max_drawdown_quote)} {quote}"),
        ("volume", f"{_short(result.volume_quote)} {quote}"),
        ("inventory at the end", f"{_short(result.inventory_final_base)} {base}"),
        ("inventory at most", f"{_short(result.inventory_max_abs_base)} {base}, long or short"),
    ]


def _conduct(result: BacktestResult) -> list[tuple[str, str]]:
    fee = fee_bps(result)
    return [
        ("fills", str(result.fills)),
        ("ticks", str(result.ticks)),
        ("orders placed", str(result.orders_placed)),
        ("orders kept", str(result.orders_kept)),
        ("orders cancelled", f"{result.orders_cancelled}, {result.protective_cancels} by a guard"),
        ("cancelled unfilled", f"{share(result.cancel_ratio)} of those placed"),
        ("accepted", f"{share(result.order_success_ratio)} of those sent"),
        ("two-sided", f"{share(result.two_sided_uptime)} of the time since the first order"),
        ("edge at the fill", _bps(result.edge_at_fill_bps)),
        *((f"markout after {after_s} s", _bps(value)) for after_s, value in result.markout_bps.items()),
        ("average fee", UNKNOWN if fee is None else f"{fee:.1f} bps of the volume"),
        ("no quotes", _counts(result.no_quotes, "never")),
    ]


def _assumptions(options: BacktestOptions, done: Backtested, interval_ms: int) -> list[tuple[str, str]]:
    fees, quote = done.settings.fees, assets(done.result.symbol)[1]
    opening = "the middle of the inventory band" if options.opening_base is None else plain(options.opening_base)
    files = options.files
    return [
        ("recording", done.note),
        ("its files", ", ".join(each.name for each in (files.quotes, files.trades, files.book, files.candles) if each)),
        ("what the market does", "as recorded: nobody reacts to our orders"),
        ("queue", f"{options.queue}: {_QUEUES[options.queue]}"),
        ("orders fill", _WHOLE if options.whole_fills else "by what trades leave for us, in part too"),
        ("latency", f"{options.latency_ms} ms to the venue and {options.latency_ms} ms back"),
        ("cadence", f"a tick every {span(interval_ms)}"),
        ("fees", f"{plain(fees.maker_bps)} bps as maker, {plain(fees.taker_bps)} bps as taker, in {quote}"),
        ("opens with", f"{plain(options.capital_quote)} {quote}, of it in base: {opening}"),
        ("rows left out", _counts(done.result.skipped_rows, "none")),
    ]


def _made_of(options: BacktestOptions, result: BacktestResult) -> list[tuple[str, str]]:
    return [
        ("market", options.market),
        ("deployment file", options.deployment),
        ("preset over it", options.preset or "none"),
        ("changed by --set", ", ".join(options.changes) or "nothing"),
        ("config hash", result.config_hash),
        ("market events", str(result.events)),
    ]


def _json(figures: Mapping[str, Any]) -> str:
    return json.dumps(plain_values(dict(figures)), indent=2)


def _counts(counts: Mapping[str, int], none: str) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in counts.items()) or none


def _bps(value: Decimal | None) -> str:
    return UNKNOWN if value is None else f"{bps(value)} bps"


def _short(value: Decimal) -> str:
    return plain(_SHOWN.create_decimal(value))


def _signed(value: Decimal) -> str:
    return f"+{_short(value)}" if value > 0 else _short(value)
