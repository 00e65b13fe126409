"""`mm`: what an operator does from a terminal; one module a group of commands.

Exit codes: 0 done; 1 done in part, a halt that is not verified, or keys that are not all proven good; 2 nothing could
be done, or the command was wrong.
"""

import typer

from marketmaker.cli import hooks, keys, live_settings, settings
from marketmaker.cli.backtest import run_one
from marketmaker.cli.calibrate import show_calibration
from marketmaker.cli.compliance import show_compliance
from marketmaker.cli.decisions import explain_decisions, replay_decisions
from marketmaker.cli.drill import run_drills
from marketmaker.cli.fills import list_fills
from marketmaker.cli.models import list_models
from marketmaker.cli.orders import list_orders
from marketmaker.cli.run import run_market
from marketmaker.cli.status import show_status
from marketmaker.cli.stopping import close_accounts, halt_accounts, resume_accounts
from marketmaker.cli.sweep import run_sweep
from marketmaker.cli.takeover import take_over_accounts
from marketmaker.cli.transfer import book_transfer
from marketmaker.cli.tune import tune_markets
from marketmaker.cli.venues import list_venues
from marketmaker.cli.watching import WatchableCommand

app = typer.Typer(
    help="Operate a market maker that runs as scheduled functions.",
    epilog="Exit codes: 0 done, 1 done in part or not verified, 2 nothing done. Example: mm status --watch",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # a local may be a key
)
app.command("status", cls=WatchableCommand, epilog="Example: mm status --account main --watch 5")(show_status)
app.command("orders", epilog="Example: mm orders --symbol PAXG/USDT --all")(list_orders)
app.command("compliance", epilog="Example: mm compliance --days 30 --json")(show_compliance)
app.command("fills", epilog="Example: mm fills --since 24h --csv > fills.csv")(list_fills)
app.command("explain", epilog="Example: mm explain --tick 2026-11-22T18:38:00Z")(explain_decisions)
app.command("replay", epilog="Example: mm replay --log out/demo")(replay_decisions)
app.command("models", epilog="Example: mm models --deployment infra/deployments/live.toml")(list_models)
app.command("venues", epilog="Example: mm venues --json")(list_venues)
app.command("calibrate", epilog="Example: mm calibrate --symbol PAXG/USDT")(show_calibration)
app.command("tune", epilog="Example: mm tune --since 7d")(tune_markets)
app.command("backtest", epilog="Example: mm backtest -m binance:PAXG/USDT --trades PREFIX_trades.csv.gz")(run_one)
app.command(
    "sweep", epilog="Example: mm sweep -m binance:PAXG/USDT --quotes Q --trades T --vary half_spread.quote=0.4,0.6"
)(run_sweep)
app.command(
    "run",
    epilog="Example: mm run --exchange backpack --symbol SOL_USDC_PERP --preset neutral --endpoint http://127.0.0.1:8080",
)(run_market)
app.command("halt", epilog='Example: mm halt --account main --reason "going on holiday"')(halt_accounts)
app.command("close", epilog='Example: mm close --account main --reason "too long"')(close_accounts)
app.command("resume", epilog='Example: mm resume --account main --reason "back"')(resume_accounts)
app.command("takeover", epilog='Example: mm takeover -d standby.toml --drill --reason "a drill"')(take_over_accounts)
app.command("drill", epilog="Example: mm drill --without check_risk --only killed_functions")(run_drills)
app.command("transfer", epilog="Example: mm transfer 500 USDT -s PAXG/USDT --reason 'more capital'")(book_transfer)
settings.app.command("apply", epilog="Example: mm config apply live.toml --reason 'narrower'")(live_settings.apply_file)
settings.app.command("show", epilog="Example: mm config show")(live_settings.show_settings)
settings.app.command("revert", epilog="Example: mm config revert --reason 'too narrow'")(live_settings.revert_file)
app.add_typer(settings.app, name="config")
app.add_typer(keys.app, name="keys")
app.add_typer(hooks.app, name="hooks")


def main() -> None:
    """Run the command line."""
    app()


__all__ = ["app", "main"]
