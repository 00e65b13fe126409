"""Metrics that ministack leaves out: those in the functions' own log lines, and those of Lambda and SQS themselves.

ministack keeps embedded metrics as text, and counts an invocation only where it was asked for over the API: not those
by a queue, a schedule or a topic. (An invocation over the API is therefore counted twice.)
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.local.function_logs import LogLine

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sqs import SQSClient

type Metric = dict[str, Any]
"""One datum as `PutMetricData` takes it."""
type MetricData = Mapping[str, Sequence[Metric]]
"""Data by namespace."""

_AT_ONCE = 500
_REPORT = re.compile(r"^REPORT RequestId: \S+\tDuration: (?P<duration_ms>[\d.]+) ms")
_FAILURE = re.compile(r"^(Traceback \(most recent call last\):|Task timed out after |Worker process died)")
_QUEUE_FIGURES = {
    "ApproximateNumberOfMessages": "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}


def put_metrics(client: "CloudWatchClient", data: MetricData) -> None:
    """Send metrics to CloudWatch, namespace by namespace."""
    put: Any = client.put_metric_data
    for namespace, metrics in data.items():
        for start in range(0, len(metrics), _AT_ONCE):
            put(Namespace=namespace, MetricData=metrics[start : start + _AT_ONCE])


def metrics_of_logs(lines: Iterable[LogLine]) -> MetricData:
    """Read the embedded metrics and the invocations out of log lines; an invocation's lines must come together."""
    data: dict[str, list[Metric]] = defaultdict(list)
    invocations: dict[str, list[LogLine]] = defaultdict(list)
    for line in lines:
        invocations[line.stream].append(line)
        for namespace, metric in _embedded(line.record() or {}):
            data[namespace].append(metric)
    for written in invocations.values():
        data["AWS/Lambda"] += _invocation(written)
    return {namespace: metrics for namespace, metrics in data.items() if metrics}


def metrics_of_queues(client: "SQSClient", urls: Sequence[str], now_s: float) -> MetricData:
    """Count what waits in each queue, as SQS does every minute."""
    metrics = []
    for url in urls:
        found: dict[Any, str] = {**client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]}
        for attribute, name in _QUEUE_FIGURES.items():
            dimension = {"Name": "QueueName", "Value": url.rpartition("/")[2]}
            metrics.append(_metric(name, dimension, now_s, float(found[attribute]), "Count"))
    return {"AWS/SQS": metrics} if metrics else {}


def _metric(name: str, dimension: Mapping[str, str], at_s: float, value: float, unit: str) -> Metric:
    at = datetime.fromtimestamp(at_s, UTC)
    return {"MetricName": name, "Dimensions": [dimension], "Timestamp": at, "Value": value, "Unit": unit}


def _embedded(record: Mapping[str, Any]) -> Iterator[tuple[str, Metric]]:
    """Read one line in CloudWatch's embedded metric format: each set of dimensions is a metric of its own."""
    document = record.get("_aws", {})
    for directive in document.get("CloudWatchMetrics", []):
        for names in directive["Dimensions"] or [[]]:
            for metric in directive["Metrics"]:
                value = record[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": [{"Name": name, "Value": str(record[name])} for name in names],
                        "Timestamp": datetime.fromtimestamp(document["Timestamp"] / 1000, UTC),
                        "Values": [float(each) for each in (value if isinstance(value, list) else [value])],
                        "Unit": metric.get("Unit", "None"),
                    },
                )


def _invocation(lines: Sequence[LogLine]) -> Iterator[Metric]:
    for line in lines:
        report = _REPORT.match(line.text)
        if report is None:
            continue
        dimension = {"Name": "FunctionName", "Value": line.function}
        failed = any(_FAILURE.match(each.text) for each in lines)
        at_s = line.at_ms / 1000
        yield _metric("Invocations", dimension, at_s, 1.0, "Count")
        yield _metric("Errors", dimension, at_s, float(failed), "Count")
        yield _metric("Duration", dimension, at_s, float(report["duration_ms"]), "Milliseconds")
