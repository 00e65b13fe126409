"""What the drills run on: the synthesized stack on ministack, and one exchange after another at the same address."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.aws import ROOT, ministack, put_keys, variables
from infra.local.bridges.pollers import QueuePoller
from infra.local.deployer import Deployed, deploy
from infra.local.drills.accounts import HOOK
from infra.local.drills.hook import HookEnd, hook_end
from infra.local.drills.topics import AsynchronousRelay
from infra.local.function_logs import FunctionLogs
from infra.local.processes import first_line, free_port, running
from infra.local.stack import API_KEY, SECRET
from infra.local.subscriber import Subscriber, alert_subscriber
from infra.local.synthesis import synthesize
from marketmaker.config import AccountFunction, Deployment, load_deployment
from marketmaker.domain.hooks import HookName
from marketmaker.domain.units import AccountName

START_TIMEOUT_S = 60.0
_KEPT = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillStage:
    """The deployed stack of all drills; `place` is where its functions are unpacked."""

    deployment: Deployment
    deployed: Deployed
    port: int
    place: Path
    out: Path
    subscriber: Subscriber
    hook: HookEnd
    poller: QueuePoller
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:  # noqa: ANN401 - as LocalAws.client
        """Return a client, made once."""
        if service not in self.clients:
            self.clients[service] = self.deployed.aws.client(service)
        return self.clients[service]

    def name_of(self, function: AccountFunction, account: str) -> str:
        """Return the name of one of an account's functions."""
        return self.deployment.function_name(function, AccountName(account))

    def invoke_later(self, function: AccountFunction, account: str) -> None:
        """Invoke a function without waiting, as a schedule does."""
        self.client("lambda").invoke(
            FunctionName=self.name_of(function, account), InvocationType="Event", Payload=b"{}"
        )

    def warm_up(self, account: str) -> None:
        """Have an account's tick function load its code before its first tick."""
        payload = json.dumps({"Records": []}).encode()
        self.client("lambda").invoke(FunctionName=self.name_of("replace_quotes", account), Payload=payload)

    def logs_of(self, account: str) -> FunctionLogs:
        """Follow the functions of one account."""
        names = [self.name_of(function, account) for function in ("replace_quotes", "check_risk", "halt")]
        return FunctionLogs(self.client("logs"), {f"/aws/lambda/{name}": name for name in names})

    def put_secret(self, name: str, fields: Mapping[str, str]) -> None:
        """Store what a secret holds, in place of what it held."""
        client, text = self.client("secretsmanager"), json.dumps(fields)
        try:
            client.put_secret_value(SecretId=name, SecretString=text)
        except client.exceptions.ResourceNotFoundException:
            client.create_secret(Name=name, SecretString=text)

    def kill(self, function: AccountFunction, account: str) -> int:
        """End every process of a function at once, whatever it is doing; returns how many there were."""
        own = str(self.place / f"ministack-lambda-{self.name_of(function, account)}-")
        listed = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True)
        rows = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
        found = [int(pid) for pid, arguments in rows if own in arguments]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)

    @contextmanager
    def exchange(self, name: str, options: Sequence[str]) -> Iterator[str]:
        """Run an exchange of a drill's own at the address that the functions know."""
        command = [sys.executable, "-m", "infra.local.exchange", "--port", str(self.port), *options]
        log = self.out / f"{name}-exchange.log"
        with running(command, log=log, environment={}, stdout=subprocess.PIPE, cwd=ROOT) as process:
            yield first_line(process, "listening on ", timeout_s=START_TIMEOUT_S, log=log)


@contextmanager
def open_stage(text: str, out: Path, *, say: Callable[[str], None]) -> Iterator[DrillStage]:
    """Synthesize a deployment file and deploy it to a local AWS; everything ends with the context."""
    out.mkdir(parents=True, exist_ok=True)
    for log in out.glob("*.log"):
        log.unlink()
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="marketmaker-", ignore_cleanup_errors=True)
        directory = Path(stack.enter_context(temporary))
        file = directory / "drill.toml"
        file.write_text(text, encoding="utf-8")
        say("synthesizing the stack, and building its layers where they are missing")
        assembly = synthesize(file, directory / "cdk.out")
        deployment = load_deployment(file)
        place, port = directory / "aws", free_port()
        say("starting ministack")
        aws = stack.enter_context(ministack(region=deployment.region, log=out / "ministack.log", data=place))
        stack.enter_context(variables(aws))
        deployed = deploy(assembly, parameters={"VenueEndpoint": f"http://127.0.0.1:{port}"}, say=lambda _: None)
        topics = [deployed.outputs["AlertsCriticalTopic"], deployed.outputs["AlertsInfoTopic"]]
        relay = AsynchronousRelay(deployed, deployment.function_name("relay_alerts", HookName(HOOK)))
        stage = DrillStage(
            deployment=deployment,
            deployed=deployed,
            port=port,
            place=place,
            out=out,
            subscriber=stack.enter_context(alert_subscriber(deployed.aws, topics, relay)),
            hook=stack.enter_context(hook_end()),
            poller=QueuePoller(deployed.aws.client("sqs")),
        )
        _switch_schedules_off(stage)
        for account in deployment.accounts:
            put_keys(deployment, account, api_key=API_KEY, secret=SECRET)
        for hook in deployment.hooks:
            stage.put_secret(deployment.hook_secret_name(hook), {"url": stage.hook.url})
        yield stage


def _switch_schedules_off(stage: DrillStage) -> None:
    """Let nothing run but what a drill fires."""
    client, own = stage.client("scheduler"), stage.deployed.names("AWS::Scheduler::Schedule")
    for row in client.list_schedules()["Schedules"]:
        if row["Name"] in own:
            schedule = client.get_schedule(Name=row["Name"], GroupName=row["GroupName"])
            client.update_schedule(**{key: schedule[key] for key in _KEPT}, State="DISABLED")
