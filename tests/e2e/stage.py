"""What the end-to-end tests run on: ministack, the local exchange and the functions, each in a process of its own.

Two context managers, usually as fixtures of a module or of one test:

    with local_aws(directory) as aws, open_stage(aws, directory) as stage:
        with stage.function("replace_quotes") as quoting:
            tick = stage.tick(quoting)          # one slot later than the last; the tick's summary
        stage.exchange()                        # GET /local/state
        stage.arm(fault="lost_reply", route="POST /api/v3/order")
        stage.mm("status", "--json")            # the command line as a user runs it

`local_aws` starts ministack (about a second) and can serve many stages. A stage has tables, keys and an exchange of its
own; its name is its deployment's, so no two stages share a row. Nothing is left in this process's environment:
`stage.environment` holds the variables that a child needs, and `stage.here()` sets them for boto3 in this process.
"""

import itertools
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.aws import MINISTACK, ROOT, ministack, put_keys, variables
from infra.local.processes import FunctionProcess, first_line, running
from infra.local.stack import API_KEY, SECRET
from infra.local.tables import create_tables
from marketmaker.config import Deployment, load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.orders import OrderIdentity
from marketmaker.domain.units import AccountName, Symbol

REGION = "eu-central-1"
START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 30.0
SLOTS_TRIED = 4
_numbers = itertools.count(1)
MM = Path(sys.executable).parent / "mm"

MARKET = """
venue = "binance"
dedicated = true

[[accounts.{account}.markets]]
symbol = "PAXG/USDT"
number = 1
capital_base = {{ share = 1.0 }}
capital_quote = {{ share = 1.0 }}
fees = {{ maker_bps = 1, taker_bps = 10 }}
fair_price = "mid"
half_spread = {{ quote = 0.5 }}
assumed_volatility = 0.1
order_size_base = 0.1
price_band = {{ low = 1500, high = 2500 }}
"""


