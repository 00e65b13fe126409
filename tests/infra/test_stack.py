"""The stack's shape: queues, schedules, tables, topics and the way out as the architecture has them."""

import json
from collections.abc import Callable

import pytest
from aws_cdk.assertions import Match, Template

from marketmaker.config import Stage
from tests.infra.deployments import SHIPPED
from tests.infra.synth import Resource, Synth


def functions(synth: Synth) -> dict[str, Resource]:
    return synth.named("AWS::Lambda::Function")


# --- ticks -----------------------------------------------------------------------------------------------------------


def test_ticks_wait_in_a_standard_queue_for_five_minutes_and_die_after_five_receives(full: Synth) -> None:
    for account in ("one", "two"):
        queue = full.named("AWS::SQS::Queue")[f"{account}-ticks"]
        redrive = queue["RedrivePolicy"]
        assert "FifoQueue" not in queue
        assert (queue["VisibilityTimeout"], queue["MessageRetentionPeriod"]) == (6 * 12, 300)
        assert (full.text(redrive["deadLetterTargetArn"]), redrive["maxReceiveCount"]) == (
            f"queue/{account}-ticks-dead",
            5,
        )


def test_dead_letters_are_kept_for_two_weeks_and_go_nowhere(full: Synth) -> None:
    for name in ("one-ticks-dead", "two-ticks-dead", "undelivered"):
        queue = full.named("AWS::SQS::Queue")[name]
        assert queue["MessageRetentionPeriod"] == 14 * 86_400
        assert "RedrivePolicy" not in queue


def test_lambda_takes_one_tick_at_a_time_at_most_two_at_once(full: Synth) -> None:
    mappings = {
        full.text(each["FunctionName"]): each for each in full.resources("AWS::Lambda::EventSourceMapping").values()
    }
    assert mappings.keys() == {"function/one-replace_quotes", "function/two-replace_quotes"}
    for function, each in mappings.items():
        account = function.removeprefix("function/").partition("-")[0]
        assert full.text(each["EventSourceArn"]) == f"queue/{account}-ticks"
        assert (each["BatchSize"], each["ScalingConfig"]) == (1, {"MaximumConcurrency": 2})
    assert all("ReservedConcurrentExecutions" not in each for each in functions(full).values())


# --- schedules -------------------------------------------------------------------------------------------------------


def test_schedules_fire_every_minute_and_give_up_within_it(full: Synth) -> None:
    schedules = {full.text(each["Target"]["Arn"]): each for each in full.resources("AWS::Scheduler::Schedule").values()}
    assert schedules.keys() == {
        "function/schedule_ticks",
        "function/fetch_prices",
        "function/one-check_risk",
        "function/two-check_risk",
    }
    for each in schedules.values():
        target = each["Target"]
        assert (each["ScheduleExpression"], each["FlexibleTimeWindow"]) == ("rate(1 minute)", {"Mode": "OFF"})
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1}
        assert full.text(target["DeadLetterConfig"]["Arn"]) == "queue/undelivered"
        assert full.text(each["GroupName"]) == "schedules/marketmaker-full"
        assert each["State"] == "ENABLED"


