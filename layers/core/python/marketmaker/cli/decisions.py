"""`mm replay` and `mm explain`: recorded decisions, made again or taken apart."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress

from marketmaker.bootstrap.decisions import (
    DecisionDesk,
    Explanation,
    RecordedDecision,
    Refused,
    ReplayedDecision,
    explain,
    open_decisions,
    read_decisions,
    replay,
)
from marketmaker.cli.accounts import (
    DEFAULT_FILE,
    Account,
    DeploymentFile,
    Json,
    Market,
    one_line_errors,
    print_json,
)
from marketmaker.cli.moments import moment_ms
from marketmaker.cli.style import console, errors, figure, indented, moment, show, table
from marketmaker.domain.units import plain

LAST = "last"
LOOK_BACK_MS = 3_600_000
"""How far before a time its last full record may be."""
CLOCK_LAG_MS = 600_000
"""How far the clock that this runs on may lag behind the one that stamped the newest slot."""
SHOWN_DIFFERENCES = 10
"""Decisions that are written out when they differ; the others are counted."""

Logs = Annotated[
    list[Path] | None,
    typer.Option("--log", "-l", help="A log file or a directory of them; CloudWatch Logs without. May be repeated."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", help="From when on: 1h, 7d, 2026-11-01, or a time. [default: 1h; all of a file]"),
]
OneTick = Annotated[
    str | None, typer.Option("--tick", "-t", help="One tick: last, a slot in ms, or the last full one at a time.")
]
With = Annotated[Path | None, typer.Option("--with", help="Decide with this file's settings instead of the recorded.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which decisions are asked for: slots in [from_ms, to_ms), `is_last` of them only, in one market or all."""

    from_ms: int
    to_ms: int
    is_last: bool
    symbol: str | None


@dataclass(slots=True, kw_only=True)
class Found:
    """What was read: decisions, and how many ticks were quiet and left no full record."""

    decisions: list[RecordedDecision]
    quiet: int = 0


def replay_decisions(
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: Market = None,
    tick: OneTick = None,
    since: Since = None,
    log: Logs = None,
    settings_file: With = None,
    as_json: Json = False,
) -> None:
    """Make recorded decisions again and compare: the same inputs and settings must give the same actions.

    With the settings of another file, --with shows what those would have done. Exit code 1: some differ.
    """
    replayed, quiet = _replayed(
        deployment, account, log, settings_file, _wanted(tick, since, symbol, log, default=None)
    )
    different = [each for each in replayed if each.differences]
    if as_json:
        print_json([_replay_summary(each) for each in replayed], {})
    else:
        for each in different[:SHOWN_DIFFERENCES]:
            _print_difference(each)
        if len(different) > SHOWN_DIFFERENCES:
            console.print(f"… and {len(different) - SHOWN_DIFFERENCES} more that differ")
        console.print(
            f"{len(replayed)} decisions made again: {len(replayed) - len(different)} identical, {len(different)} "
            f"different ({quiet} quiet ticks left no full record)"
        )
    if different:
        raise typer.Exit(1)


def explain_decisions(
    deployment: DeploymentFile = DEFAULT_FILE,
    account: Account = None,
    symbol: Market = None,
    tick: OneTick = LAST,
    since: Since = None,
    log: Logs = None,
    as_json: Json = False,
) -> None:
    """Print why each quote of a tick is where it is, stage by stage, and what became of it.

    A quiet tick leaves no full record: what it kept is in the last full one before it.
    """
    replayed, _ = _replayed(deployment, account, log, None, _wanted(tick, since, symbol, log, default=LAST))
    explanations = [explain(each) for each in replayed]
    if as_json:
        print_json([_explanation_summary(each) for each in explanations], {})
        return
    for each in explanations:
        _print_explanation(each)


def _wanted(
    tick: str | None, since: str | None, symbol: str | None, log: Sequence[Path] | None, *, default: str | None
) -> Wanted:
    now_ms = time.time_ns() // 1_000_000
    with one_line_errors():
        started_ms = moment_ms("--since", since or "1h", now_ms) if since or not log else 0
        tick = tick or default
        if tick is None or tick == LAST:
            return Wanted(from_ms=started_ms, to_ms=now_ms + CLOCK_LAG_MS, is_last=tick == LAST, symbol=symbol)
        if tick.isdigit():
            return Wanted(from_ms=int(tick), to_ms=int(tick) + 1, is_last=False, symbol=symbol)
        until_ms = moment_ms("--tick", tick, now_ms)
        return Wanted(from_ms=until_ms - LOOK_BACK_MS, to_ms=until_ms + 1, is_last=True, symbol=symbol)


