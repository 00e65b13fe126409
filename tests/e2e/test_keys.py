"""Venue keys as an operator stores, checks and replaces them, and alerts as commands send them."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.aws import ROOT
from infra.local.processes import free_port
from infra.local.stack import API_KEY, SECRET
from tests.e2e.stage import MM, REGION, Ended, Stage, deployment_text, local_aws, open_stage, run
from tests.e2e.terminal import type_in

NEW = {"api_key": "a-new-key", "secret": "a-new-secret"}
DEMO = {"api_key": API_KEY, "secret": SECRET}
RESTRICTIONS = "GET /sapi/v1/account/apiRestrictions"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


@pytest.fixture
def stage(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    with open_stage(aws, tmp_path) as opened:
        yield opened


@pytest.fixture
def keyless(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    with open_stage(aws, tmp_path, with_keys=()) as opened:
        yield opened


def set_keys(stage: Stage, text: str, *arguments: str, **environment: str) -> Ended:
    """Run `mm keys set` with a text as its standard input."""
    command = [str(MM), "keys", "set", *arguments]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "AWS_", "MAKE"))}
    done = subprocess.run(  # noqa: S603 - our own command
        command,
        env={**own, "COLUMNS": "160", "TERM": "dumb", **stage.environment, **environment},
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


def set_on_terminal(stage: Stage, answers: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Run `mm keys set` on a terminal of its own."""
    return type_in([MM, "keys", "set"], stage.environment, answers)


def secret_of(stage: Stage, purpose: str) -> dict[str, Any] | None:
    with stage.here():
        client = boto3.client("secretsmanager", region_name=REGION)
        name = f"marketmaker/{stage.deployment.name}/{stage.account.name}/{purpose}"
        try:
            content: dict[str, Any] = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
        except client.exceptions.ResourceNotFoundException:
            return None
    return content


