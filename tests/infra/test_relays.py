"""Functions that deliver alerts to hooks: one for each hook, and from every alarm to somebody else if it fails."""

from tests.infra.synth import Resource, Synth
from tests.infra.test_alarms import alarms, silent
from tests.infra.test_roles import LOGS, of_functions

RELAYS = ("desk-relay_alerts", "night-relay_alerts")


def relays(synth: Synth) -> dict[str, Resource]:
    functions = synth.named("AWS::Lambda::Function")
    return {name: each for name, each in functions.items() if name.endswith("relay_alerts")}


def test_every_hook_has_a_function_and_without_hooks_there_is_none(full: Synth, hooked: Synth) -> None:
    assert sorted(relays(hooked)) == list(RELAYS)
    assert relays(full) == {}
    assert len(list(full.directory.glob("asset.*/handler.py"))) + 1 == len(
        list(hooked.directory.glob("asset.*/handler.py"))
    )
    for name, function in relays(hooked).items():
        told = {"MM_DEPLOYMENT_FILE": "deployment.toml", "MM_HOOK": name.partition("-")[0]}
        assert function["Environment"]["Variables"] == told
        assert (function["Timeout"], function["MemorySize"]) == (20, 256)


def test_hooks_change_nothing_else_of_a_stack(full: Synth, hooked: Synth) -> None:
    before = of_functions(full)
    assert {name: each for name, each in of_functions(hooked).items() if name not in RELAYS} == before
    more = alarms(hooked).keys() - alarms(full).keys()
    assert more == {f"{name}-{what}" for name in RELAYS for what in ("errors", "throttles")}


def test_a_hooks_function_reads_its_own_secret_writes_its_log_and_may_nothing_else(hooked: Synth) -> None:
    undelivered = {
        f"Allow sqs:{action} on queue/undelivered" for action in ("GetQueueAttributes", "GetQueueUrl", "SendMessage")
    }
    for name in RELAYS:
        hook = name.partition("-")[0]
        secret = f"arn:aws:secretsmanager:eu-central-1:AWS::AccountId:secret:marketmaker/full/hooks/{hook}-??????"
        reads = {f"Allow secretsmanager:GetSecretValue on {secret}"}
        assert of_functions(hooked)[name] == LOGS | undelivered | reads


def test_no_other_function_reads_a_hooks_secret(hooked: Synth) -> None:
    for name, allowed in of_functions(hooked).items():
        assert any("/hooks/" in line for line in allowed) is (name in RELAYS)


def test_a_hook_hears_both_topics_unfiltered_and_what_sns_cannot_deliver_is_kept(hooked: Synth) -> None:
    """A filter on attributes would lose every alarm, which has none; the end of what is critical is on the other."""
    heard = [
        (hooked.text(each["Endpoint"]).removeprefix("function/"), hooked.text(each["TopicArn"]))
        for each in hooked.resources("AWS::SNS::Subscription").values()
        if each["Protocol"] == "lambda" and "relay_alerts" in hooked.text(each["Endpoint"])
    ]
    assert sorted(heard) == [
        ("desk-relay_alerts", "topic/alerts-critical"),
        ("desk-relay_alerts", "topic/alerts-info"),
        ("night-relay_alerts", "topic/alerts-critical"),
        ("night-relay_alerts", "topic/alerts-info"),
    ]
    for each in hooked.resources("AWS::SNS::Subscription").values():
        assert "FilterPolicy" not in each
        assert hooked.text(each["RedrivePolicy"]["deadLetterTargetArn"]) == "queue/undelivered"


def test_only_the_topics_that_a_hook_hears_may_invoke_its_function(hooked: Synth) -> None:
    permissions = sorted(
        (hooked.text(each["FunctionName"]).removeprefix("function/"), hooked.text(each["SourceArn"]))
        for each in hooked.resources("AWS::Lambda::Permission").values()
        if "relay_alerts" in hooked.text(each["FunctionName"])
    )
    assert permissions == [
        ("desk-relay_alerts", "topic/alerts-critical"),
        ("desk-relay_alerts", "topic/alerts-info"),
        ("night-relay_alerts", "topic/alerts-critical"),
        ("night-relay_alerts", "topic/alerts-info"),
    ]


def test_a_delivery_is_tried_three_times_and_then_kept(hooked: Synth) -> None:
    rules = {
        hooked.text(each["FunctionName"]).removeprefix("function/"): each
        for each in hooked.resources("AWS::Lambda::EventInvokeConfig").values()
    }
    for name in RELAYS:
        assert (rules[name]["MaximumRetryAttempts"], rules[name]["MaximumEventAgeInSeconds"]) == (2, 900)
        kept = hooked.text(rules[name]["DestinationConfig"]["OnFailure"]["Destination"])
        assert kept == "queue/undelivered"


def test_what_reached_nobody_has_an_alarm_that_e_mail_and_sms_tell(hooked: Synth) -> None:
    """The alarm goes to the hooks too, but one that fails is not who tells of itself."""
    assert list(silent(hooked)) == []
    told = [
        each["Protocol"]
        for each in hooked.resources("AWS::SNS::Subscription").values()
        if hooked.text(each["TopicArn"]) == "topic/alerts-critical"
    ]
    assert {"email", "sms"} <= set(told)
    for name in (*(f"{each}-errors" for each in RELAYS), "undelivered"):
        assert [hooked.text(each) for each in alarms(hooked)[name]["AlarmActions"]] == ["topic/alerts-critical"]


def test_hooks_do_not_depend_on_the_one_way_out(hooked: Synth) -> None:
    for name, function in hooked.named("AWS::Lambda::Function").items():
        assert ("VpcConfig" in function) is (name not in {*RELAYS, "schedule_ticks"})
