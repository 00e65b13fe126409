"""Work accounts side by side, and end a command with what came of each: what every command of `mm` shares."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Annotated

import typer
from rich.markup import escape

from marketmaker.bootstrap.terminal import Clock, Deadline, Desk, MarketMakerError, open_desks, plain_values
from marketmaker.cli.style import errors
from marketmaker.domain.units import AccountName

DEFAULT_FILE = "infra/deployments/local.toml"

DeploymentFile = Annotated[
    str,
    typer.Option("--deployment", "-d", envvar="MM_DEPLOYMENT_FILE", help="The deployment file.", show_envvar=True),
]
Account = Annotated[
    str | None, typer.Option("--account", "-a", envvar="MM_ACCOUNT", help="One account; every account without it.")
]
Market = Annotated[
    str | None, typer.Option("--symbol", "-s", help="One market, as the deployment file writes it; all without it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs: exact amounts as text, times in ms.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked[T]:
    """What came of each account: a result, or the error that kept this one account from being worked."""

    results: Mapping[AccountName, T]
    failures: Mapping[AccountName, Exception]

    def raise_defects(self) -> None:
        """Raise what is no failure of the world but of this program."""
        for error in self.failures.values():
            if not isinstance(error, MarketMakerError):
                raise error

    def finish(self, *, failed: bool = False, useless: bool = False) -> None:
        """End the command: with a defect's traceback, or with the exit code that fits.

        `failed` says that not all of the results are what was wanted, `useless` that none is.
        """
        self.raise_defects()
        if useless or (self.failures and not self.results):
            raise typer.Exit(2)
        if self.failures or failed:
            raise typer.Exit(1)


def open_accounts(
    deployment: str, account: str | None, symbol: str | None = None
) -> Mapping[AccountName, Callable[[], Desk]]:
    """Prepare the desks that an operator's command works; each is built once."""
    with one_line_errors():
        desks = open_desks(deployment, account, "risk", lambda text: errors.print(escape(text)), symbol=symbol)
    return {name: cache(open_desk) for name, open_desk in desks.items()}


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


def deadline_in(clock: Clock, timeout_s: float) -> Deadline:
    """Give up so many seconds from now."""
    return Deadline(at_ms=clock.now_ms() + int(timeout_s * 1000), clock=clock)


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


def failure_lines(failures: Mapping[AccountName, Exception], what: str = "") -> list[str]:
    """Say of each account that could not be worked what kept it from it."""
    return [f"[red]{escape(account)}:[/red] {what}{escape(one_line(error))}" for account, error in failures.items()]


def print_failures(failures: Mapping[AccountName, Exception], what: str = "") -> None:
    """Say on standard error what kept accounts from being worked."""
    for line in failure_lines(failures, what):
        errors.print(line)


def print_json(
    described: Iterable[object], failures: Mapping[AccountName, Exception], *, on_one_line: bool = False
) -> None:
    """Print what was found, and what kept accounts from being worked, as one list."""
    failed = [{"account": account, "problem": one_line(error)} for account, error in failures.items()]
    json.dump(plain_values([*described, *failed]), sys.stdout, indent=None if on_one_line else 2)
    sys.stdout.write("\n")
    sys.stdout.flush()
