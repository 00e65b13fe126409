"""The synthesized stack on this machine, for tests: ministack runs the deployed functions against a local exchange.

    with local_stack(tmp_path_factory, directory) as stack:
        slot_ms = stack.send_tick()                 # into the tick queue, as schedule_ticks does
        stack.next_tick()                           # the same, and wait for what the function logged of it
        stack.invoke("check_risk").result           # one of the account's functions, or one of the deployment's own
        stack.exchange()                            # GET /local/state, as every stage has it
        stack.kill("replace_quotes")                # end the processes that a function runs in

A stack is a stage (tests/e2e/stage.py) whose functions are deployed. Its schedules are switched off: a test decides
what runs when. The stack is synthesized once a session.
"""

import contextlib
import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.local.assembly import Assembly
from infra.local.aws import MINISTACK, ROOT, ministack, put_keys, variables
from infra.local.deployer import Deployed, deploy
from infra.local.function_logs import FunctionLogs, follow_functions
from infra.local.stack import API_KEY, SECRET
from infra.local.synthesis import synthesize
from marketmaker.config import AccountFunction, SharedFunction, load_deployment
from tests.e2e.stage import Stage, deployment_text, exchange, until
from tests.infra.built_layers import dependencies

NAME = "e2e-stack"
ACCOUNTS = ("main", "second")
STILL = ("--history-s", "200", "--speed", "0.000001")
"""A market with a past, which now stands still: what moves and what fills is a test's own doing."""
CLOCKS = """
[clocks]
request_timeout_ms = 2000
request_ttl_ms = 1500
function_timeout_s = 4
"""
"""A lease of 5.5 s instead of 10: a test that waits for its end waits half as long."""
SHARED: tuple[SharedFunction, ...] = ("schedule_ticks", "fetch_prices")

type Name = AccountFunction | SharedFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What came of one call of a function: its result, or the error it raised."""

    result: Any
    error: str | None


@dataclass(slots=True, kw_only=True)
class Stack(Stage):
    """A stage whose functions are deployed; `account` is the first of the file, and the one that is quoted."""

    deployed: Deployed
    logs: FunctionLogs
    unpacked: Path
    _ticks: dict[int, dict[str, Any]] = field(default_factory=dict)

    def name_of(self, function: Name) -> str:
        """Return the name of one of the account's functions, or of the deployment's own."""
        return self.deployment.function_name(function, None if function in SHARED else self.account.name)

    def invoke(self, function: Name, event: Mapping[str, Any] | None = None) -> Invocation:
        """Invoke a function and wait for what comes of it."""
        answer = self.deployed.aws.client("lambda").invoke(
            FunctionName=self.name_of(function), Payload=json.dumps(event or {}).encode()
        )
        result = json.loads(answer["Payload"].read())
        return Invocation(result=result, error=result["errorMessage"] if "FunctionError" in answer else None)

    @property
    def tick_queue(self) -> str:
        """The URL of the account's tick queue."""
        return self.deployed.name_ending("AWS::SQS::Queue", f"-{self.account.name}-ticks")

    def send_tick(self) -> int:
        """Put a tick of the next slot into the queue, delayed to its moment; returns its slot."""
        slot_ms = self.next_slot_ms()
        self.deployed.aws.client("sqs").send_message(
            QueueUrl=self.tick_queue,
            MessageBody=json.dumps({"account": self.account.name, "slot_ms": slot_ms}),
            DelaySeconds=max(0, math.ceil(slot_ms / 1000 - time.time())),
        )
        return slot_ms

    def ticks(self) -> Mapping[int, dict[str, Any]]:
        """Return what the deployed function logged of each tick so far, by slot."""
        for line in self.logs.read():
            record = line.record() or {}
            if record.get("message") == "tick":
                slot_ms = record["slot_ms"] if "slot_ms" in record else record["slot"]
                self._ticks[slot_ms] = {**record, "slot_ms": slot_ms}
        return self._ticks

    def tick_of(self, slot_ms: int) -> dict[str, Any]:
        """Wait for what was logged of a tick that was sent."""
        return until(lambda: self.ticks().get(slot_ms) or {})

    def next_tick(self) -> dict[str, Any]:
        """Send a tick and wait for what was logged of it; on a busy machine a stale one is followed by another."""
        return until(lambda: _unless_stale(self.tick_of(self.send_tick())))

    def processes(self, function: Name) -> list[int]:
        """Return the processes that a function runs in now, warm ones included."""
        place = str(self.unpacked / f"ministack-lambda-{self.name_of(function)}-")
        listed = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True)  # noqa: S607
        rows = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
        return [int(pid) for pid, arguments in rows if place in arguments]

    def kill(self, function: Name) -> int:
        """End every process of a function at once, whatever it is doing; returns how many there were."""
        found = self.processes(function)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(_is_running, found)))
        return len(found)