@pytest.mark.parametrize("name", SHIPPED)
def test_ticks_are_off_only_where_live_is_not_armed(shipped: Callable[[str], Synth], name: str) -> None:
    synth = shipped(name)
    off = {
        synth.text(each["Target"]["Arn"])
        for each in synth.resources("AWS::Scheduler::Schedule").values()
        if each["State"] == "DISABLED"
    }
    assert off == ({"function/schedule_ticks"} if name == "live" else set())


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_tables_are_kept_protected_and_recoverable_outside_the_local_stage(
    shipped: Callable[[str], Synth], name: str
) -> None:
    synth = shipped(name)
    kept = synth.deployment.stage is not Stage.LOCAL
    tables = synth.whole("AWS::DynamoDB::Table")
    assert tables.keys() == {"state", "ledger", "prices"}
    for table in tables.values():
        properties = table["Properties"]
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == ("Retain" if kept else "Delete")
        assert properties["DeletionProtectionEnabled"] is kept
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": kept}
        assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_tables_have_the_keys_that_the_code_uses(full: Synth) -> None:
    keys = {
        name: [each["AttributeName"] for each in table["KeySchema"]]
        for name, table in full.named("AWS::DynamoDB::Table").items()
    }
    assert keys == {"state": ["account", "item"], "ledger": ["market", "row"], "prices": ["market", "row"]}
    template = Template.from_json(dict(full.template))
    template.has_resource_properties(
        "AWS::DynamoDB::Table",
        {
            "TableName": "marketmaker-full-ledger",
            "TimeToLiveSpecification": Match.absent(),
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by_time",
                    "KeySchema": [
                        {"AttributeName": "market", "KeyType": "HASH"},
                        {"AttributeName": "time_ms", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        },
    )
    expiring = {name: each.get("TimeToLiveSpecification") for name, each in full.named("AWS::DynamoDB::Table").items()}
    assert expiring == {
        "state": None,
        "ledger": None,
        "prices": {"AttributeName": "expires_s", "Enabled": True},
    }


# --- topics ----------------------------------------------------------------------------------------------------------


def test_topics_are_encrypted_with_one_key_that_is_rotated(full: Synth) -> None:
    (key,) = full.resources("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True
    topics = full.named("AWS::SNS::Topic")
    assert topics.keys() == {"halt", "alerts-critical", "alerts-info"}
    assert all(full.text(each["KmsMasterKeyId"]) == "key/" for each in topics.values())


def test_recipients_hear_what_the_file_says(full: Synth) -> None:
    subscribed = [
        (full.text(each["TopicArn"]), each["Protocol"], full.text(each["Endpoint"]))
        for each in full.resources("AWS::SNS::Subscription").values()
    ]
    assert sorted(subscribed) == [
        ("topic/alerts-critical", "email", "ops@example.com"),
        ("topic/alerts-critical", "sms", "+819012345678"),
        ("topic/alerts-info", "email", "ops@example.com"),
        ("topic/halt", "lambda", "function/one-halt"),
        ("topic/halt", "lambda", "function/two-halt"),
    ]


def test_every_halt_function_hears_every_message_and_what_cannot_be_delivered_is_kept(full: Synth) -> None:
    """A filter on the account would lose messages without attributes: every alarm's, and a human's in a hurry."""
    subscriptions = full.resources("AWS::SNS::Subscription").values()
    assert all("FilterPolicy" not in each for each in subscriptions)
    assert all(full.text(each["RedrivePolicy"]["deadLetterTargetArn"]) == "queue/undelivered" for each in subscriptions)
    senders = {
        full.text(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        for policy in full.resources("AWS::SQS::QueuePolicy").values()
        if "queue/undelivered" in map(full.text, policy["Queues"])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and statement["Principal"] == {"Service": "sns.amazonaws.com"}
    }
    assert senders == {"topic/halt", "topic/alerts-critical", "topic/alerts-info"}


@pytest.mark.parametrize("name", SHIPPED)
def test_plain_http_is_refused_everywhere_but_on_this_machine(shipped: Callable[[str], Synth], name: str) -> None:
    synth = shipped(name)
    refusing = [
        each
        for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
        for each in synth.resources(kind).values()
        if any(statement["Effect"] == "Deny" for statement in each["PolicyDocument"]["Statement"])
    ]
    assert len(refusing) == (0 if name == "local" else 6)


# --- the way out -----------------------------------------------------------------------------------------------------


def test_functions_that_call_the_venue_do_so_from_one_address(full: Synth) -> None:
    template = Template.from_json(dict(full.template))
    template.resource_count_is("AWS::EC2::NatGateway", 1)
    template.resource_count_is("AWS::EC2::Subnet", 2)
    (address,) = full.resources("AWS::EC2::EIP")
    template.has_resource_properties(
        "AWS::EC2::NatGateway", {"AllocationId": {"Fn::GetAtt": [address, "AllocationId"]}}
    )
    template.has_output("EgressAddress", {"Value": {"Ref": address}})
    inside = {name for name, each in functions(full).items() if "VpcConfig" in each}
    assert inside == functions(full).keys() - {"schedule_ticks"}


def test_the_network_lets_https_out_nothing_in_and_dynamodb_past_the_gateway(full: Synth) -> None:
    (group,) = full.resources("AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group
    ((low, high),) = {(each["FromPort"], each["ToPort"]) for each in group["SecurityGroupEgress"]}
    assert (low, high) == (443, 443)
    (endpoint,) = full.resources("AWS::EC2::VPCEndpoint").values()
    assert (endpoint["VpcEndpointType"], endpoint["ServiceName"]["Fn::Join"][1][-1]) == ("Gateway", ".dynamodb")


def test_without_a_fixed_address_there_is_no_network(shipped: Callable[[str], Synth]) -> None:
    for name in ("local", "paper", "testnet"):
        assert not any(kind.startswith("AWS::EC2::") for kind in types(shipped(name)))


def types(synth: Synth) -> set[str]:
    return {each["Type"] for each in synth.template["Resources"].values()}


# --- the whole -------------------------------------------------------------------------------------------------------


def test_the_region_is_the_files_and_the_account_is_left_open(full: Synth) -> None:
    manifest = json.loads((full.directory / "manifest.json").read_text(encoding="utf-8"))
    stack = manifest["artifacts"]["marketmaker-full"]
    assert stack["environment"] == "aws://unknown-account/eu-central-1"


@pytest.mark.parametrize("name", SHIPPED)
def test_stacks_are_protected_from_deletion_outside_the_local_stage(shipped: Callable[[str], Synth], name: str) -> None:
    manifest = json.loads((shipped(name).directory / "manifest.json").read_text(encoding="utf-8"))
    stack = manifest["artifacts"][f"marketmaker-{name}"]["properties"]
    assert stack.get("terminationProtection", False) is (name != "local")
    assert stack["tags"] == {"application": "marketmaker", "deployment": name, "stage": name}


def test_operators_are_told_the_names(full: Synth) -> None:
    told = {name: full.text(each["Value"]) for name, each in full.template["Outputs"].items()}
    assert told.pop("EgressAddress").startswith("AWS::EC2::EIP/")
    assert told == {
        "StateTable": "state",
        "LedgerTable": "ledger",
        "PricesTable": "prices",
        "HaltTopic": "topic/halt",
        "AlertsCriticalTopic": "topic/alerts-critical",
        "AlertsInfoTopic": "topic/alerts-info",
    }


def test_no_template_holds_or_reads_a_secret(every: list[Synth]) -> None:
    for synth in every:
        text = synth.template_file.read_text(encoding="utf-8")
        assert "AWS::SecretsManager::" not in text
        assert "{{resolve:" not in text
        assert all("NoEcho" not in each for each in synth.template["Parameters"].values())
        told = {name for function in functions(synth).values() for name in function["Environment"]["Variables"]}
        assert told <= {
            "MM_DEPLOYMENT_FILE",
            "MM_ACCOUNT",
            "MM_TOPIC_CRITICAL",
            "MM_TOPIC_INFO",
            "MM_TOPIC_HALT",
            "MM_HOOK",
            "MM_TICK_QUEUES",
            "MM_VENUE_ENDPOINT",
            "MM_EGRESS_ADDRESS",
        }
