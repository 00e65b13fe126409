"""Alarms: what each watches, and that a human hears of it; no emulator shows one that changes its state in silence."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.bridges.alarms import AlarmRule
from marketmaker.adapters.telemetry import NAMESPACE
from marketmaker.domain.units import AccountName
from marketmaker.usecases.fetch_prices import PricesReport
from marketmaker.usecases.risk_report import RiskOutcome, RiskReport
from tests.fakes.desk import bench
from tests.infra.synth import Resource, Synth

CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}
THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

OF_A_FUNCTION = {
    "errors": "AWS/Lambda Errors Sum >= 1, 1 of 1, missing notBreaching",
    "throttles": "AWS/Lambda Throttles Sum >= 1, 1 of 1, missing notBreaching",
}
OF_AN_ACCOUNT = {
    "heartbeat": "marketmaker heartbeat Sum < 1, 3 of 3, missing breaching",
    "check_risk-presence": "marketmaker checks Sum < 1, 3 of 3, missing breaching",
    "risk_breach": "marketmaker risk_breach Maximum >= 1, 1 of 1, missing ignore",
    "risk_blind": "marketmaker risk_blind Maximum >= 1, 3 of 3, missing ignore",
    "halted": "marketmaker halted Maximum >= 1, 1 of 1, missing ignore",
    "tick_age": "AWS/SQS ApproximateAgeOfOldestMessage Maximum >= 180, 3 of 3, missing notBreaching",
    "taker_fills": "marketmaker taker_fills Sum >= 1, 1 of 1, missing notBreaching",
    "ticks-dead": "AWS/SQS ApproximateNumberOfMessagesVisible Maximum >= 1, 1 of 1, missing notBreaching",
    "replace_quotes-failing": "AWS/Lambda Errors Sum >= 1, 5 of 5, missing notBreaching",
}
OF_A_DEPLOYMENT = {
    "schedule_ticks-presence": "AWS/Lambda Invocations Sum < 1, 3 of 3, missing breaching",
    "fetch_prices-presence": "marketmaker prices_markets Sum < 1, 3 of 3, missing breaching",
    "fetch_prices-failing": "marketmaker prices_markets_failed Maximum >= 1, 5 of 5, missing ignore",
    "undelivered": "AWS/SQS ApproximateNumberOfMessagesVisible Maximum >= 1, 1 of 1, missing notBreaching",
}


def expected(*accounts: str) -> dict[str, str]:
    functions = [f"{account}-{name}" for account in accounts for name in ("replace_quotes", "check_risk", "halt")]
    return (
        {
            f"{function}-{name}": rule
            for function in [*functions, "schedule_ticks", "fetch_prices"]
            for name, rule in OF_A_FUNCTION.items()
        }
        | {f"{account}-{name}": rule for account in accounts for name, rule in OF_AN_ACCOUNT.items()}
        | OF_A_DEPLOYMENT
    )


def alarms(synth: Synth) -> dict[str, Resource]:
    return {
        each["AlarmName"].removeprefix(f"{synth.deployment.stack_name}-"): each
        for each in synth.resources("AWS::CloudWatch::Alarm").values()
    }


def rule(alarm: Mapping[str, Any]) -> str:
    sign = {"GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}[alarm["ComparisonOperator"]]
    assert alarm["Period"] == 60
    return (
        f"{alarm['Namespace']} {alarm['MetricName']} {alarm['Statistic']} {sign} {alarm['Threshold']}, "
        f"{alarm['DatapointsToAlarm']} of {alarm['EvaluationPeriods']}, missing {alarm['TreatMissingData']}"
    )


def dimensions(synth: Synth, alarm: Mapping[str, Any]) -> dict[str, str]:
    return {each["Name"]: synth.text(each["Value"]) for each in alarm["Dimensions"]}


# --- from an alarm to a human ----------------------------------------------------------------------------------------


def silent(synth: Synth) -> Iterator[str]:
    """Walk alarm → action → topic → topic policy → key → key policy, and say where nobody would hear."""
    for name, alarm in alarms(synth).items():
        for kind in ("AlarmActions", "OKActions"):
            if {"Ref": critical_topic(synth)} not in alarm.get(kind, []):
                yield f"{name}: {kind}: not on the critical topic"
            for action in alarm.get(kind, []):
                yield from (f"{name}: {kind}: {reason}" for reason in silent_topic(synth, action["Ref"]))


def silent_topic(synth: Synth, topic: str) -> Iterator[str]:
    resource = synth.template["Resources"].get(topic)
    if resource is None or resource["Type"] != "AWS::SNS::Topic":
        yield f"{topic} is no topic"
        return
    policies = [each for each in synth.resources("AWS::SNS::TopicPolicy").values() if {"Ref": topic} in each["Topics"]]
    if not any(lets_cloudwatch(policy["PolicyDocument"], "sns:Publish", {"Ref": topic}) for policy in policies):
        yield f"{topic}: its policy does not let CloudWatch publish"
    match resource["Properties"].get("KmsMasterKeyId"):
        case {"Fn::GetAtt": [str(key), "Arn"]} if key in synth.resources("AWS::KMS::Key"):
            policy = synth.resources("AWS::KMS::Key")[key]["KeyPolicy"]
            for action in ("kms:Decrypt", "kms:GenerateDataKey*"):
                if not lets_cloudwatch(policy, action, "*"):
                    yield f"{topic}: {key}: its policy does not let CloudWatch {action}"
        case other:
            yield f"{topic}: CloudWatch cannot use the key {other}"


def lets_cloudwatch(policy: Mapping[str, Any], action: str, resource: object) -> bool:
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] == CLOUDWATCH
        and action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
        and statement["Resource"] == resource
        and statement["Condition"] == THIS_ACCOUNT
        for statement in policy["Statement"]
    )


def critical_topic(synth: Synth) -> str:
    (name,) = (name for name in synth.resources("AWS::SNS::Topic") if synth.short(name) == "alerts-critical")
    return name


def changed(synth: Synth, change: Callable[[dict[str, Any]], None]) -> Synth:
    template: Any = copy.deepcopy(synth.template)
    change(template["Resources"])
    return replace(synth, template=template)


def without_cloudwatch(resource_type: str, document: str) -> Callable[[dict[str, Any]], None]:
    def change(resources: dict[str, Any]) -> None:
        for each in resources.values():
            if each["Type"] == resource_type:
                policy = each["Properties"][document]
                policy["Statement"] = [rest for rest in policy["Statement"] if rest["Principal"] != CLOUDWATCH]

    return change


def test_every_alarm_of_every_deployment_reaches_a_human(every: list[Synth]) -> None:
    for synth in every:
        assert alarms(synth)
        assert list(silent(synth)) == []


def test_the_walk_finds_a_key_that_alarms_may_not_use(full: Synth) -> None:
    found = list(silent(changed(full, without_cloudwatch("AWS::KMS::Key", "KeyPolicy"))))
    assert len(found) >= 2 * 2 * len(alarms(full))
    assert all("does not let CloudWatch kms:" in each for each in found)


def test_the_walk_finds_a_topic_that_alarms_may_not_publish_to(full: Synth) -> None:
    found = list(silent(changed(full, without_cloudwatch("AWS::SNS::TopicPolicy", "PolicyDocument"))))
    assert len(found) >= 2 * len(alarms(full))
    assert all("does not let CloudWatch publish" in each for each in found)


def test_the_walk_finds_topics_with_the_key_of_sns_itself(full: Synth) -> None:
    def change(resources: dict[str, Any]) -> None:
        resources[critical_topic(full)]["Properties"]["KmsMasterKeyId"] = "alias/aws/sns"

    found = list(silent(changed(full, change)))
    assert len(found) == 2 * len(alarms(full))
    assert all("cannot use the key alias/aws/sns" in each for each in found)


def test_the_walk_finds_an_alarm_that_tells_nobody(full: Synth) -> None:
    def change(resources: dict[str, Any]) -> None:
        for each in resources.values():
            if each["Type"] == "AWS::CloudWatch::Alarm":
                each["Properties"].pop("OKActions")

    assert len(list(silent(changed(full, change)))) == len(alarms(full))


# --- what is watched -------------------------------------------------------------------------------------------------


def test_every_alarm_watches_what_it_says(full: Synth) -> None:
    may_take = {"two-taker_fills": "marketmaker taker_fills Sum >= 1, 5 of 5, missing notBreaching"}
    assert {name: rule(alarm) for name, alarm in alarms(full).items()} == expected("one", "two") | may_take


@pytest.mark.parametrize("name", ["local", "paper", "testnet", "live"])
def test_every_deployment_has_the_same_alarms(shipped: Callable[[str], Synth], name: str) -> None:
    assert {name: rule(alarm) for name, alarm in alarms(shipped(name)).items()} == expected("main")


def test_every_alarm_watches_its_own_account_function_or_queue(full: Synth) -> None:
    for name, alarm in alarms(full).items():
        account = name.partition("-")[0] if name.startswith(("one-", "two-")) else None
        found = dimensions(full, alarm)
        match alarm["Namespace"]:
            case "marketmaker":
                assert found == {"deployment": "full"} | ({"account": account} if account else {})
            case "AWS/Lambda":
                assert found == {"FunctionName": f"function/{name.rpartition('-')[0]}"}
            case "AWS/SQS":
                queue = {"tick_age": f"{account}-ticks", "ticks-dead": f"{account}-ticks-dead"}
                assert found == {"QueueName": f"queue/{queue.get(name.removeprefix(f'{account}-'), 'undelivered')}"}


def test_the_functions_count_what_alarms_watch_where_nothing_is_wrong_too(full: Synth) -> None:
    """An alarm that ignores missing data would otherwise never be over."""
    account = AccountName("one")
    tick = bench().tick()
    check = RiskReport(account=account, outcome=RiskOutcome.DONE, config_hash="")
    prices = PricesReport(
        calibrated=0, variances_written=0, markets=1, klines_written=0, metadata_refreshed=0, failures={}
    )
    counted = {*tick.counts(), *check.counts()}
    watched = [each for each in alarms(full).values() if each["Namespace"] == NAMESPACE]
    of_accounts = {each["MetricName"] for each in watched if "account" in dimensions(full, each)}
    of_the_deployment = {each["MetricName"] for each in watched if "account" not in dimensions(full, each)}
    assert of_accounts <= counted
    assert of_the_deployment <= prices.counts().keys()


def test_only_ticks_that_keep_failing_halt_every_account(full: Synth) -> None:
    halting = {
        name
        for name, alarm in alarms(full).items()
        if "topic/halt" in map(full.text, [*alarm["AlarmActions"], *alarm["OKActions"]])
    }
    assert halting == {"one-replace_quotes-failing", "two-replace_quotes-failing"}
    for name in halting:
        assert "topic/halt" not in map(full.text, alarms(full)[name]["OKActions"])


def test_what_needs_ticks_is_not_missed_before_a_live_deployment_is_armed(
    full: Synth, shipped: Callable[[str], Synth]
) -> None:
    def muted(synth: Synth) -> set[str]:
        return {name for name, alarm in alarms(synth).items() if not alarm["ActionsEnabled"]}

    assert muted(shipped("live")) == {"main-heartbeat", "schedule_ticks-presence"}
    assert muted(full) == muted(shipped("testnet")) == set()


def test_every_alarm_says_what_is_wrong(full: Synth) -> None:
    assert all(len(alarm["AlarmDescription"]) > 20 for alarm in alarms(full).values())


def test_a_local_aws_can_judge_every_alarm(full: Synth) -> None:
    """It takes neither metric math nor composite alarms, and the local rules must know every comparison."""
    assert full.resources("AWS::CloudWatch::CompositeAlarm") == {}
    for alarm in alarms(full).values():
        assert "Metrics" not in alarm
        assert AlarmRule.read(as_described(full, alarm)).to_alarm == alarm["DatapointsToAlarm"]


def as_described(synth: Synth, alarm: Mapping[str, Any]) -> Any:
    found = [{"Name": name, "Value": value} for name, value in dimensions(synth, alarm).items()]
    return {**alarm, "Dimensions": found, "AlarmConfigurationUpdatedTimestamp": datetime(2026, 1, 1, tzinfo=UTC)}
