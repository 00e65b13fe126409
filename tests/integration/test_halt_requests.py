"""A halt request from one function to another: through SNS to the function of every account, and into one halt."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from marketmaker.adapters.halt_events import read_halt_event
from marketmaker.adapters.sns import SnsHaltRequests
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import HaltRequest
from tests.tables import REGION, use_fake_credentials

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

MAIN, SECOND = AccountName("main"), AccountName("second")
REQUEST = HaltRequest(account=MAIN, reason='lost 5 % – "genug"', requested_by="check_risk")


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator["SNSClient"]:
    use_fake_credentials(monkeypatch)
    with mock_aws():
        yield boto3.client("sns", region_name=REGION)


SYMBOLS = {MAIN: [Symbol("PAXG/USDT")], SECOND: [Symbol("BTC/USDT")]}


class HaltTopic:
    """The halt topic with a queue for each account, in the place of its function."""

    def __init__(self, sns: "SNSClient") -> None:
        self.arn = sns.create_topic(Name="halt")["TopicArn"]
        self._sqs = boto3.client("sqs", region_name=REGION)
        self._queues = {}
        for account in (MAIN, SECOND):
            url = self._sqs.create_queue(QueueName=account)["QueueUrl"]
            arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=arn)
            self._queues[account] = url

    def delivered(self, account: AccountName) -> list[HaltRequest]:
        """Read what reached an account, as its function would be invoked with it."""
        got = self._sqs.receive_message(QueueUrl=self._queues[account], MaxNumberOfMessages=10).get("Messages", [])
        events: list[dict[str, Any]] = [{"Records": [{"Sns": json.loads(each["Body"])}]} for each in got]
        return [request for event in events for request in read_halt_event(event, account, SYMBOLS[account])]


def test_request_halts_its_own_account_alone(sns: "SNSClient") -> None:
    topic = HaltTopic(sns)
    SnsHaltRequests(sns, topic.arn).request(REQUEST)
    (reached,) = topic.delivered(MAIN)
    assert (reached.account, reached.reason, reached.requested_by) == (MAIN, REQUEST.reason, "check_risk")
    assert reached.delivery
    assert topic.delivered(SECOND) == []


def test_operators_message_without_an_account_halts_every_account(sns: "SNSClient") -> None:
    topic = HaltTopic(sns)
    sns.publish(TopicArn=topic.arn, Message=json.dumps({"reason": "drill", "requested_by": "operator"}))
    for account in (MAIN, SECOND):
        assert [(each.account, each.reason) for each in topic.delivered(account)] == [(account, "drill")]


def test_request_for_one_market_reaches_the_accounts_that_work_it(sns: "SNSClient") -> None:
    topic = HaltTopic(sns)
    sns.publish(TopicArn=topic.arn, Message=json.dumps({"reason": "delisting", "symbol": "BTC/USDT"}))
    assert topic.delivered(MAIN) == []
    assert [each.symbol for each in topic.delivered(SECOND)] == ["BTC/USDT"]


def test_request_for_one_market_keeps_it_on_its_way(sns: "SNSClient") -> None:
    topic = HaltTopic(sns)
    SnsHaltRequests(sns, topic.arn).request(replace(REQUEST, symbol=Symbol("PAXG/USDT")))
    assert [each.symbol for each in topic.delivered(MAIN)] == ["PAXG/USDT"]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [("ThrottlingException", 400, Retryable), ("NotFound", 404, Fatal), ("InvalidParameter", 400, Refused)],
)
def test_failures_say_what_to_do_and_name_the_topic(
    sns: "SNSClient", code: str, status: int, kind: type[MarketMakerError]
) -> None:
    with Stubber(sns) as stub:
        stub.add_client_error("publish", service_error_code=code, http_status_code=status)
        with pytest.raises(kind, match=r"publishing to topic arn:aws:sns:eu-west-1:1:halt: "):
            SnsHaltRequests(sns, "arn:aws:sns:eu-west-1:1:halt").request(REQUEST)
