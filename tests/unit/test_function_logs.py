"""Following log groups: every line once, also those that are stored late."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.function_logs import FunctionLogs

GROUP = "/aws/lambda/halt"


class Groups:
    """Stands for the CloudWatch Logs client: groups of (stream, time, text), two events a page."""

    def __init__(self, **groups: list[tuple[str, int, str]]) -> None:
        self.groups = {f"/aws/lambda/{name}": events for name, events in groups.items()}
        self.refusal = "ResourceNotFoundException"

    def get_paginator(self, operation: str) -> "Groups":
        assert operation == "filter_log_events"
        return self

    def paginate(self, *, logGroupName: str, startTime: int) -> Iterator[dict[str, Any]]:  # noqa: N803 - AWS's names
        if logGroupName not in self.groups:
            raise ClientError({"Error": {"Code": self.refusal, "Message": ""}}, "FilterLogEvents")
        found = [event for event in self.groups[logGroupName] if event[1] >= startTime]
        for start in range(0, len(found), 2):
            names = ("logStreamName", "timestamp", "message")
            yield {"events": [dict(zip(names, event, strict=True)) for event in found[start : start + 2]]}


def follow(groups: Groups, *names: str) -> FunctionLogs:
    return FunctionLogs(groups, {f"/aws/lambda/{name}": name for name in names or ("halt",)})  # type: ignore[arg-type]


def test_each_line_is_read_once_and_on_every_page() -> None:
    groups = Groups(halt=[("a", 10_000, "one"), ("a", 10_000, "two\n"), ("b", 10_001, "three")])
    logs = follow(groups)
    assert [line.text for line in logs.read()] == ["one", "two", "three"]
    assert logs.read() == []
    groups.groups[GROUP].append(("c", 20_000, "four"))
    assert [line.text for line in logs.read()] == ["four"]
    assert logs.read() == []


def test_a_line_stored_after_a_later_one_is_not_lost() -> None:
    groups = Groups(halt=[("a", 20_000, "later")])
    logs = follow(groups)
    logs.read()
    groups.groups[GROUP].insert(0, ("b", 19_000, "earlier"))
    assert [line.text for line in logs.read()] == ["earlier"]


def test_equal_lines_of_one_moment_are_all_read() -> None:
    groups = Groups(halt=[("a", 10_000, "same"), ("a", 10_000, "same")])
    logs = follow(groups)
    assert len(logs.read()) == 2
    groups.groups[GROUP].append(("a", 10_000, "same"))
    assert len(logs.read()) == 1


def test_lines_of_several_functions_come_in_order_of_time() -> None:
    groups = Groups(halt=[("a", 3, "third")], check_risk=[("a", 1, "first"), ("a", 2, "second")])
    lines = follow(groups, "halt", "check_risk").read()
    assert [(line.function, line.text) for line in lines] == [
        ("check_risk", "first"),
        ("check_risk", "second"),
        ("halt", "third"),
    ]


def test_a_function_that_never_ran_has_written_nothing() -> None:
    groups = Groups()
    logs = follow(groups)
    assert logs.read() == []
    groups.groups[GROUP] = [("a", 10_000, "one")]
    assert [line.text for line in logs.read()] == ["one"]


def test_another_refusal_is_not_taken_for_silence() -> None:
    groups = Groups()
    groups.refusal = "AccessDeniedException"
    with pytest.raises(ClientError):
        follow(groups).read()


def test_a_record_is_a_json_object_or_nothing() -> None:
    groups = Groups(halt=[("a", 1, '{"message": "tick"}'), ("a", 2, "[1]"), ("a", 3, "START")])
    assert [line.record() for line in follow(groups).read()] == [{"message": "tick"}, None, None]
