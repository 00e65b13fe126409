"""`mm config`: look at deployment files."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.markup import escape

from marketmaker.bootstrap.terminal import Deployment, load_deployment
from marketmaker.cli.accounts import DEFAULT_FILE, Json, one_line_errors, print_json
from marketmaker.cli.style import console, show, table
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.units import plain

app = typer.Typer(help="Check a deployment file, and change settings while they are in force.", no_args_is_help=True)

File = Annotated[str, typer.Argument(envvar="MM_DEPLOYMENT_FILE", help="The deployment file.")]


@app.command(epilog="Example: mm config check infra/deployments/live.toml")
def check(file: File = DEFAULT_FILE, as_json: Json = False) -> None:
    """Check a deployment file; print what it says, or the first thing that is wrong with it."""
    with one_line_errors():
        loaded = load_deployment(file)
    if as_json:
        print_json([_document(loaded)], {})
        return
    console.print(f"[bold]{escape(loaded.name)}[/bold]  {loaded.stage}, config {loaded.config_hash}")
    shown = table("account", "venue", "market", "size", "half-spread", "band", right="size")
    for account in loaded.accounts.values():
        for market in account.markets:
            size, spread, band = map(escape, _market(loaded, account, market))
            shown.add_row(escape(account.name), account.venue, escape(market.symbol), size, spread, band)
    show([shown])
    for use in loaded.preset_uses:
        console.print(escape(f"preset {use.preset} at {use.account} {use.symbol}: {_keys(use.values)}"))
    for each in loaded.advice:
        console.print(f"[yellow]advice[/yellow] {escape(each)}")


def _document(loaded: Deployment) -> object:
    """Describe a deployment: name, stage, config_hash, advice, presets and its accounts with their markets."""
    accounts = [
        {
            "account": account.name,
            "venue": account.venue,
            "markets": [
                dict(
                    zip(
                        ("symbol", "size", "half_spread", "band"),
                        (each.symbol, *_market(loaded, account, each)),
                        strict=True,
                    )
                )
                for each in account.markets
            ],
        }
        for account in loaded.accounts.values()
    ]
    return {
        "name": loaded.name,
        "stage": loaded.stage,
        "config_hash": loaded.config_hash,
        "advice": loaded.advice,
        "presets": [
            {"account": use.account, "symbol": use.symbol, "preset": use.preset, "values": dict(use.values)}
            for use in loaded.preset_uses
        ],
        "accounts": accounts,
    }


def _market(loaded: Deployment, account: AccountSettings, market: MarketSettings) -> tuple[str, str, str]:
    table_of = ("accounts", account.name, f"markets[{market.symbol}]")
    spread, band = (_keys(loaded.below(*table_of, key)) for key in ("half_spread", "price_band"))
    return plain(market.order_size_base), spread, band


def _keys(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