@contextmanager
def inbox(stage: Stage, severity: str) -> Iterator[list[dict[str, Any]]]:
    """Subscribe to an alert topic; the messages are in the list after the block."""
    messages: list[dict[str, Any]] = []
    with stage.here():
        sns, sqs = boto3.client("sns", region_name=REGION), boto3.client("sqs", region_name=REGION)
        topic = sns.create_topic(Name=f"marketmaker-{stage.deployment.name}-alerts-{severity}")["TopicArn"]
        url = sqs.create_queue(QueueName=f"{stage.deployment.name}-{severity}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    yield messages
    with stage.here():
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        messages += [json.loads(each["Body"]) for each in received.get("Messages", [])]


def assert_shows_no_key(ended: Ended) -> None:
    for text in (API_KEY, SECRET, *NEW.values()):
        assert text not in ended.out + ended.err


# --- mm keys check ---------------------------------------------------------------------------------------------------


def test_good_keys_are_good_and_one_key_for_both_is_said(stage: Stage) -> None:
    ended = stage.mm("keys", "check")
    assert ended.code == 0
    assert ended.out.count("good") == 2
    assert [line.split(":")[0] for line in ended.said] == ["main trade", "main risk"]
    assert all("trade and risk are one key" in line for line in ended.said)
    trade, risk = json.loads(stage.mm("keys", "check", "--json").out)
    assert (trade["purpose"], risk["purpose"]) == ("trade", "risk")
    assert trade["verdict"] == "good"
    assert (trade["accepted"], trade["may_trade"], trade["may_withdraw"], trade["ip_bound"]) == (
        True,
        True,
        False,
        False,
    )
    assert abs(trade["clock_offset_ms"]) < 1000
    assert_shows_no_key(ended)


def test_a_key_that_may_withdraw_is_refused_loudly(aws: Mapping[str, str], tmp_path: Path) -> None:  # R26
    with open_stage(aws, tmp_path, exchange_options=["--withdrawals"]) as stage:
        ended = stage.mm("keys", "check")
        assert ended.code == 2
        assert sum("IT MAY WITHDRAW" in line for line in ended.said) == 2
        assert "good" not in ended.out


def test_a_venue_that_cannot_tell_is_a_third_answer(stage: Stage) -> None:  # R7, R26
    stage.arm(fault="server_error", route=RESTRICTIONS, status=503, count=None)
    ended = stage.mm("keys", "check")
    assert ended.code == 1
    assert ended.out.count("unproven") == 2
    assert sum("cannot tell whether it may withdraw" in line for line in ended.said) == 2
    (trade, _) = json.loads(stage.mm("keys", "check", "--json").out)
    assert trade["may_withdraw"] is None


def test_a_refused_key_is_told_from_a_good_one_and_says_what_to_do(stage: Stage) -> None:
    stage.put_secret(json.dumps(NEW), purpose="risk")
    ended = stage.mm("keys", "check")
    assert ended.code == 1
    (line,) = ended.said
    assert line.startswith("main risk: the venue refuses it: AuthenticationError")
    assert "IP addresses" in line
    assert_shows_no_key(ended)


def test_a_missing_and_a_malformed_secret_are_named(keyless: Stage) -> None:
    assert set_keys(keyless, json.dumps(DEMO), "-p", "trade", "--no-check").code == 0
    keyless.put_secret('{"api_key": "visible-part"')
    ended = keyless.mm("keys", "check")
    assert ended.code == 2
    trade, risk = ended.said
    assert "is not a JSON object" in trade
    assert "does not exist: create it" in risk
    assert "mm keys set" in risk
    assert "visible-part" not in ended.out + ended.err


def test_a_venue_that_is_down_proves_nothing(stage: Stage) -> None:
    ended = stage.mm("keys", "check", MM_VENUE_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    assert ended.code == 2
    assert sum("could not be asked" in line for line in ended.said) == 2


def test_one_accounts_trouble_keeps_no_other_from_being_checked(aws: Mapping[str, str], tmp_path: Path) -> None:
    with open_stage(aws, tmp_path, accounts=("one", "two"), with_keys=("two",)) as stage:
        ended = stage.mm("keys", "check", "--json")
        assert ended.code == 1
        assert [(each["account"], each["verdict"]) for each in json.loads(ended.out)] == [
            ("one", "bad"),
            ("one", "bad"),
            ("two", "good"),
            ("two", "good"),
        ]
        assert stage.mm("keys", "check", "--account", "two").code == 0


# --- mm keys set -----------------------------------------------------------------------------------------------------


def test_a_key_from_standard_input_is_stored_checked_and_never_shown(keyless: Stage) -> None:
    said = []
    for purpose in ("trade", "risk"):
        ended = set_keys(keyless, json.dumps(DEMO), "--account", "main", "--purpose", purpose)
        assert ended.code == 0
        assert f"main {purpose}: stored, its first key" in ended.out
        assert "good" in ended.out
        assert_shows_no_key(ended)
        assert secret_of(keyless, purpose) == DEMO
        said += ended.said
    (line,) = said
    assert line.startswith("main risk: trade and risk are one key")
    with keyless.here():
        client = boto3.client("secretsmanager", region_name=REGION)
        described = client.describe_secret(SecretId=f"marketmaker/{keyless.deployment.name}/main/trade")
    assert {tag["Key"]: tag["Value"] for tag in described["Tags"]} == {
        "deployment": keyless.deployment.name,
        "account": "main",
    }
    with keyless.function("replace_quotes") as quoting:
        assert keyless.tick(quoting)["markets"][0]["orders_placed"] == 2


def test_both_keys_are_asked_for_on_a_terminal_which_shows_no_secret(keyless: Stage) -> None:
    answers = [
        ("main trade: API key: ", f"  {API_KEY} \n"),
        ("main trade: secret (not shown): ", f"{SECRET}\n"),
        ("main risk: API key: ", f"{API_KEY}\n"),
        ("main risk: secret (not shown): ", f"{SECRET}\n"),
    ]
    code, shown = set_on_terminal(keyless, answers)
    assert code == 0
    assert SECRET not in shown
    assert shown.count("stored, its first key") == 2
    assert (secret_of(keyless, "trade"), secret_of(keyless, "risk")) == (DEMO, DEMO)


def test_a_prompt_that_is_left_stores_nothing(keyless: Stage) -> None:
    code, shown = set_on_terminal(
        keyless, [("main trade: API key: ", f"{API_KEY}\n"), ("secret (not shown): ", "\x04")]
    )
    assert code == 2
    assert "nothing was stored" in shown
    assert secret_of(keyless, "trade") is None


def test_a_key_that_may_withdraw_is_not_stored(stage: Stage) -> None:  # R26
    stage.accept_key(NEW["api_key"], NEW["secret"], withdrawals=True)
    ended = set_keys(stage, json.dumps(NEW), "-p", "trade")
    assert ended.code == 2
    assert ended.err.startswith("main trade: NOT STORED: IT MAY WITHDRAW")
    assert secret_of(stage, "trade") == DEMO


def test_a_key_that_the_venue_refuses_from_here_is_stored_and_told(stage: Stage) -> None:
    ended = set_keys(stage, json.dumps(NEW), "-p", "trade")
    assert ended.code == 1
    assert "main trade: stored, in place of the key before" in ended.out
    assert "main trade: the venue refuses it" in ended.err
    assert secret_of(stage, "trade") == NEW
    assert_shows_no_key(ended)


def test_an_unasked_venue_may_be_down(stage: Stage) -> None:
    down = f"http://127.0.0.1:{free_port()}"
    ended = set_keys(stage, json.dumps(NEW), "-p", "trade", "--no-check", MM_VENUE_ENDPOINT=down)
    assert (ended.code, ended.err) == (0, "")
    assert secret_of(stage, "trade") == NEW


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (json.dumps(NEW), (), "--purpose: nothing is not allowed: trade or risk"),
        ("", ("-p", "trade"), "standard input is not one JSON object"),
        ('["a-new-key"]', ("-p", "trade"), "standard input is not one JSON object"),
        ('{"api_key": "a-new-key"', ("-p", "trade"), "standard input is not one JSON object"),
        ('{"api_key": "a-new-key"}', ("-p", "trade"), "secret: nothing is not allowed"),
        ('{"api_key": "a-new-key", "secret": "two\\nlines"}', ("-p", "trade"), "secret holds a line break"),
        (
            '{"api_key": "a-new-key", "secret": "x", "a-new-secret": 1}',
            ("-p", "trade"),
            "a field of the key is not known",
        ),
        (json.dumps(NEW), ("-p", "trade", "-a", "nobody"), "nobody is not allowed: one of main"),
    ],
)
def test_what_is_no_key_changes_nothing_and_is_one_line(
    stage: Stage, text: str, arguments: tuple[str, ...], said: str
) -> None:
    ended = set_keys(stage, text, *arguments)
    assert ended.code == 2
    (line,) = ended.said
    assert said in line
    assert_shows_no_key(ended)
    assert secret_of(stage, "trade") == DEMO