def _is_running(pid: int) -> bool:
    """Tell whether a process, or a thread of it, has not ended yet; whether its parent has noticed does not matter."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    state = listed.stdout.strip()
    return bool(state) and ("Z" not in state or "l" in state)


def _unless_stale(tick: dict[str, Any]) -> dict[str, Any]:
    return {} if tick["outcome"] == "stale" else tick


@contextmanager
def local_stack(factory: pytest.TempPathFactory, directory: Path, *, enforce_roles: bool = False) -> Iterator[Stack]:
    """Deploy the stack to a ministack and an exchange of its own; both end with the context.

    With `enforce_roles` each function may do what its role allows and nothing else.
    """
    file, assembly = _synthesized(factory.getbasetemp() / "synthesized")
    deployment = load_deployment(file)
    log, unpacked = directory / "ministack.log", directory / "ministack"
    with (
        ministack(region=deployment.region, log=log, data=unpacked, enforce_roles=enforce_roles) as aws,
        exchange(directory / "exchange.log", STILL) as (process, endpoint),
        variables(aws),
    ):
        deployed = deploy(assembly, parameters={"VenueEndpoint": endpoint}, say=print)
        for account in deployment.accounts:
            put_keys(deployment, account, api_key=API_KEY, secret=SECRET)
        _switch_schedules_off(deployed)
        yield Stack(
            deployment=deployment,
            deployment_file=file,
            account=next(iter(deployment.accounts.values())),
            endpoint=endpoint,
            environment={**aws, "MM_DEPLOYMENT_FILE": str(file), "MM_VENUE_ENDPOINT": endpoint},
            directory=directory,
            exchange_process=process,
            deployed=deployed,
            logs=follow_functions(deployed),
            unpacked=unpacked,
        )


@cache
def _synthesized(directory: Path) -> tuple[Path, Assembly]:
    """Write the deployment file and synthesize it with the real layers, once a session."""
    if not MINISTACK.exists() and not os.environ.get("CI"):
        pytest.skip(f"{MINISTACK.relative_to(ROOT)} is missing: run `make setup`")
    dependencies()
    directory.mkdir()
    file = directory / f"{NAME}.toml"
    file.write_text(_deployment_text(), encoding="utf-8")
    return file, synthesize(file, directory / "cdk.out")


def _deployment_text() -> str:
    """Write the worked example's market for each account, where a book may stand still."""
    size = "order_size_base = 0.1"
    return deployment_text(NAME, ACCOUNTS).replace(size, f"{size}\nmax_book_age_s = 3600") + CLOCKS


def _switch_schedules_off(deployed: Deployed) -> None:
    client = deployed.aws.client("scheduler")
    own = deployed.names("AWS::Scheduler::Schedule")
    for row in client.list_schedules()["Schedules"]:
        if row["Name"] in own:
            schedule = client.get_schedule(Name=row["Name"], GroupName=row["GroupName"])
            kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
            client.update_schedule(**{key: schedule[key] for key in kept}, State="DISABLED")
