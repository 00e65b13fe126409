"""Follow what the deployed functions write to their log groups."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.local.deployer import Deployed

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient

_OVERLAP_MS = 5_000
"""Read again each time: an invocation's lines can be stored after those of one that ended later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line; `stream` tells invocations apart, as ministack gives each its own."""

    function: str
    stream: str
    at_ms: int
    text: str

    def record(self) -> dict[str, Any] | None:
        """Return the JSON object that the line is, if it is one."""
        try:
            value = json.loads(self.text)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


class FunctionLogs:
    """Reads the lines that came since the last time; each follower has its own."""

    def __init__(self, client: "CloudWatchLogsClient", groups: dict[str, str]) -> None:
        self._client = client
        self._groups = groups
        self._seen: dict[str, Counter[LogLine]] = {group: Counter() for group in groups}

    def read(self) -> list[LogLine]:
        """Return the new lines of all functions, oldest first."""
        lines = [line for group in self._groups for line in self._new_lines(group)]
        return sorted(lines, key=lambda line: line.at_ms)

    def _new_lines(self, group: str) -> Iterator[LogLine]:
        seen = self._seen[group]
        from_ms = max((line.at_ms for line in seen), default=_OVERLAP_MS) - _OVERLAP_MS
        self._seen[group] = Counter(self._lines_since(group, from_ms))
        yield from (self._seen[group] - seen).elements()

    def _lines_since(self, group: str, from_ms: int) -> Iterable[LogLine]:
        try:
            for page in self._client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=from_ms):
                for event in page["events"]:
                    yield LogLine(
                        function=self._groups[group],
                        stream=event["logStreamName"],
                        at_ms=event["timestamp"],
                        text=event["message"].rstrip("\n"),
                    )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


def follow_functions(deployed: Deployed) -> FunctionLogs:
    """Follow all functions of a stack from their first line on."""
    functions: LambdaClient = deployed.aws.client("lambda")
    groups = {}
    for name in deployed.names("AWS::Lambda::Function"):
        configuration = functions.get_function_configuration(FunctionName=name)
        groups[configuration.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}")] = name
    return FunctionLogs(deployed.aws.client("logs"), groups)
