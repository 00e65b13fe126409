"""Work accounts side by side, and end a command with what came of each: what every command of `mm` shares."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from marketmaker.bootstrap.terminal import MarketMakerError, plain_values
from marketmaker.domain.units import AccountName

DEFAULT_FILE = "infra/deployments/local.toml"

DeploymentFile = Annotated[
    str,
    typer.Option("--deployment", "-d", envvar="MM_DEPLOYMENT_FILE", help="The deployment file.", show_envvar=True),
]
Account = Annotated[
    str | None, typer.Option("--account", "-a", envvar="MM_ACCOUNT", help="One account; every account without it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked[T]:
    """What came of each account: a result, or the error that kept this one account from being worked."""

    results: Mapping[AccountName, T]
    failures: Mapping[AccountName, Exception]

    def finish(self, *, failed: bool = False, useless: bool = False) -> None:
        """End the command: with a defect's traceback, or with the exit code that fits.

        `failed` says that not all of the results are what was wanted, `useless` that none is.
        """
        for error in self.failures.values():
            if not isinstance(error, MarketMakerError):
                raise error
        if useless or (self.failures and not self.results):
            raise typer.Exit(2)
        if self.failures or failed:
            raise typer.Exit(1)


def work_all[Desk, T](desks: Mapping[AccountName, Callable[[], Desk]], work: Callable[[Desk], T]) -> Worked[T]:
    """Work all accounts at once: stopping one must not wait for another, nor fail with it."""
    results: dict[AccountName, T] = {}
    failures: dict[AccountName, Exception] = {}
    with ThreadPoolExecutor(max_workers=len(desks)) as pool:
        waiting = {name: pool.submit(lambda open_desk: work(open_desk()), desks[name]) for name in desks}
    for name, future in waiting.items():
        try:
            results[name] = future.result()
        except Exception as error:  # noqa: BLE001 - the boundary of an account; `finish` raises a defect again
            failures[name] = error
    return Worked(results=results, failures=failures)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the command with one line where the operator asked for what cannot be done."""
    try:
        yield
    except MarketMakerError as error:
        errors.print(f"[red]{type(error).__name__}:[/red] {escape(one_line(error))}")
        raise typer.Exit(2) from error


def one_line(error: Exception) -> str:
    """Write an error on one line."""
    return " ".join(str(error).split())


def print_failures(failures: Mapping[AccountName, Exception], what: str) -> None:
    """Say of each account that could not be worked what kept it from it."""
    for account, error in failures.items():
        errors.print(f"[red]{escape(account)}:[/red] {what}{escape(one_line(error))}")


def print_json(described: Iterable[object], failures: Mapping[AccountName, Exception]) -> None:
    """Print what was found, and what kept accounts from being worked, as one list."""
    failed = [{"account": account, "problem": one_line(error)} for account, error in failures.items()]
    json.dump(plain_values([*described, *failed]), sys.stdout, indent=2)
    sys.stdout.write("\n")
