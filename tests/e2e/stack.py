"""The synthesized stack on this machine, for tests: ministack runs the deployed functions against a local exchange.

    with local_stack(tmp_path_factory, directory) as stack:
        slot_ms = stack.send_tick()                 # into the tick queue, as schedule_ticks does
        stack.tick()                                # the same, and wait for what the function logged of it
        stack.invoke("check_risk").result           # one of the account's functions, or one of the deployment's own
        stack.exchange()                            # GET /local/state, as every stage has it
        stack.kill("replace_quotes")                # end the processes that a function runs in

A stack is a stage (tests/e2e/stage.py) whose functions are deployed. Its schedules are switched off: a test decides what
runs when. The stack is synthesized once for all tests of a session that use the same deployment file.
"""

import base64
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from marketmaker.domain.units import AccountName
from tests.e2e.stage import Stage, deployment_text, exchange, until
from tests.infra.built_layers import dependencies

NAME = "e2e-stack"
ACCOUNTS = ("main", "second")
CLOCKS = """
[clocks]
request_timeout_ms = 1500
request_ttl_ms = 1500
function_timeout_s = 4
"""
"""A lease of 5.5 s instead of 10: a test that waits for its end waits half as long."""
SHARED: tuple[SharedFunction, ...] = ("schedule_ticks", "fetch_prices")

type Name = AccountFunction | SharedFunction

_assemblies: dict[str, tuple[Path, Assembly]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What came of one call of a function: its result, or the error it raised, and what it logged."""

    result: Any
    error: str | None
    log: str


@dataclass(slots=True, kw_only=True)
class Stack(Stage):
    """A stage whose functions are deployed; `account` is the first of the file, and the one that is quoted."""

    deployed: Deployed
    logs: FunctionLogs
    unpacked: Path
    _ticks: dict[int, dict[str, Any]] = field(default_factory=dict)

    def name_of(self, function: Name, account: str | None = None) -> str:
        """Return a function's name; `account` is the quoted one unless another is given."""
        own = None if function in SHARED else AccountName(account or self.account.name)
        return self.deployment.function_name(function, own)

    def invoke(self, function: Name, event: Mapping[str, Any] | None = None) -> Invocation:
        """Invoke a function and wait for what comes of it."""
        answer = self.deployed.aws.client("lambda").invoke(
            FunctionName=self.name_of(function), Payload=json.dumps(event or {}).encode(), LogType="Tail"
        )
        result = json.loads(answer["Payload"].read())
        return Invocation(
            result=result,
            error=str(result.get("errorMessage", result)) if "FunctionError" in answer else None,
            log=base64.b64decode(answer.get("LogResult", "")).decode(),
        )

    @property
    def tick_queue(self) -> str:
        """The URL of the account's tick queue."""
        return self.deployed.name_ending("AWS::SQS::Queue", f"-{self.account.name}-ticks")

    def send_tick(self) -> int:
        """Put a tick of a new slot, due now, into the queue; returns its slot."""
        slot_ms = self.next_slot_ms()
        body = json.dumps({"account": self.account.name, "slot_ms": slot_ms})
        self.deployed.aws.client("sqs").send_message(QueueUrl=self.tick_queue, MessageBody=body)
        return slot_ms

    def ticks(self) -> Mapping[int, dict[str, Any]]:
        """Return what the deployed function logged of each tick so far, by slot."""
        for line in self.logs.read():
            record = line.record() or {}
            if record.get("message") == "tick":
                self._ticks[record.get("slot_ms", record.get("slot"))] = record
        return self._ticks

    def tick_of(self, slot_ms: int) -> dict[str, Any]:
        """Wait for what was logged of a tick that was sent."""
        return until(lambda: self.ticks().get(slot_ms) or {})

    def tick(self) -> dict[str, Any]:
        """Send a tick and wait for what was logged of it."""
        return self.tick_of(self.send_tick())

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
        return len(found)


def stack_text(accounts: Sequence[str] = ACCOUNTS) -> str:
    """Write the deployment file: the worked example's market for each account, and a broken price band halts."""
    halts = 'dedicated = true\nrisk = { price_band = "halt" }\n'
    return deployment_text(NAME, accounts).replace("dedicated = true\n", halts) + CLOCKS


@contextmanager
def local_stack(
    factory: pytest.TempPathFactory, directory: Path, *, text: str | None = None, enforce_roles: bool = False
) -> Iterator[Stack]:
    """Deploy the stack of a deployment file to a ministack and an exchange of its own; both end with the context.

    With `enforce_roles` each function may do what its role allows and nothing else.
    """
    file, assembly = _synthesized(factory, text or stack_text())
    deployment = load_deployment(file)
    unpacked = directory / "ministack"
    with (
        ministack(
            region=deployment.region, log=directory / "ministack.log", data=unpacked, enforce_roles=enforce_roles
        ) as aws,
        exchange(directory / "exchange.log", ["--history-s", "200"]) as (process, endpoint),
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


def _synthesized(factory: pytest.TempPathFactory, text: str) -> tuple[Path, Assembly]:
    """Synthesize a deployment file once a session, with the real layers."""
    if not MINISTACK.exists() and not os.environ.get("CI"):
        pytest.skip(f"{MINISTACK.relative_to(ROOT)} is missing: run `make setup`")
    dependencies()
    if text not in _assemblies:
        directory = factory.mktemp("synthesized")
        file = directory / f"{NAME}.toml"
        file.write_text(text, encoding="utf-8")
        _assemblies[text] = (file, synthesize(file, directory / "cdk.out"))
    return _assemblies[text]


def _switch_schedules_off(deployed: Deployed) -> None:
    client = deployed.aws.client("scheduler")
    own = deployed.names("AWS::Scheduler::Schedule")
    for row in client.list_schedules()["Schedules"]:
        if row["Name"] in own:
            schedule = client.get_schedule(Name=row["Name"], GroupName=row["GroupName"])
            kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
            client.update_schedule(**{key: schedule[key] for key in kept}, State="DISABLED")