def _replayed(
    deployment: str, account: str | None, log: Sequence[Path] | None, settings_file: Path | None, wanted: Wanted
) -> tuple[list[ReplayedDecision], int]:
    with one_line_errors():
        desks = open_decisions(deployment, account, log or (), settings_file=settings_file)
        replayed: list[ReplayedDecision] = []
        quiet = 0
        for desk in desks:
            found = _find(desk, wanted)
            quiet += found.quiet
            replayed += _replay_all(desk, found.decisions)
        if not replayed:
            raise Refused(
                f"no full record of a tick was found from {moment(wanted.from_ms)} on, and {quiet} of quiet ones: "
                "widen --since, or name another --tick, --symbol, --account or --log"
            )
    return replayed, quiet


def _find(desk: DecisionDesk, wanted: Wanted) -> Found:
    found = Found(decisions=[])
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(f"reading {desk.account}", total=None)
        for record in desk.log.read(desk.account, wanted.from_ms, wanted.to_ms):
            progress.advance(task)
            decisions = _decisions(record, wanted.symbol)
            found.quiet += "markets" not in record
            if decisions and wanted.is_last:
                newest = found.decisions[0].slot_ms if found.decisions else -1
                found.decisions = decisions if decisions[0].slot_ms > newest else found.decisions
            else:
                found.decisions += decisions
    found.decisions.sort(key=lambda each: each.slot_ms)
    return found


def _decisions(record: Mapping[str, Any], symbol: str | None) -> list[RecordedDecision]:
    try:
        return [each for each in read_decisions(record) if symbol in {None, each.symbol}]
    except ValueError as error:
        raise Refused(str(error)) from error


def _replay_all(desk: DecisionDesk, decisions: Iterable[RecordedDecision]) -> Iterator[ReplayedDecision]:
    for each in decisions:
        yield replay(each, desk.settings_of(each.config_hash))


def _print_difference(each: ReplayedDecision) -> None:
    recorded = each.recorded
    console.print(f"[bold]{escape(recorded.account)} {recorded.symbol}[/bold]  tick {recorded.slot_ms}")
    for difference in each.differences:
        console.print(f"  [red]{escape(difference)}[/red]")


def _print_explanation(each: Explanation) -> None:
    recorded = each.recorded
    look = "  second look" if recorded.situation.only is not None else ""
    console.print(
        f"[bold]{escape(recorded.account)} {recorded.symbol}[/bold]  tick {recorded.slot_ms} "
        f"({moment(recorded.slot_ms)})  settings {recorded.config_hash}{look}"
    )
    for name, text in each.saw:
        console.print(f"  {name:<14}{escape(text)}")
    if each.no_quotes is not None:
        console.print(f"  [red]no quotes:[/red] {escape(each.no_quotes)}")
    if each.stages:
        _print_stages(each)
        _print_quotes(each)
    for text in each.skipped:
        console.print(f"  [yellow]not quoted:[/yellow] {escape(text)}")
    for text in each.cancelled:
        console.print(f"  cancelled: {escape(text)}")
    for text in each.differences:
        console.print(f"  [red]decided differently today:[/red] {escape(text)}")


def _print_stages(each: Explanation) -> None:
    drawn = table("stage", "bid", "bid moved", "ask", "ask moved", "why", right="bid ask")
    for stage in each.stages:
        drawn.add_row(
            stage.name,
            figure(stage.bid),
            _moved(stage.bid_moved),
            figure(stage.ask),
            _moved(stage.ask_moved),
            escape(stage.why),
        )
    show([indented(drawn)])


def _moved(by: Decimal) -> str:
    return f"{'+' if by > 0 else ''}{figure(by)}" if by else ""


def _print_quotes(each: Explanation) -> None:
    drawn = table("quote", "level", "size", "price", "bps from fair", "what became of it", right="level size price")
    for quote in each.quotes:
        drawn.add_row(
            quote.side,
            str(quote.level),
            plain(quote.size_base),
            plain(quote.price),
            f"{quote.from_fair_bps:+.2f}",
            escape(quote.action),
        )
    show([indented(drawn)])


def _replay_summary(each: ReplayedDecision) -> dict[str, Any]:
    return {**_identity(each.recorded), "identical": not each.differences, "differences": each.differences}


def _explanation_summary(each: Explanation) -> dict[str, Any]:
    return {
        **_identity(each.recorded),
        "saw": dict(each.saw),
        "no_quotes": each.no_quotes,
        "stages": each.stages,
        "quotes": each.quotes,
        "skipped": each.skipped,
        "cancelled": each.cancelled,
        "differences": each.differences,
    }


def _identity(recorded: RecordedDecision) -> dict[str, Any]:
    return {
        "account": recorded.account,
        "symbol": recorded.symbol,
        "slot_ms": recorded.slot_ms,
        "config": recorded.config_hash,
        "second_look": recorded.situation.only is not None,
    }
