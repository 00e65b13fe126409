"""Alerts and telemetry of a command that an operator runs: there is no function whose environment names the topics."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.adapters.sns import SnsAlerts
from marketmaker.domain.units import AccountName
from marketmaker.errors import Fatal, MarketMakerError
from marketmaker.ports import Alert, Severity

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sts import STSClient


class NamedTopicAlerts:
    """Publishes to topics known by name, in the AWS account of whoever runs the command.

    AWS is asked for that account at the first alert, and once: what it answered, or that it did not, holds for the rest
    of the command.
    """

    def __init__(
        self, topics: Mapping[Severity, str], *, region: str, connect: Callable[[], "tuple[STSClient, SNSClient]"]
    ) -> None:
        self._topics = topics
        self._region = region
        self._connect = connect
        self._lock = Lock()
        self._found: SnsAlerts | MarketMakerError | None = None

    def send(self, alert: Alert) -> None:
        """Publish one alert.

        Raises:
            Retryable: AWS could not be asked.
            Fatal: the topic is missing or not ours to publish to, or there are no usable credentials.
            Refused: SNS does not accept the message.
        """
        with self._lock:
            self._found = found = self._found or self._find()
        if isinstance(found, MarketMakerError):
            raise found
        found.send(alert)

    def _find(self) -> SnsAlerts | MarketMakerError:
        try:
            sts, sns = self._connect()
            caller = sts.get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            return as_failure(error, "asking AWS for the account of the alert topics")
        except ValueError as error:  # botocore's word for an endpoint that is no address
            return Fatal(f"the alert topics cannot be reached: {error}")
        partition = caller["Arn"].split(":")[1]
        prefix = f"arn:{partition}:sns:{self._region}:{caller['Account']}"
        return SnsAlerts(sns, {severity: f"{prefix}:{name}" for severity, name in self._topics.items()})


class OperatorTelemetry:
    """Records nothing but an alert that nobody got, in one line.

    A terminal shows what was done, and log lines among its output would break `--json`.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn

    def record(self, event: str, fields: Mapping[str, Any]) -> None:
        """Leave it to the output, but for an alert that was not sent."""
        if event == "alert_failed":
            self._warn(f"{fields['account']}: alert not sent: {' '.join(str(fields['reason']).split())}")

    def record_lazily(self, event: str, describe: Callable[[], Mapping[str, Any]]) -> None:
        """Leave it to the output."""
        self.record(event, describe())

    def count(self, account: AccountName | None, counts: Mapping[str, float]) -> None:
        """Leave it to the functions."""

    def flush(self) -> None:
        """Nothing waits."""
