"""SNS and Secrets Manager adapters on moto."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from marketmaker.adapters.secrets import SecretsKeyStore, read_venue_key
from marketmaker.adapters.sns import SnsAlerts
from marketmaker.domain.keys import KeyPurpose, VenueKey
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import ConfigError, Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import Alert, Severity
from tests.tables import REGION, use_fake_credentials

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET = "s3cr3t-value"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_fake_credentials(monkeypatch)
    with mock_aws():
        yield


@pytest.fixture
def secrets(aws: None) -> "SecretsManagerClient":
    return boto3.client("secretsmanager", region_name=REGION)


class Inbox:
    """Topics with a queue each, to read what was published."""

    def __init__(self) -> None:
        self.sns = boto3.client("sns", region_name=REGION)
        self._sqs = boto3.client("sqs", region_name=REGION)
        self.topics = {each: self.sns.create_topic(Name=each.value)["TopicArn"] for each in Severity}
        self._queues = {}
        for severity, topic in self.topics.items():
            url = self._sqs.create_queue(QueueName=severity.value)["QueueUrl"]
            arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
            self._queues[severity] = url

    def messages(self, severity: Severity) -> list[dict[str, object]]:
        got = self._sqs.receive_message(QueueUrl=self._queues[severity], MaxNumberOfMessages=10)
        return [json.loads(each["Body"]) for each in got.get("Messages", [])]


def alert(
    severity: Severity = Severity.CRITICAL, *, symbol: str | None = "PAXG/USDT", kind: str = "stale_book"
) -> Alert:
    return Alert(
        account=AccountName("main"),
        kind=kind,
        severity=severity,
        text="the book stands still – wörtlich",
        symbol=None if symbol is None else Symbol(symbol),
    )


@pytest.mark.parametrize("severity", Severity)
def test_alert_goes_to_the_topic_of_its_severity(severity: Severity) -> None:
    inbox = Inbox()
    SnsAlerts(inbox.sns, inbox.topics).send(alert(severity))
    assert [each["Message"] for each in inbox.messages(severity)] == ["the book stands still – wörtlich"]
    for other in set(Severity) - {severity}:
        assert inbox.messages(other) == []


def test_alert_carries_subject_and_attributes() -> None:
    inbox = Inbox()
    SnsAlerts(inbox.sns, inbox.topics).send(alert())
    (message,) = inbox.messages(Severity.CRITICAL)
    assert message["Subject"] == "CRITICAL main PAXG/USDT: stale book"
    assert message["MessageAttributes"] == {
        name: {"Type": "String", "Value": value}
        for name, value in {
            "account": "main",
            "kind": "stale_book",
            "severity": "critical",
            "symbol": "PAXG/USDT",
        }.items()
    }


@pytest.mark.parametrize("severity", Severity)
def test_the_end_of_an_alert_says_so_and_how_bad_it_was(severity: Severity) -> None:
    inbox = Inbox()
    SnsAlerts(inbox.sns, inbox.topics).send(replace(alert(Severity.INFO), resolves=severity))
    (message,) = inbox.messages(Severity.INFO)
    attributes: Any = message["MessageAttributes"]
    assert message["Subject"] == "RESOLVED main PAXG/USDT: stale book"
    assert (attributes["severity"]["Value"], attributes["resolved"]["Value"]) == ("info", severity)


def test_alert_of_the_whole_account_has_no_symbol() -> None:
    inbox = Inbox()
    SnsAlerts(inbox.sns, inbox.topics).send(alert(symbol=None))
    (message,) = inbox.messages(Severity.CRITICAL)
    assert message["Subject"] == "CRITICAL main: stale book"
    assert "symbol" not in message["MessageAttributes"]  # type: ignore[operator]


def test_subject_is_at_most_100_printable_ascii_characters() -> None:
    inbox = Inbox()
    SnsAlerts(inbox.sns, inbox.topics).send(alert(kind="é\n" + "x" * 200))
    (message,) = inbox.messages(Severity.CRITICAL)
    subject = str(message["Subject"])
    assert len(subject) == 100
    assert subject.startswith("CRITICAL main PAXG/USDT: ??xxx")


@pytest.mark.parametrize("topics", [{}, {Severity.INFO: "arn:aws:sns:eu-west-1:1:i"}, {Severity.CRITICAL: ""}])
def test_severity_without_a_topic_is_refused(topics: dict[Severity, str]) -> None:
    with pytest.raises(ConfigError, match="no alert topic for critical"):
        SnsAlerts(boto3.client("sns", region_name=REGION), topics)


def test_missing_topic_is_fatal_and_named() -> None:
    arn = f"arn:aws:sns:{REGION}:123456789012:gone"
    with pytest.raises(Fatal, match=arn):
        SnsAlerts(boto3.client("sns", region_name=REGION), dict.fromkeys(Severity, arn)).send(alert())


@pytest.mark.parametrize("password", [None, "phrase"])
def test_key_is_read_from_its_secret(secrets: "SecretsManagerClient", password: str | None) -> None:
    content = {"api_key": "abc", "secret": SECRET} | ({} if password is None else {"password": password})
    secrets.create_secret(Name="mm/main/trade", SecretString=json.dumps(content))
    assert read_venue_key(secrets, "mm/main/trade") == VenueKey(api_key="abc", secret=SECRET, password=password)


def test_missing_secret_is_fatal_and_says_what_to_do(secrets: "SecretsManagerClient") -> None:
    with pytest.raises(Fatal, match="secret mm/main/trade does not exist: create it"):
        read_venue_key(secrets, "mm/main/trade")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f'{{"api_key": "{SECRET}"}}', "no text in its field secret"),
        (f'{{"secret": "{SECRET}"}}', "no text in its field api_key"),
        (f'{{"api_key": "abc", "secret": ["{SECRET}"]}}', "no text in its field secret"),
        (f'{{"api_key": " ", "secret": "{SECRET}"}}', "no text in its field api_key"),
        (f'{{"api_key": "abc", "secret": "{SECRET}", "password": 5}}', "no text in its field password"),
        (f'"{SECRET}"', "not a JSON object"),
        (f"{SECRET}", "not a JSON object"),
        (f'{{"api_key": "{SECRET}', "not a JSON object"),
    ],
)
def test_malformed_secret_is_fatal_and_never_shown(
    secrets: "SecretsManagerClient", content: str, told: str
) -> None:  # R27
    secrets.create_secret(Name="mm/main/trade", SecretString=content)
    with pytest.raises(Fatal, match=told) as caught:
        read_venue_key(secrets, "mm/main/trade")
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error!r} {vars(error)}"
        error = error.__cause__ or error.__context__


def test_secret_of_bytes_is_malformed(secrets: "SecretsManagerClient") -> None:
    secrets.create_secret(Name="mm/main/trade", SecretBinary=b"{}")
    with pytest.raises(Fatal, match="not a JSON object"):
        read_venue_key(secrets, "mm/main/trade")


NAMES: dict[KeyPurpose, str] = {"trade": "mm/main/trade", "risk": "mm/main/risk"}


@pytest.fixture
def keys(secrets: "SecretsManagerClient") -> SecretsKeyStore:
    return SecretsKeyStore(secrets, NAMES, {"deployment": "mine", "account": "main"})


def test_first_key_makes_a_tagged_secret(secrets: "SecretsManagerClient", keys: SecretsKeyStore) -> None:
    assert keys.write("trade", VenueKey(api_key="abc", secret=SECRET))
    described = secrets.describe_secret(SecretId="mm/main/trade")
    assert {tag["Key"]: tag["Value"] for tag in described["Tags"]} == {"deployment": "mine", "account": "main"}
    assert "trade" in described["Description"]
    assert [each["Name"] for each in secrets.list_secrets()["SecretList"]] == ["mm/main/trade"]


def test_next_key_is_a_new_version_of_the_same_secret(secrets: "SecretsManagerClient", keys: SecretsKeyStore) -> None:
    keys.write("risk", VenueKey(api_key="old", secret=SECRET))
    assert not keys.write("risk", VenueKey(api_key="new", secret=SECRET))
    assert keys.read("risk").api_key == "new"
    before = secrets.get_secret_value(SecretId="mm/main/risk", VersionStage="AWSPREVIOUS")["SecretString"]
    assert json.loads(before)["api_key"] == "old"


@pytest.mark.parametrize("password", [None, "phrase"])
def test_key_is_read_as_it_was_written(keys: SecretsKeyStore, password: str | None) -> None:
    key = VenueKey(api_key="abc", secret=SECRET, password=password)
    keys.write("trade", key)
    assert keys.read("trade") == key


@pytest.mark.parametrize(
    ("code", "kind"),
    [("InvalidRequestException", Refused), ("AccessDeniedException", Fatal), ("ThrottlingException", Retryable)],
)
def test_key_that_cannot_be_written_is_our_failure_and_shows_nothing_of_it(
    secrets: "SecretsManagerClient", keys: SecretsKeyStore, code: str, kind: type[MarketMakerError]
) -> None:  # R27
    with Stubber(secrets) as stubber:
        stubber.add_client_error("put_secret_value", code, "because")
        with pytest.raises(kind, match=f"writing secret mm/main/trade: {code}: because") as caught:
            keys.write("trade", VenueKey(api_key="abc", secret=SECRET))
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error!r} {vars(error)}"
        error = error.__cause__ or error.__context__
