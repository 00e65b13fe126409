"""Hooks as an operator uses them, and the deployed function of one on ministack, as its own role (S12, R27)."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.aws import MINISTACK, ROOT, ministack, variables
from infra.local.deployer import Deployed, deploy
from infra.local.function_logs import FunctionLogs, follow_functions
from infra.local.processes import free_port
from infra.local.synthesis import synthesize
from marketmaker.adapters.sns import SnsAlerts
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.ports import Alert, Severity
from tests.contract import hook_receivers as robots
from tests.contract.hook_receivers import Answer, Receiver, receiver
from tests.contract.test_hooks import shown_secrets
from tests.e2e.stack import _switch_schedules_off
from tests.e2e.stage import MM, REGION, Ended, deployment_text, run, until
from tests.e2e.terminal import type_in
from tests.infra.built_layers import dependencies

NAME = "e2e-hooks"
HOOKS = """
[alerts.hooks.desk]
kind = "dingtalk"

[alerts.hooks.night]
kind = "telegram"
severity = "critical"
accounts = ["main"]
"""
ALERT = Alert(
    account=AccountName("main"),
    kind="price_band",
    severity=Severity.CRITICAL,
    text="main PAXG/USDT: 1795.2 is outside [1800, 2000]",
    symbol=Symbol("PAXG/USDT"),
)

ATTRIBUTES = {"account": "main", "kind": "price_band", "severity": "critical"}


class Here:
    """A deployment with two hooks on a ministack that enforces roles, and the two receiving ends."""

    def __init__(self, environment: Mapping[str, str], deployed: Deployed, desk: Receiver, night: Receiver) -> None:
        self.environment, self.deployed, self.desk, self.night = environment, deployed, desk, night
        self.logs: FunctionLogs = follow_functions(deployed)
        topics = {Severity.CRITICAL: "AlertsCriticalTopic", Severity.INFO: "AlertsInfoTopic"}
        self._topics = {severity: deployed.outputs[name] for severity, name in topics.items()}

    def mm(self, *arguments: str, text: str | None = None) -> Ended:
        if text is None:
            return run([MM, *arguments], {"COLUMNS": "160", "MM_OPERATOR": "ana", **self.environment})
        own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "AWS_", "MAKE"))}
        done = subprocess.run(  # noqa: S603 - our own command
            [str(MM), *arguments],
            env={**own, "COLUMNS": "160", "TERM": "dumb", **self.environment},
            cwd=ROOT,
            input=text,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr)

    def set(self, name: str, fields: Mapping[str, str]) -> Ended:
        return self.mm("hooks", "set", name, text=json.dumps(fields))

    def publish(self, alert: Alert) -> None:
        SnsAlerts(self.deployed.aws.client("sns"), self._topics).send(alert)

    def invoke_as_sns(self, hook: str) -> None:
        """Invoke a hook's function as SNS does on AWS: asynchronously. ministack's SNS tries once, whatever comes."""
        attributes = {name: {"Type": "String", "Value": value} for name, value in ATTRIBUTES.items()}
        told = {"MessageId": "m1", "TopicArn": self._topics[Severity.CRITICAL], "Message": "main: the price is outside"}
        event = {"Records": [{"EventSource": "aws:sns", "Sns": {**told, "MessageAttributes": attributes}}]}
        name = f"marketmaker-{NAME}-{hook}-relay_alerts"
        client = self.deployed.aws.client("lambda")
        client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())

    def desk_fields(self) -> dict[str, str]:
        url = f"{self.desk.endpoint}/robot/send?access_token={robots.DINGTALK_TOKEN}"
        return {"url": url, "secret": robots.DINGTALK_SECRET}

    def night_fields(self) -> dict[str, str]:
        url = f"{self.night.endpoint}/bot{robots.TELEGRAM_TOKEN}/sendMessage"
        return {"url": url, "chat_id": robots.TELEGRAM_CHAT}


@pytest.fixture(scope="module")
def deployed_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    if not MINISTACK.exists() and not os.environ.get("CI"):
        pytest.skip(f"{MINISTACK.relative_to(ROOT)} is missing: run `make setup`")
    dependencies()
    directory = tmp_path_factory.mktemp("hooks")
    file = directory / f"{NAME}.toml"
    file.write_text(deployment_text(NAME) + HOOKS, encoding="utf-8")
    assembly = synthesize(file, directory / "cdk.out")
    with (
        ministack(region=REGION, log=directory / "log", data=directory / "data", enforce_roles=True) as aws,
        variables(aws),
        receiver(robots.dingtalk) as desk,
        receiver(robots.telegram) as night,
    ):
        endpoint = f"http://127.0.0.1:{free_port()}"
        deployed = deploy(assembly, parameters={"VenueEndpoint": endpoint}, say=print)
        _switch_schedules_off(deployed)
        yield Here({**aws, "MM_DEPLOYMENT_FILE": str(file)}, deployed, desk, night)


@pytest.fixture
def here(deployed_here: Here) -> Here:
    """Both hooks work, and nothing was received yet."""
    put_secret("desk", deployed_here.desk_fields())
    put_secret("night", deployed_here.night_fields())
    for each in (deployed_here.desk, deployed_here.night):
        each.received.clear()
        each.answers.clear()
    return deployed_here


def put_secret(name: str, fields: Mapping[str, str]) -> None:
    client, kept = boto3.client("secretsmanager", region_name=REGION), f"marketmaker/{NAME}/hooks/{name}"
    try:
        client.put_secret_value(SecretId=kept, SecretString=json.dumps(fields))
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=kept, SecretString=json.dumps(fields))


def secret_of(name: str) -> Any:
    client = boto3.client("secretsmanager", region_name=REGION)
    return json.loads(client.get_secret_value(SecretId=f"marketmaker/{NAME}/hooks/{name}")["SecretString"])


def lines(receiver: Receiver) -> list[str]:
    """Return the first lines of what a robot got."""
    bodies = [each.json for each in receiver.received]
    return [(body["text"]["content"] if "msgtype" in body else body["text"]).split("\n")[0] for body in bodies]


def test_an_alert_reaches_the_hooks_that_want_it_as_their_own_roles(here: Here) -> None:
    here.publish(ALERT)
    critical = f"[{NAME}] CRITICAL main PAXG/USDT: price band"
    until(lambda: lines(here.desk) == lines(here.night) == [critical])
    info = Alert(account=AccountName("main"), kind="resume", severity=Severity.INFO, text="main resumed")
    over = Alert(account=AccountName("main"), kind="halt", severity=Severity.INFO, text="x", resolves=Severity.CRITICAL)
    here.publish(info)
    until(lambda: len(here.desk.received) == 2)
    here.publish(over)
    until(lambda: len(here.desk.received) == 3 and len(here.night.received) == 2)
    assert lines(here.desk) == [critical, f"[{NAME}] INFO main: resume", f"[{NAME}] RESOLVED main: halt"]
    assert lines(here.night) == [critical, f"[{NAME}] RESOLVED main: halt"]


def test_a_message_that_was_not_taken_is_sent_again(here: Here) -> None:
    here.desk.answers.append(Answer(status=503))
    here.invoke_as_sns("desk")
    until(lambda: len(here.desk.received) == 2)
    assert lines(here.desk) == [f"[{NAME}] CRITICAL main: price band"] * 2


def test_what_a_hook_never_takes_is_kept_and_neither_that_nor_a_log_shows_a_secret(here: Here) -> None:
    """The robot's answer repeats its whole address."""
    here.desk.answers += [Answer(status=403, body=f"no: {here.desk_fields()}")] * 3
    here.invoke_as_sns("desk")
    sqs, queue = here.deployed.aws.client("sqs"), here.deployed.name_ending("AWS::SQS::Queue", "-undelivered")
    (kept,) = until(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []))
    body = json.loads(kept["Body"])
    assert body["requestPayload"]["Records"][0]["Sns"]["Message"] == "main: the price is outside"
    assert "not shown" in body["responsePayload"]["errorMessage"]
    text = until(lambda: failed if "alert_not_relayed" in (failed := log_of(here)) else "")
    assert shown_secrets(f"{kept} {text}") == []
    assert len(here.desk.received) == 3


