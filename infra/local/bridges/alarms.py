"""Alarms as CloudWatch judges them, which ministack does not: by dimension, M of N periods, and missing data.

ministack judges an alarm at each new metric, over all dimensions at once, and knows no missing data. Its alarms are
therefore muted (their actions switched off) and judged here; at a change of state the actions are switched on for that
one call of `SetAlarmState`, so that ministack runs exactly the actions that the template wires.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


class AlarmState(StrEnum):
    """CloudWatch's states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    UNKNOWN = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """When an alarm goes off: `to_alarm` (M) of the last `periods` (N) breach; `since_s` is when it was made."""

    name: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    period_s: int
    periods: int
    to_alarm: int
    threshold: float
    comparison: str
    missing: str
    since_s: float

    @classmethod
    def read(cls, alarm: "MetricAlarmTypeDef") -> "AlarmRule":
        """Read an alarm as `DescribeAlarms` gives it, names of functions and queues filled in."""
        return cls(
            name=alarm["AlarmName"],
            namespace=alarm["Namespace"],
            metric=alarm["MetricName"],
            dimensions={each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])},
            statistic=alarm.get("ExtendedStatistic") or alarm["Statistic"],
            period_s=alarm["Period"],
            periods=alarm["EvaluationPeriods"],
            to_alarm=alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
            threshold=alarm["Threshold"],
            comparison=alarm["ComparisonOperator"],
            missing=alarm.get("TreatMissingData", "missing"),
            since_s=alarm["AlarmConfigurationUpdatedTimestamp"].timestamp(),
        )

    def starts_s(self, now_s: float) -> list[int]:
        """Return when each of the last N whole periods began, the latest first."""
        end_s = int(now_s // self.period_s) * self.period_s
        return [end_s - index * self.period_s for index in range(1, self.periods + 1)]


def judge(rule: AlarmRule, values: Mapping[int, float], now_s: float, state: AlarmState) -> AlarmState:
    """Say what state an alarm is in, from the statistic of each period, by the second at which it began.

    A period without data counts as `missing` says, but only if the alarm existed all through it: a deployment that has
    just begun does not lack a heartbeat. Until N periods are known, only M breaches change anything.
    """
    breaches, known, decided = 0, 0, 0
    for start_s in rule.starts_s(now_s):
        if start_s in values:
            breaches += _COMPARISONS[rule.comparison](values[start_s], rule.threshold)
            known += 1
            decided += 1
        elif start_s >= rule.since_s:
            breaches += rule.missing == "breaching"
            known += rule.missing in ("breaching", "notBreaching")
            decided += 1
    if breaches >= rule.to_alarm:
        return AlarmState.ALARM
    if decided < rule.periods:
        return state
    if known:
        return AlarmState.OK
    return state if rule.missing == "ignore" else AlarmState.UNKNOWN


class AlarmBridge:
    """Judges a stack's alarms and lets ministack run their actions."""

    def __init__(self, client: "CloudWatchClient", names: Sequence[str]) -> None:
        """Take the alarms over."""
        self._client = client
        self._names = list(names)
        if self._names:
            client.disable_alarm_actions(AlarmNames=self._names)
        alarms = self._alarms()
        self._rules = [AlarmRule.read(alarm) for alarm in alarms]
        self._states = {alarm["AlarmName"]: AlarmState(alarm["StateValue"]) for alarm in alarms}

    def settle(self, now_s: float) -> dict[str, AlarmState]:
        """Judge every alarm and run the actions of those that change; returns those."""
        theirs = {alarm["AlarmName"]: AlarmState(alarm["StateValue"]) for alarm in self._alarms()}
        changed = {}
        for rule in self._rules:
            before = self._states[rule.name]
            now = judge(rule, self._values(rule, now_s), now_s, before)
            if theirs[rule.name] is not before:
                self._set(rule, before)
            if now is not before:
                self._client.enable_alarm_actions(AlarmNames=[rule.name])
                self._set(rule, now)
                self._client.disable_alarm_actions(AlarmNames=[rule.name])
                self._states[rule.name] = changed[rule.name] = now
        return changed

    def _alarms(self) -> "list[MetricAlarmTypeDef]":
        if not self._names:
            return []
        pages = self._client.get_paginator("describe_alarms").paginate(AlarmNames=self._names)
        return [alarm for page in pages for alarm in page["MetricAlarms"]]

    def _values(self, rule: AlarmRule, now_s: float) -> dict[int, float]:
        starts = rule.starts_s(now_s)
        percentile = rule.statistic.startswith("p")
        wanted: dict[str, Any] = {"ExtendedStatistics" if percentile else "Statistics": [rule.statistic]}
        found = self._client.get_metric_statistics(
            Namespace=rule.namespace,
            MetricName=rule.metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in rule.dimensions.items()],
            StartTime=datetime.fromtimestamp(starts[-1], UTC),
            EndTime=datetime.fromtimestamp(starts[0] + rule.period_s, UTC),
            Period=rule.period_s,
            **wanted,
        )["Datapoints"]
        return {int(each["Timestamp"].timestamp()): _value(each, rule.statistic) for each in found}

    def _set(self, rule: AlarmRule, state: AlarmState) -> None:
        condition = f"{rule.statistic} of {rule.metric} {rule.comparison} {rule.threshold}"
        reason = f"{condition}, {rule.to_alarm} of {rule.periods} periods of {rule.period_s} s"
        self._client.set_alarm_state(AlarmName=rule.name, StateValue=state.value, StateReason=reason)


def _value(point: Mapping[str, Any], statistic: str) -> float:
    return float(point[statistic] if statistic in point else point["ExtendedStatistics"][statistic])
