"""`mm models`: what a market may quote by, and what each market of a deployment file does.

`--json` prints a list with one object a model: key, name, does, needs, standing, used_by (account and symbol each).
"""

from typing import Any

from rich.markup import escape

from marketmaker.bootstrap.terminal import Deployment, load_deployment
from marketmaker.cli.accounts import DEFAULT_FILE, DeploymentFile, Json, one_line_errors, print_json
from marketmaker.cli.style import console, show, table
from marketmaker.domain.catalogue import ModelNote, Standing, catalogue, models_of

_COLOURS = {Standing.RECOMMENDED: "green", Standing.GUARD: "cyan", Standing.EXPERIMENTAL: "yellow"}


def list_models(deployment: DeploymentFile = DEFAULT_FILE, as_json: Json = False) -> None:
    """List every pricing, spread and inventory model by its name in the file, and which market uses it.

    Recommended is what the shipped files use; experimental what has not beaten it on recorded markets. `mm explain`
    shows what a model did in one decision, `mm calibrate` what it knows of its market.
    """
    with one_line_errors():
        loaded = load_deployment(deployment)
    used = _used_by(loaded)
    if as_json:
        print_json([_document(each, used) for each in catalogue()], {})
        return
    shown = table("key", "model", "what it does", "needs", "standing", "used by", whole="key model standing")
    before = ""
    for note in catalogue():
        colour = _COLOURS[note.standing]
        shown.add_row(
            note.key if note.key != before else "",
            note.name,
            escape(note.does),
            escape(note.needs),
            f"[{colour}]{note.standing}[/{colour}]",
            escape(", ".join(used.get((note.key, note.name), []))),
        )
        before = note.key
    show([shown])
    console.print(f"as in {escape(loaded.name)}, {escape(deployment)}; the README has every key and its default")


def _used_by(loaded: Deployment) -> dict[tuple[str, str], list[str]]:
    used: dict[tuple[str, str], list[str]] = {}
    for account in loaded.accounts.values():
        for market in account.markets:
            for key, name in models_of(market):
                used.setdefault((key, name), []).append(f"{account.name} {market.symbol}")
    return used


def _document(note: ModelNote, used: dict[tuple[str, str], list[str]]) -> dict[str, Any]:
    return {
        "key": note.key,
        "name": note.name,
        "does": note.does,
        "needs": note.needs,
        "standing": note.standing,
        "used_by": used.get((note.key, note.name), []),
    }