def test_a_hook_that_fails_keeps_no_other_from_hearing(here: Here) -> None:
    here.desk.answers.append(Answer(status=403))
    here.publish(ALERT)
    until(lambda: here.desk.received and here.night.received)
    assert here.desk.answers == []


_seen: list[str] = []


def log_of(here: Here) -> str:
    _seen.extend(line.text for line in here.logs.read())
    return "\n".join(_seen)


def test_a_hooks_role_may_read_no_other_secret(here: Here) -> None:
    name = f"marketmaker-{NAME}-desk-relay_alerts"
    role = here.deployed.aws.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    given = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="probe")["Credentials"]
    client = boto3.client(
        "secretsmanager",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert client.get_secret_value(SecretId=f"marketmaker/{NAME}/hooks/desk")
    with pytest.raises(ClientError, match="not authorized"):
        client.get_secret_value(SecretId=f"marketmaker/{NAME}/hooks/night")


# --- mm hooks --------------------------------------------------------------------------------------------------------


def assert_shows_no_secret(ended: Ended) -> None:
    assert shown_secrets(ended.out + ended.err) == []


def test_a_hook_is_stored_listed_and_tried(here: Here) -> None:
    ended = here.set("desk", here.desk_fields())
    assert (ended.code, ended.out) == (0, "desk: stored, in place of the one before\n")
    assert_shows_no_secret(ended)
    assert secret_of("desk") == here.desk_fields()
    listed = here.mm("hooks", "list", "--json")
    assert [(each["hook"], each["secret"]) for each in json.loads(listed.out)] == [
        ("desk", "stored"),
        ("night", "stored"),
    ]
    shown = here.mm("hooks", "list")
    assert (listed.code, shown.code) == (0, 0)
    assert all(word in shown.out for word in ("dingtalk", "telegram", "critical", "main", "all"))
    tried = here.mm("hooks", "test", "desk")
    assert (tried.code, tried.out.split(";")[0]) == (0, "desk: the dingtalk hook took a test message")
    assert lines(here.desk) == [f"[{NAME}] INFO test message"]
    assert "Sent by ana" in here.desk.received[0].body.decode()


def test_a_hook_that_does_not_take_the_test_is_one_line_that_says_why(here: Here) -> None:
    put_secret("desk", here.desk_fields() | {"secret": "SECanother"})
    ended = here.mm("hooks", "test", "desk")
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.said
    assert line.startswith("Refused: dingtalk hook: answered 200: ")
    assert "sign not match" in line
    assert_shows_no_secret(ended)


@pytest.mark.parametrize("command", ["set", "test"])
def test_a_name_that_the_file_does_not_know_is_refused_in_one_line(here: Here, command: str) -> None:
    ended = here.mm("hooks", command, "desc", text="{}")
    assert (ended.code, ended.out) == (2, "")
    assert ended.said == ["ConfigError: NAME: desc is not allowed: one of desk, night"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'standard input is not one JSON object: {"url": "…", "secret": "…"}'),
        (robots.DINGTALK_SECRET, "standard input is not one JSON object"),
        (json.dumps({"url": f"http://example.com/{robots.DINGTALK_TOKEN}", "secret": "x"}), "url does not start with"),
        (json.dumps({"url": "https://example.com/x"}), "secret: nothing is not allowed: the signing secret"),
    ],
)
def test_what_is_no_secret_is_refused_in_one_line_and_changes_nothing(here: Here, text: str, said: str) -> None:
    ended = here.mm("hooks", "set", "desk", text=text)
    (line,) = ended.said
    assert (ended.code, said in line) == (2, True)
    assert_shows_no_secret(ended)
    assert secret_of("desk") == here.desk_fields()


