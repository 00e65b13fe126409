"""Decision records read back from where the functions wrote them: log files, or CloudWatch Logs."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.domain.units import AccountName
from marketmaker.errors import Refused

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

EVENT = "tick"
"""The message of a decision record's line."""
_WRITTEN_WITHIN_MS = 600_000
"""A tick is worked within its interval; its line is stored at the latest so long after its slot."""


class LogFiles:
    """Reads log files, and every `*.log` of directories; lines that are no decision records are passed over."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def read(self, account: AccountName, from_ms: int, to_ms: int) -> Iterable[Mapping[str, Any]]:
        """Read the records of ticks whose slot is in [from, to).

        Raises:
            Refused: a file cannot be read.
        """
        for path in self._files():
            try:
                with path.open(encoding="utf-8") as lines:
                    yield from _wanted(lines, account, from_ms, to_ms)
            except (OSError, UnicodeDecodeError) as error:
                raise Refused(f"--log: {path} cannot be read: {error}; allowed: log files or directories") from error

    def _files(self) -> Iterator[Path]:
        for path in self._paths:
            yield from sorted(path.glob("*.log")) if path.is_dir() else [path]


class LogGroups:
    """Reads CloudWatch Logs, where each account's ticks have a log group of their own."""

    def __init__(self, client: "CloudWatchLogsClient", groups: Mapping[AccountName, str]) -> None:
        self._client = client
        self._groups = groups

    def read(self, account: AccountName, from_ms: int, to_ms: int) -> Iterable[Mapping[str, Any]]:
        """Read the records of ticks whose slot is in [from, to).

        Raises:
            Retryable: AWS did not answer.
            Fatal: the log group does not exist, or is not ours to read.
        """
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=self._groups[account],
            startTime=from_ms,
            endTime=to_ms + _WRITTEN_WITHIN_MS,
            filterPattern=f'{{ $.message = "{EVENT}" }}',
        )
        try:
            for page in pages:
                yield from _wanted((event["message"] for event in page["events"]), account, from_ms, to_ms)
        except (BotoCoreError, ClientError) as error:
            raise as_failure(error, f"reading the log group {self._groups[account]}") from error


def _wanted(lines: Iterable[str], account: AccountName, from_ms: int, to_ms: int) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        record = _record(line)
        if record.get("account") == account and from_ms <= int(record.get("slot_ms", -1)) < to_ms:
            yield record


def _record(line: str) -> Mapping[str, Any]:
    """Return a line's decision record; a line of any other kind is an empty one."""
    if not line.startswith("{") or f'"{EVENT}"' not in line:
        return {}
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if record.get("message") == EVENT else {}
