"""Structured log lines and embedded metrics, as CloudWatch reads them from standard output."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from marketmaker.domain.units import AccountName

NAMESPACE = "marketmaker"
_TAKEN = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime",
    "deployment",
    "level",
    "location",
    "message",
    "service",
    "timestamp",
}
"""Names that the log line or Python's own log record already uses."""


class PowertoolsTelemetry:
    """Writes one JSON line a record, and on `flush` one metrics document an account and one for the deployment.

    Metrics carry the dimensions deployment and account only, so their number does not grow with markets; those of the
    whole deployment carry no account.
    """

    def __init__(self, *, service: str, deployment: str) -> None:
        self._deployment = deployment
        self._logger = Logger(
            service=service,
            level=logging.INFO,
            location=None,
            utc=True,
            use_rfc3339=True,
            json_serializer=_to_json,
            deployment=deployment,
        )
        self._metrics: dict[AccountName | None, EphemeralMetrics] = {}

    def record(self, event: str, fields: Mapping[str, Any]) -> None:
        """Write one structured line; Decimals are written as text, digit for digit."""
        taken = _TAKEN & fields.keys()
        if taken:
            raise ValueError(f"record {event!r} names {', '.join(sorted(taken))}, which the log line already has")
        self._logger.info(event, extra=dict(fields))

    def record_lazily(self, event: str, describe: Callable[[], Mapping[str, Any]]) -> None:
        """Write one structured line; every line is kept."""
        self.record(event, describe())

    def count(self, account: AccountName | None, counts: Mapping[str, float]) -> None:
        """Add to an account's metrics, or to the deployment's; a name ending in `_ms` or `_s` is a duration."""
        metrics = self._metrics.get(account)
        if metrics is None:
            metrics = self._metrics[account] = EphemeralMetrics(namespace=NAMESPACE, service="")
            metrics.add_dimension("deployment", self._deployment)
            if account is not None:
                metrics.add_dimension("account", account)
        for name, value in counts.items():
            metrics.add_metric(name=name, unit=_unit(name), value=value)

    def flush(self) -> None:
        """Write what was counted; called once at the end of every invocation."""
        counted, self._metrics = self._metrics, {}
        for metrics in counted.values():
            if metrics.metric_set:
                metrics.flush_metrics()


def _unit(name: str) -> MetricUnit:
    if name.endswith("_ms"):
        return MetricUnit.Milliseconds
    return MetricUnit.Seconds if name.endswith("_s") else MetricUnit.Count


def _to_json(line: dict[str, Any]) -> str:
    """Write a line so that equal records are equal texts."""
    return msgspec.json.encode(line, enc_hook=_plain, order="deterministic").decode()


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