def test_a_terminal_asks_for_what_the_kind_needs_and_shows_none_of_it(here: Here) -> None:
    fields = here.night_fields()
    asked = [("bot token (not shown): ", f"{fields['url']}\n"), ("chat id (not shown): ", "-42\n")]
    code, shown = type_in([MM, "hooks", "set", "night"], here.environment, asked)
    assert code == 0
    assert "night: stored" in shown
    assert shown_secrets(shown) == []
    assert secret_of("night") == fields | {"chat_id": "-42"}


def test_a_secret_that_is_missing_is_listed_with_what_to_do(here: Here) -> None:
    boto3.client("secretsmanager", region_name=REGION).delete_secret(
        SecretId=f"marketmaker/{NAME}/hooks/night", ForceDeleteWithoutRecovery=True
    )
    ended = here.mm("hooks", "list")
    assert ended.code == 1
    (line,) = ended.said
    assert line.startswith("night: secret marketmaker/e2e-hooks/hooks/night does not exist")
    assert "mm hooks set night" in line


def test_a_file_without_hooks_lists_none(here: Here, tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    file.write_text(deployment_text("none"), encoding="utf-8")
    ended = here.mm("hooks", "list", "--deployment", str(file))
    assert (ended.code, ended.out) == (0, "no hooks: the file has no [alerts.hooks.NAME]\n")