def deployment_text(name: str, accounts: Sequence[str] = ("main",)) -> str:
    """Write a deployment file: the worked example's market for each account."""
    tables = [f"[accounts.{account}]{MARKET.format(account=account)}" for account in accounts]
    return f'name = "{name}"\ntag = "e2e"\nstage = "local"\nregion = "{REGION}"\n\n' + "\n".join(tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """The lines of standard error."""
        return self.err.strip().splitlines()


def run(command: Sequence[str | Path], environment: Mapping[str, str], *, timeout_s: float = 90) -> Ended:
    """Run a command to its end as a user does, in the repository, on a terminal of no particular width."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "AWS_", "MAKE"))}
    done = subprocess.run(  # noqa: S603 - our own commands
        [str(part) for part in command],
        env={**own, "TERM": "dumb", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


@dataclass(slots=True, kw_only=True)
class Stage:
    """One deployment with its tables, keys and exchange; `account` is the first of the file."""

    deployment: Deployment
    deployment_file: Path
    account: AccountSettings
    endpoint: str
    environment: dict[str, str]
    directory: Path
    exchange_process: "subprocess.Popen[str]"
    last_slot_ms: int = field(default=0)

    @property
    def symbol(self) -> Symbol:
        """The market that is quoted."""
        return self.account.markets[0].symbol

    def exchange(self) -> dict[str, Any]:
        """Read the exchange's own account of what happened."""
        with urllib.request.urlopen(f"{self.endpoint}/local/state", timeout=10) as answer:  # noqa: S310 - our own loopback
            state: dict[str, Any] = json.load(answer)
            return state

    def orders(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the open orders on the exchange: ours, and the others."""
        every = self.exchange()["open_orders"]
        own = [each for each in every if OrderIdentity.decode(each["clientOrderId"], self.account.tag) is not None]
        return own, [each for each in every if each not in own]

    def arm(self, **fault: object) -> None:
        """Switch a fault of the exchange on, as in `POST /local/faults`."""
        self._post("faults", fault)

    def jump(self, shift_bps: float) -> None:
        """Move the whole market."""
        self._post("prices", {"shift_bps": shift_bps})

    def accept_key(self, api_key: str, secret: str, *, withdrawals: bool = False) -> None:
        """Let the exchange take this key alone from now on."""
        self._post("keys", {"api_key": api_key, "api_secret": secret, "withdrawals": withdrawals})

    def function(self, name: str, **changes: str) -> AbstractContextManager[FunctionProcess]:
        """Run one function in its own process; its log is `log_of(name)`, `changes` are environment variables."""
        return _function(self, name, changes)

    def log_of(self, name: str) -> list[dict[str, Any]]:
        """Read the records that a function wrote to its log: event in `message`; metrics are left out."""
        text = (self.directory / f"{name}.log").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if "message" in line]

    def next_slot_ms(self) -> int:
        """Return a slot that was not worked yet, a whole second, never stale."""
        self.last_slot_ms = max(self.last_slot_ms + 1000, int(time.time()) * 1000)
        return self.last_slot_ms

    def tick(self, quoting: FunctionProcess, **message: Any) -> dict[str, Any]:
        """Send one tick of a new slot, or the message given; returns the tick's summary.

        On a busy machine a cold function may be later than its slot's interval: the next slot is then worked.
        """
        summary: dict[str, Any] = {}
        for _ in range(SLOTS_TRIED):
            body = {"account": self.account.name, "slot_ms": self.next_slot_ms()} | message
            result = quoting.invoke({"Records": [{"body": json.dumps(body)}]}, timeout_s=ANSWER_TIMEOUT_S)
            summary = result["ticks"][0]
            if message or summary["outcome"] != "stale":
                break
        return summary

    def mm(self, *arguments: str | Path, **changes: str) -> Ended:
        """Run the command line as an operator named `operator` does; `changes` are environment variables."""
        return run([MM, *arguments], {"COLUMNS": "160", "MM_OPERATOR": "operator", **self.environment, **changes})

    def here(self) -> AbstractContextManager[None]:
        """Point boto3 and our own clients in this process at the stage."""
        return variables(self.environment)

    def put_secret(self, text: str, *, purpose: str = "trade", account: str | None = None) -> None:
        """Replace the text of a venue key's secret."""
        name = f"marketmaker/{self.deployment.name}/{account or self.account.name}/{purpose}"
        with self.here():
            boto3.client("secretsmanager", region_name=REGION).put_secret_value(SecretId=name, SecretString=text)

    def _post(self, route: str, body: Mapping[str, object]) -> None:
        request = urllib.request.Request(  # noqa: S310 - our own loopback
            f"{self.endpoint}/local/{route}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            assert answer.status == 200


@contextmanager
def local_aws(directory: Path) -> Iterator[dict[str, str]]:
    """Run ministack; yields the environment variables that point boto3 at it.

    Where it is not installed the tests are skipped, but never in CI.
    """
    if not MINISTACK.exists() and not os.environ.get("CI"):
        pytest.skip(f"{MINISTACK.relative_to(ROOT)} is missing: run `make setup`")
    with ministack(region=REGION, log=directory / "ministack.log", data=directory / "ministack") as aws:
        yield aws


@contextmanager
def open_stage(
    aws: Mapping[str, str],
    directory: Path,
    *,
    name: str | None = None,
    accounts: Sequence[str] = ("main",),
    with_keys: Sequence[str] | None = None,
    changes: Mapping[str, str] | None = None,
    exchange_options: Sequence[str] = (),
) -> Iterator[Stage]:
    """Make tables, alert topics, keys and an exchange for one deployment.

    `with_keys` are the accounts that have secrets; `changes` replaces text of the deployment file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    name = name or f"e2e-{next(_numbers)}"
    file = directory / f"{name}.toml"
    text = deployment_text(name, accounts)
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    deployment = load_deployment(file)
    with variables(aws):
        create_tables(
            state_table=deployment.state_table,
            ledger_table=deployment.ledger_table,
            prices_table=deployment.prices_table,
            region=REGION,
        )
        for severity in ("critical", "info"):
            topic = deployment.topic_name(f"alerts-{severity}")  # type: ignore[arg-type]
            boto3.client("sns", region_name=REGION).create_topic(Name=topic)
        for account in accounts if with_keys is None else with_keys:
            put_keys(deployment, AccountName(account), api_key=API_KEY, secret=SECRET)
    with ExitStack() as stack:
        process, endpoint = stack.enter_context(exchange(directory / "exchange.log", exchange_options))
        environment = {"MM_DEPLOYMENT_FILE": str(file), "MM_VENUE_ENDPOINT": endpoint}
        yield Stage(
            deployment=deployment,
            deployment_file=file,
            account=deployment.accounts[AccountName(accounts[0])],
            endpoint=endpoint,
            environment={**aws, **environment},
            directory=directory,
            exchange_process=process,
        )


@contextmanager
def exchange(log: Path, options: Sequence[str] = ()) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    """Run an exchange with the demo's key; yields its process and address."""
    command = [sys.executable, "-m", "infra.local.exchange", "--port", "0", *options]
    with running(command, log=log, environment={}, stdout=-1, cwd=ROOT) as process:
        yield process, first_line(process, "listening on ", timeout_s=START_TIMEOUT_S, log=log)


@contextmanager
def _function(stage: Stage, name: str, changes: Mapping[str, str]) -> Iterator[FunctionProcess]:
    log = stage.directory / f"{name}.log"
    command = [sys.executable, "-m", "infra.local.function_process", f"functions.{name}.handler"]
    environment = {**stage.environment, "MM_ACCOUNT": stage.account.name, **changes}
    with running(command, log=log, environment=environment, stdin=-1, stdout=-1, cwd=ROOT) as process:
        yield FunctionProcess(process, log)


def until[Value](ask: Callable[[], Value], *, seconds: float = 30) -> Value:
    """Ask again until the answer is true; a deadline makes silence a failure."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)
    return answer
