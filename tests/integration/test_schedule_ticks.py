"""`schedule_ticks` through its handler to SQS (moto), and what the queue then holds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from functions.schedule_ticks.handler import handler
from marketmaker.adapters.sqs import SqsTickQueue
from marketmaker.bootstrap.ticks import tick_scheduler
from marketmaker.domain.units import AccountName
from marketmaker.errors import ConfigError, Fatal, Retryable
from marketmaker.ports import DelayedTick
from tests.e2e.stage import REGION, deployment_text

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ACCOUNTS = ("main", "second")
MAIN = AccountName("main")


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator["SQSClient"]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    file = tmp_path / "two.toml"
    file.write_text(deployment_text("two", ACCOUNTS), encoding="utf-8")
    monkeypatch.setenv("MM_DEPLOYMENT_FILE", str(file))
    with mock_aws():
        tick_scheduler.cache_clear()
        yield boto3.client("sqs", region_name=REGION)
        tick_scheduler.cache_clear()


def make_queue(sqs: "SQSClient", name: str) -> str:
    return sqs.create_queue(QueueName=name)["QueueUrl"]


def waiting(sqs: "SQSClient", url: str) -> tuple[int, int]:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(counts[names[0]]), int(counts[names[1]])


def test_the_function_fills_every_accounts_own_queue_with_delayed_ticks(
    sqs: "SQSClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = {account: make_queue(sqs, account) for account in ACCOUNTS}
    monkeypatch.setenv("MM_TICK_QUEUES", json.dumps(urls))
    scheduled = handler({}, None)["schedule"]
    assert scheduled["sent"] == dict.fromkeys(ACCOUNTS, 12)
    assert scheduled["minute_ms"] % 60_000 == 0
    for url in urls.values():
        due, delayed = waiting(sqs, url)
        assert due + delayed == 12
        assert delayed >= 11


def test_a_message_is_a_tick_of_its_account(sqs: "SQSClient") -> None:
    url = make_queue(sqs, "main")
    SqsTickQueue(sqs, {MAIN: url}).send(MAIN, [DelayedTick(slot_ms=5_000, delay_s=0)])
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"account": "main", "slot_ms": 5_000}


def test_more_ticks_than_a_batch_holds_are_all_sent(sqs: "SQSClient") -> None:
    url = make_queue(sqs, "main")
    SqsTickQueue(sqs, {MAIN: url}).send(MAIN, [DelayedTick(slot_ms=n * 1000, delay_s=0) for n in range(60)])
    assert waiting(sqs, url) == (60, 0)


def test_a_missing_queue_is_fatal(sqs: "SQSClient") -> None:
    missing = make_queue(sqs, "main") + "-gone"
    with pytest.raises(Fatal, match=r"sending ticks to .*main-gone"):
        SqsTickQueue(sqs, {MAIN: missing}).send(MAIN, [DelayedTick(slot_ms=0, delay_s=0)])


def test_a_batch_taken_in_part_is_sent_again_later(sqs: "SQSClient") -> None:
    failed: Any = [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]
    with Stubber(sqs) as stub:
        stub.add_response("send_message_batch", {"Successful": [], "Failed": failed})
        with pytest.raises(Retryable, match="1 of 1 ticks were not taken by url: InternalError"):
            SqsTickQueue(sqs, {MAIN: "url"}).send(MAIN, [DelayedTick(slot_ms=0, delay_s=0)])


@pytest.mark.parametrize(("queues", "said"), [("", "not JSON of account"), ('{"main": "x"}', "no queue for")])
def test_a_queue_map_that_leaves_an_account_out_is_refused(
    sqs: "SQSClient", monkeypatch: pytest.MonkeyPatch, queues: str, said: str
) -> None:
    monkeypatch.setenv("MM_TICK_QUEUES", queues)
    with pytest.raises(ConfigError, match=f"MM_TICK_QUEUES: {said}"):
        handler({}, None)
