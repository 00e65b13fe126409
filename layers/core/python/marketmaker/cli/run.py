"""`mm run`: the use cases of a deployment in this process, for one market and a while.

`--json` prints one object at the end: trades_at, symbol, venue, config_hash, started_ms, ended_ms, ended_by, ticks,
ticks_skipped, ticks_failed, risk_checks, orders_placed, orders_cancelled, fills, volume_quote, realised_pnl_quote,
unrealised_pnl_quote, fees_quote, funding_quote, total_pnl_quote, position_base, average_cost_quote, mark_price,
stop_losses, take_profits, orders_left, verified_s, ledger_matches_venue, problems. With `--dry-run`: what is said
before the start.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.markup import escape

from marketmaker.bootstrap.runs import (
    EXCHANGES,
    ConfigError,
    FileOptions,
    GuideOptions,
    MarketType,
    Prepared,
    Preset,
    Refused,
    RunResult,
    RunView,
    StopSwitch,
    TradesAt,
    open_run,
    plain_values,
    prepare_run,
    price_of,
    require_safe_key,
    run,
)
from marketmaker.cli.accounts import one_line_errors
from marketmaker.cli.run_signals import stopped_by_signals
from marketmaker.cli.run_view import RunStart, result_parts, run_line, run_parts, start_parts
from marketmaker.cli.style import console, errors, show
from marketmaker.ports import Alert

_GUIDE = "The guide's parameters"
_FILE = "A market of a deployment file instead"
_WHERE = "Where it trades, and how it tells"

Exchange = Annotated[
    str | None, typer.Option("--exchange", help=f"One of {', '.join(EXCHANGES)}.", rich_help_panel=_GUIDE)
]
Kind = Annotated[MarketType, typer.Option("--market-type", help="Spot, or a perpetual.", rich_help_panel=_GUIDE)]
MarketName = Annotated[
    str | None,
    typer.Option(
        "--symbol", "-s", help="As the venue writes it, SOL_USDC_PERP, or SOL/USDC:USDC.", rich_help_panel=_GUIDE
    ),
]
Spread = Annotated[
    float | None, typer.Option("--spread", help="Of each level, as a fraction of the price.", rich_help_panel=_GUIDE)
]
Quantity = Annotated[float | None, typer.Option("--quantity", help="Base of each order.", rich_help_panel=_GUIDE)]
MaxOrders = Annotated[int | None, typer.Option("--max-orders", help="Levels a side.", rich_help_panel=_GUIDE)]
TargetPosition = Annotated[
    float | None, typer.Option("--target-position", help="Left alone up to here.", rich_help_panel=_GUIDE)
]
MaxPosition = Annotated[
    float | None, typer.Option("--max-position", help="Never beyond, orders counted.", rich_help_panel=_GUIDE)
]
Threshold = Annotated[
    float | None,
    typer.Option("--position-threshold", help="Beyond target and this the quotes lean.", rich_help_panel=_GUIDE),
]
Skew = Annotated[
    float | None, typer.Option("--inventory-skew", help="How far they lean, 0 to 1.", rich_help_panel=_GUIDE)
]
StopLoss = Annotated[
    float | None,
    typer.Option("--stop-loss", help="Unrealised loss that closes, in quote; any sign.", rich_help_panel=_GUIDE),
]
TakeProfit = Annotated[
    float | None,
    typer.Option("--take-profit", help="Unrealised gain that closes, in quote.", rich_help_panel=_GUIDE),
]
PresetName = Annotated[Preset | None, typer.Option("--preset", help="Beneath what is typed.", rich_help_panel=_GUIDE)]
Capital = Annotated[
    float | None,
    typer.Option("--capital", help="Quote currency it may use; on paper what it opens with.", rich_help_panel=_GUIDE),
]
MakerBps = Annotated[
    float | None,
    typer.Option(
        "--maker-bps", help="Your maker fee; else a new account's, as `mm venues` prints it.", rich_help_panel=_GUIDE
    ),
]
TakerBps = Annotated[
    float | None,
    typer.Option(
        "--taker-bps", help="Your taker fee; else a new account's, as `mm venues` prints it.", rich_help_panel=_GUIDE
    ),
]
Deployment = Annotated[str | None, typer.Option("--deployment", "-d", help="The file.", rich_help_panel=_FILE)]
Chosen = Annotated[
    str | None, typer.Option("--market", "-m", metavar="VENUE:SYMBOL", help="Its market.", rich_help_panel=_FILE)
]
Duration = Annotated[int, typer.Option("--duration", min=1, help="Seconds until it stops.")]
Interval = Annotated[int | None, typer.Option("--interval", help="Seconds between ticks; 10, or as in the file.")]
Endpoint = Annotated[
    str | None, typer.Option("--endpoint", help="A local exchange on this machine.", rich_help_panel=_WHERE)
]
IsLive = Annotated[bool, typer.Option("--live", help="Trade with real money.", rich_help_panel=_WHERE)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before trading with money.", rich_help_panel=_WHERE)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what is at stake.", rich_help_panel=_WHERE)]
OneJson = Annotated[bool, typer.Option("--json", help="One object at the end.", rich_help_panel=_WHERE)]


def run_market(
    exchange: Exchange = None,
    market_type: Kind = MarketType.PERP,
    symbol: MarketName = None,
    spread: Spread = None,
    quantity: Quantity = None,
    max_orders: MaxOrders = None,
    target_position: TargetPosition = None,
    max_position: MaxPosition = None,
    position_threshold: Threshold = None,
    inventory_skew: Skew = None,
    stop_loss: StopLoss = None,
    take_profit: TakeProfit = None,
    duration: Duration = 3_600,
    interval: Interval = None,
    preset: PresetName = None,
    capital: Capital = None,
    maker_bps: MakerBps = None,
    taker_bps: TakerBps = None,
    deployment: Deployment = None,
    market: Chosen = None,
    endpoint: Endpoint = None,
    is_live: IsLive = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: OneJson = False,
) -> None:
    """Quote one market from this process for a while, with the code of the functions; state is in memory.

    On paper, unless --endpoint names a local exchange or --live says otherwise;
    keys are MM_API_KEY and MM_API_SECRET. Ctrl-C, SIGTERM, a halt and the end of
    its time stop it clean: own orders cancelled and verified, the position kept
    and reported. Exit code 0 only then. One run at a time on a login.
    """
    typed: dict[str, Any] = {
        "exchange": exchange,
        "symbol": symbol,
        "spread": spread,
        "quantity": quantity,
        "max_orders": max_orders,
        "target_position": target_position,
        "max_position": max_position,
        "position_threshold": position_threshold,
        "inventory_skew": inventory_skew,
        "stop_loss": stop_loss,
        "take_profit": take_profit,
        "capital_quote": capital,
        "maker_bps": maker_bps,
        "taker_bps": taker_bps,
    }
    with one_line_errors():
        options = (
            _of_guide(typed, market_type, preset)
            if deployment is None and market is None
            else _of_file(deployment, market, typed, preset)
        )
        prepared = prepare_run(options, interval_s=interval, endpoint=endpoint, is_live=is_live)
        result = _run(prepared, duration_s=duration, asks=not yes, dry_run=dry_run, as_json=as_json)
    if result is not None:
        _tell_result(prepared, result, as_json=as_json)


def _of_guide(typed: dict[str, Any], market_type: MarketType, preset: Preset | None) -> GuideOptions:
    for name in ("exchange", "symbol"):
        if typed[name] is None:
            raise ConfigError(f"--{name}: nothing is not allowed: what to trade, or --deployment with --market")
    return GuideOptions(market_type=market_type, preset=preset, **typed)


def _of_file(deployment: str | None, market: str | None, typed: dict[str, Any], preset: Preset | None) -> FileOptions:
    if deployment is None or market is None:
        missing = "--deployment" if deployment is None else "--market"
        raise ConfigError(f"{missing}: nothing is not allowed: --deployment FILE with --market VENUE:SYMBOL")
    for name, value in typed.items():
        if value is not None:
            option = name.removesuffix("_quote").replace("_", "-")
            raise ConfigError(f"--{option}: it is not allowed beside --deployment, where the file says it")
    return FileOptions(deployment=deployment, market=market, preset=preset)


def _run(prepared: Prepared, *, duration_s: int, asks: bool, dry_run: bool, as_json: bool) -> RunResult | None:
    """Say what is at stake, ask where it is money, and run; None where only the first was wanted."""
    said = errors if as_json else console
    with open_run(prepared, lambda alert: said.print(_alert(alert), soft_wrap=True)) as desk:
        start = _start(prepared, *price_of(desk), duration_s=duration_s)
        if dry_run and as_json:
            _print_json(asdict(start))
        elif not as_json:
            show(start_parts(start))
        if dry_run:
            return None
        if start.figures.price is None:
            raise Refused(f"nothing was started: {'; '.join(start.notes)}")
        if prepared.trades_at is not TradesAt.PAPER:
            doubt = require_safe_key(desk)
            if doubt is not None and prepared.trades_at is TradesAt.LIVE:
                errors.print(f"[yellow]note[/yellow] {escape(doubt)}")
        if prepared.trades_at is TradesAt.LIVE and asks:
            _confirm(prepared)
        switch = StopSwitch()
        with stopped_by_signals(switch), _shown(prepared.trades_at, as_json=as_json) as draw:
            return run(desk, duration_s * 1000, switch, draw)


def _start(prepared: Prepared, figures: Any, problem: str | None, *, duration_s: int) -> RunStart:  # noqa: ANN401
    settings, symbol = prepared.settings, prepared.settings.symbols[0]
    used = next((each for each in prepared.deployment.preset_uses if each.symbol == symbol), None)
    place = f"accounts.{settings.name}.markets[{symbol}]."
    return RunStart(
        trades_at=prepared.trades_at,
        where=prepared.where,
        interval_s=settings.clocks.interval_ms // 1000,
        duration_s=duration_s,
        figures=figures,
        fees_by=prepared.fees_by,
        preset=None if used is None else used.preset,
        preset_values={} if used is None else dict(used.values),
        advice=[each.removeprefix(place) for each in prepared.deployment.advice if each.startswith(place)],
        notes=[] if problem is None else [f"the price is not known: {problem}"],
    )


def _confirm(prepared: Prepared) -> None:
    """Have the market's name typed before real money is at stake."""
    symbol = prepared.settings.symbols[0]
    try:
        typed = typer.prompt(f"This trades with REAL MONEY. Type {symbol} to start", err=True)
    except typer.Abort as error:
        raise Refused("the prompt was left: nothing was started; --yes starts without it") from error
    if typed.strip() != symbol:
        raise Refused(f"{typed.strip()} is not {symbol}: nothing was started")


@contextmanager
def _shown(trades_at: TradesAt, *, as_json: bool) -> Iterator[Callable[[RunView], None]]:
    """Redraw the picture in place on a terminal, write a line a tick elsewhere, and nothing with --json."""
    if as_json:
        yield lambda _: None
    elif console.is_terminal:
        with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
            yield lambda view: live.update(Group(*run_parts(view, trades_at)), refresh=True)
    else:
        yield lambda view: show([run_line(view, trades_at)])


def _alert(alert: Alert) -> str:
    return f"[red]alert[/red] {escape(alert.text)}"


def _tell_result(prepared: Prepared, result: RunResult, *, as_json: bool) -> None:
    if as_json:
        _print_json({"trades_at": prepared.trades_at, **asdict(result)})
    else:
        show(result_parts(result))
    if not result.is_clean:
        raise typer.Exit(1)


def _print_json(document: object) -> None:
    json.dump(plain_values(document), sys.stdout, indent=2)
    sys.stdout.write("\n")
    sys.stdout.flush()
