"""Decision records are found again where functions leave them: files of a local run, and CloudWatch Logs."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from marketmaker.adapters.decision_logs import LogFiles, LogGroups
from marketmaker.domain.units import AccountName
from marketmaker.errors import Fatal, Refused
from tests.builders import SLOT_MS
from tests.tables import REGION, use_fake_credentials

MAIN, OTHER = AccountName("main"), AccountName("other")
GROUP = "/aws/lambda/marketmaker-test-main-replace_quotes"


def line(slot_ms: int = SLOT_MS, *, account: str = MAIN, message: str = "tick") -> str:
    return json.dumps({"account": account, "kept": 2, "message": message, "slot_ms": slot_ms})


def slots(records: Any) -> list[int]:
    return [record["slot_ms"] for record in records]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write what a function's log holds: Lambda's own lines, metrics, other events, and a broken line."""
    file = tmp_path / "replace_quotes.log"
    others = ["START RequestId: 1", json.dumps({"_aws": {}, "tick": 1}), line(message="halt"), '{"message":"tick", ']
    wanted = [line(SLOT_MS + number * 5_000) for number in range(3)]
    file.write_text("\n".join([*others, *wanted, line(account=OTHER)]) + "\n", encoding="utf-8")
    return file


def test_the_ticks_of_one_account_in_a_span_are_read_from_a_file(log: Path) -> None:
    assert slots(LogFiles([log]).read(MAIN, 0, 2 * SLOT_MS)) == [SLOT_MS, SLOT_MS + 5_000, SLOT_MS + 10_000]
    assert slots(LogFiles([log]).read(MAIN, SLOT_MS + 5_000, SLOT_MS + 10_000)) == [SLOT_MS + 5_000]
    assert slots(LogFiles([log]).read(OTHER, 0, 2 * SLOT_MS)) == [SLOT_MS]


def test_a_directory_stands_for_its_log_files(log: Path) -> None:
    (log.parent / "summary.json").write_text(line(), encoding="utf-8")
    assert len(slots(LogFiles([log.parent]).read(MAIN, 0, 2 * SLOT_MS))) == 3


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"--log: .*nothing\.log cannot be read: .*; allowed: log files or directories"):
        list(LogFiles([tmp_path / "nothing.log"]).read(MAIN, 0, 1))
    (tmp_path / "binary.log").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused, match=r"binary\.log cannot be read"):
        list(LogFiles([tmp_path]).read(MAIN, 0, 1))


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Iterator[LogGroups]:
    use_fake_credentials(monkeypatch)
    with mock_aws():
        yield LogGroups(boto3.client("logs", region_name=REGION), {MAIN: GROUP})


def test_the_ticks_in_a_span_are_read_from_a_log_group(groups: LogGroups) -> None:
    client = boto3.client("logs", region_name=REGION)
    client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(logGroupName=GROUP, logStreamName="one")
    now_ms = time.time_ns() // 1_000_000
    slot_ms = now_ms - 200
    texts = [line(slot_ms - 5_000), line(slot_ms), line(slot_ms, message="risk"), line(slot_ms + 5_000)]
    client.put_log_events(
        logGroupName=GROUP,
        logStreamName="one",
        logEvents=[{"timestamp": now_ms + number, "message": text} for number, text in enumerate(texts)],
    )
    assert slots(groups.read(MAIN, slot_ms, slot_ms + 5_000)) == [slot_ms]


def test_a_log_group_that_does_not_exist_is_named(groups: LogGroups) -> None:
    with pytest.raises(Fatal, match=f"reading the log group {GROUP}: ResourceNotFoundException"):
        list(groups.read(MAIN, SLOT_MS, SLOT_MS + 5_000))
