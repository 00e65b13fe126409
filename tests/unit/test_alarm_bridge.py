"""Alarms judged as CloudWatch does: M of N whole periods, and what a period without data means."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.bridges.alarms import AlarmRule, AlarmState, judge

MINUTE_S = 60
NOW_S = 100 * MINUTE_S + 7.0
LAST, SECOND, THIRD = 99 * MINUTE_S, 98 * MINUTE_S, 97 * MINUTE_S
LONG_AGO_S = 0.0


def rule(
    *,
    periods: int = 3,
    to_alarm: int = 2,
    missing: str = "missing",
    comparison: str = "GreaterThanOrEqualToThreshold",
    since_s: float = LONG_AGO_S,
) -> AlarmRule:
    return AlarmRule(
        name="errors",
        namespace="AWS/Lambda",
        metric="Errors",
        dimensions={"FunctionName": "halt"},
        statistic="Sum",
        period_s=MINUTE_S,
        periods=periods,
        to_alarm=to_alarm,
        threshold=1.0,
        comparison=comparison,
        missing=missing,
        since_s=since_s,
    )


def judged(alarm: AlarmRule, values: Mapping[int, float], state: AlarmState = AlarmState.OK) -> AlarmState:
    return judge(alarm, values, NOW_S, state)


def test_m_breaches_within_n_periods_alarm_wherever_they_are() -> None:
    assert judged(rule(), {THIRD: 1, SECOND: 0, LAST: 5}) is AlarmState.ALARM
    assert judged(rule(), {THIRD: 0, SECOND: 0, LAST: 5}) is AlarmState.OK


def test_only_the_last_n_whole_periods_count() -> None:
    before, current = 96 * MINUTE_S, 100 * MINUTE_S
    assert judged(rule(to_alarm=1), {before: 9, THIRD: 0, SECOND: 0, LAST: 0, current: 9}) is AlarmState.OK


@pytest.mark.parametrize(
    ("comparison", "breaching", "fine"),
    [
        ("GreaterThanOrEqualToThreshold", 1.0, 0.9),
        ("GreaterThanThreshold", 1.1, 1.0),
        ("LessThanOrEqualToThreshold", 1.0, 1.1),
        ("LessThanThreshold", 0.9, 1.0),
    ],
)
def test_each_comparison_breaches_on_its_own_side(comparison: str, breaching: float, fine: float) -> None:
    alarm = rule(periods=1, to_alarm=1, comparison=comparison)
    assert judged(alarm, {LAST: breaching}) is AlarmState.ALARM
    assert judged(alarm, {LAST: fine}) is AlarmState.OK


@pytest.mark.parametrize(
    ("missing", "state", "expected"),
    [
        ("breaching", AlarmState.OK, AlarmState.ALARM),
        ("notBreaching", AlarmState.ALARM, AlarmState.OK),
        ("ignore", AlarmState.ALARM, AlarmState.ALARM),
        ("ignore", AlarmState.OK, AlarmState.OK),
        ("missing", AlarmState.ALARM, AlarmState.UNKNOWN),
    ],
)
def test_silence_means_what_the_alarm_says(missing: str, state: AlarmState, expected: AlarmState) -> None:
    assert judged(rule(missing=missing), {}, state) is expected


def test_missing_periods_join_real_ones() -> None:
    assert judged(rule(missing="breaching"), {SECOND: 0, LAST: 5}) is AlarmState.ALARM
    assert judged(rule(missing="notBreaching"), {LAST: 5}) is AlarmState.OK
    assert judged(rule(missing="missing"), {LAST: 0}, AlarmState.ALARM) is AlarmState.OK


def test_a_new_deployment_does_not_lack_a_heartbeat_yet() -> None:
    heartbeat = rule(missing="breaching", to_alarm=3, comparison="LessThanThreshold", since_s=SECOND + 1.0)
    assert judged(heartbeat, {LAST: 12}, AlarmState.UNKNOWN) is AlarmState.UNKNOWN
    assert judged(heartbeat, {}, AlarmState.UNKNOWN) is AlarmState.UNKNOWN


def test_a_heartbeat_that_stops_alarms_after_n_periods_since_the_deployment() -> None:
    heartbeat = rule(missing="breaching", to_alarm=3, comparison="LessThanThreshold", since_s=THIRD)
    assert judged(heartbeat, {}) is AlarmState.ALARM
    assert judged(heartbeat, {THIRD: 12}) is AlarmState.OK


def test_what_breaches_in_the_minute_of_the_deployment_alarms_already() -> None:
    errors = rule(missing="notBreaching", to_alarm=1, since_s=LAST + 30.0)
    assert judged(errors, {LAST: 1}, AlarmState.UNKNOWN) is AlarmState.ALARM


@given(
    values=st.dictionaries(st.sampled_from([THIRD, SECOND, LAST]), st.floats(0, 3)),
    missing=st.sampled_from(["missing", "ignore", "breaching", "notBreaching"]),
    to_alarm=st.integers(1, 3),
    state=st.sampled_from(AlarmState),
)
def test_m_real_breaches_alarm_and_fewer_never_do(
    values: dict[int, float], missing: str, to_alarm: int, state: AlarmState
) -> None:
    result = judged(rule(missing=missing, to_alarm=to_alarm), values, state)
    breaches = sum(value >= 1 for value in values.values())
    if breaches >= to_alarm:
        assert result is AlarmState.ALARM
    elif missing != "breaching" and values:
        assert result is AlarmState.OK