def test_the_account_must_be_named_where_there_are_several(aws: Mapping[str, str], tmp_path: Path) -> None:
    with open_stage(aws, tmp_path, accounts=("one", "two"), with_keys=()) as stage:
        ended = set_keys(stage, json.dumps(NEW), "-p", "trade")
        assert ended.code == 2
        assert "--account: nothing is not allowed: one of one, two" in ended.err


def test_paper_trading_has_no_keys_to_set_or_check(tmp_path: Path) -> None:
    file = tmp_path / "paper.toml"
    text = deployment_text("paper").replace('stage = "local"', 'stage = "paper"')
    text = text.replace("dedicated = true", "dedicated = true\npaper = { PAXG = 1, USDT = 2000 }")
    file.write_text(text, encoding="utf-8")
    ended = run([MM, "keys", "check"], {"COLUMNS": "160", "MM_DEPLOYMENT_FILE": str(file)})
    assert ended.code == 2
    assert "paper trading uses no keys" in ended.err


# --- a key that is replaced while the functions run ------------------------------------------------------------------


def test_a_warm_function_goes_on_with_the_key_that_replaced_its_own(stage: Stage) -> None:
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["markets"][0]["orders_placed"] == 2
        stage.accept_key(NEW["api_key"], NEW["secret"])
        assert set_keys(stage, json.dumps(NEW), "-p", "trade").code == 0
        assert [stage.tick(quoting)["outcome"] for _ in range(2)] == ["done", "done"]
    assert "main  quoting" in stage.mm("status").out


def test_a_warm_function_whose_key_was_revoked_halts_the_account_once(stage: Stage) -> None:  # R26
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["markets"][0]["orders_placed"] == 2
        stage.accept_key(NEW["api_key"], NEW["secret"])
        assert [stage.tick(quoting)["outcome"] for _ in range(3)] == ["account_refused", "halted", "halted"]


# --- alerts of commands ----------------------------------------------------------------------------------------------


def test_a_halt_and_a_resume_reach_the_alert_topics_of_the_deployment(stage: Stage) -> None:  # S12
    with inbox(stage, "critical") as critical, inbox(stage, "info") as info:
        assert stage.mm("halt", "--reason", "drill").said == []
        assert stage.mm("resume", "--reason", "over").said == []
    (halted,) = critical
    assert halted["Message"].startswith("main halted by operator: drill.")
    assert halted["MessageAttributes"]["account"]["Value"] == "main"
    (resumed,) = info
    assert resumed["Message"].startswith("main resumed by operator: over.")


def test_a_missing_topic_is_one_line_and_changes_no_exit_code(stage: Stage) -> None:
    with stage.here():
        sns = boto3.client("sns", region_name=REGION)
        for topic in sns.list_topics()["Topics"]:
            if f"-{stage.deployment.name}-" in topic["TopicArn"]:
                sns.delete_topic(TopicArn=topic["TopicArn"])
    halted = stage.mm("halt", "--reason", "drill")
    assert halted.code == 0
    assert "main: halted" in halted.out
    (line,) = halted.said
    assert line.startswith("main: alert not sent: publishing to topic arn:aws:sns:")
    assert f"marketmaker-{stage.deployment.name}-alerts-critical" in line
    resumed = stage.mm("resume", "--reason", "over")
    assert (resumed.code, resumed.out) == (0, "main: quoting, epoch 2\n")
    assert len(resumed.said) == 1
