"""What each role may do, written by hand: a statement more or less in the template fails here."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.infra.synth import Resource, Synth

INTERFACES = {
    f"{effect} ec2:{action} on *{condition}"
    for effect, condition in (("Allow", ""), ("Deny", " if lambda:SourceFunctionArn is its own"))
    for action in (
        "AssignPrivateIpAddresses",
        "CreateNetworkInterface",
        "DeleteNetworkInterface",
        "DescribeNetworkInterfaces",
        "DescribeSubnets",
        "UnassignPrivateIpAddresses",
    )
}
"""Lambda's own work on a network with one address; the function's own code is denied it."""
LOGS = {"Allow logs:CreateLogStream on its own logs", "Allow logs:PutLogEvents on its own logs"}
ALERTS = {
    "Allow sns:Publish on topic/alerts-critical",
    "Allow sns:Publish on topic/alerts-info",
    "Allow kms:Decrypt on key/ if kms:ViaService is sns.eu-central-1.AWS::URLSuffix",
    "Allow kms:GenerateDataKey on key/ if kms:ViaService is sns.eu-central-1.AWS::URLSuffix",
}
PORTFOLIO = {
    f"Allow dynamodb:{action} on table/state if dynamodb:LeadingKeys is like #portfolio"
    for action in ("PutItem", "Query")
}
METADATA = {"Allow dynamodb:BatchGetItem on table/prices if dynamodb:LeadingKeys is like binance#*"}


def state(account: str, *actions: str) -> set[str]:
    return {
        f"Allow dynamodb:{action} on table/state if dynamodb:LeadingKeys is like {account}"
        for action in ("GetItem", "Query", *actions)
    }


def ledger(account: str) -> set[str]:
    return {
        f"Allow dynamodb:{action} on table/ledger if dynamodb:LeadingKeys is like {account}#*"
        for action in ("PutItem", "Query")
    }


def key(account: str, purpose: str) -> set[str]:
    secret = f"arn:aws:secretsmanager:eu-central-1:AWS::AccountId:secret:marketmaker/full/{account}/{purpose}-??????"
    return {f"Allow secretsmanager:GetSecretValue on {secret}"}


def of_account(account: str) -> dict[str, set[str]]:
    all_three = LOGS | INTERFACES | ALERTS | METADATA
    return {
        f"{account}-replace_quotes": all_three
        | state(account, "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem")
        | ledger(account)
        | key(account, "trade")
        | {
            f"Allow sqs:DeleteMessage on queue/{account}-ticks",
            f"Allow sqs:GetQueueAttributes on queue/{account}-ticks",
            f"Allow sqs:ReceiveMessage on queue/{account}-ticks",
        },
        f"{account}-check_risk": all_three
        | state(account, "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem")
        | ledger(account)
        | key(account, "risk")
        | PORTFOLIO
        | {"Allow sns:Publish on topic/halt"},
        f"{account}-halt": all_three
        | state(account, "PutItem", "UpdateItem")
        | ledger(account)
        | key(account, "risk")
        | {
            "Allow sqs:GetQueueAttributes on queue/undelivered",
            "Allow sqs:GetQueueUrl on queue/undelivered",
            "Allow sqs:SendMessage on queue/undelivered",
        },
    }


FUNCTIONS: dict[str, set[str]] = {
    **of_account("one"),
    **of_account("two"),
    "schedule_ticks": LOGS | {"Allow sqs:SendMessage on queue/one-ticks", "Allow sqs:SendMessage on queue/two-ticks"},
    "fetch_prices": LOGS
    | INTERFACES
    | {
        "Allow dynamodb:BatchGetItem on table/prices if dynamodb:LeadingKeys is like binance#*",
        "Allow dynamodb:PutItem on table/prices if dynamodb:LeadingKeys is like binance#*",
        "Allow dynamodb:Query on table/prices if dynamodb:LeadingKeys is like binance#*",
        "Allow dynamodb:UpdateItem on table/prices if dynamodb:LeadingKeys is like binance#*",
    },
}
SCHEDULER = {
    "Allow sqs:SendMessage on queue/undelivered",
    "Allow lambda:InvokeFunction on function/schedule_ticks",
    "Allow lambda:InvokeFunction on function/fetch_prices",
    "Allow lambda:InvokeFunction on function/one-check_risk",
    "Allow lambda:InvokeFunction on function/two-check_risk",
}
LIKE = "ForAllValues:StringLike"


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def lines(synth: Synth, statement: Mapping[str, Any], owner: str) -> Iterator[str]:
    """Write a statement as one line for each action, resource and value of a condition."""
    conditions = [
        f" if {name} {'is like' if operator == LIKE else 'is'} {each}"
        for operator, tests in statement.get("Condition", {}).items()
        for name, values in tests.items()
        for each in map(synth.text, listed(values))
    ]
    own_arn = f"arn:aws:lambda:eu-central-1:AWS::AccountId:function:{owner}"
    for action in listed(statement["Action"]):
        for resource in map(synth.text, listed(statement["Resource"])):
            where = "its own logs" if resource == f"logs//aws/lambda/{owner}" else resource
            for condition in conditions or [""]:
                yield f"{statement['Effect']} {action} on {where}{condition.replace(own_arn, 'its own')}"


def statements_of(synth: Synth, role: str) -> Iterator[Mapping[str, Any]]:
    for policy in synth.resources("AWS::IAM::Policy").values():
        if {"Ref": role} in policy["Roles"]:
            yield from policy["PolicyDocument"]["Statement"]


def role_of(function: Resource) -> str:
    name: str = function["Role"]["Fn::GetAtt"][0]
    return name


def allowed(synth: Synth, role: str, owner: str) -> set[str]:
    return {line for statement in statements_of(synth, role) for line in lines(synth, statement, owner)}


def of_functions(synth: Synth) -> dict[str, set[str]]:
    functions = synth.named("AWS::Lambda::Function")
    return {name: allowed(synth, role_of(function), name) for name, function in functions.items()}


def scheduler_role(synth: Synth) -> str:
    (role,) = {
        each["Target"]["RoleArn"]["Fn::GetAtt"][0] for each in synth.resources("AWS::Scheduler::Schedule").values()
    }
    return str(role)


def test_each_function_may_do_what_its_code_does_and_nothing_else(full: Synth) -> None:
    assert of_functions(full) == FUNCTIONS


def test_prices_of_other_venues_widen_what_is_read_of_them_and_a_triangle_what_is_told(wide: Synth) -> None:  # S15
    more = {line.replace("binance#", "binanceus#") for line in METADATA}
    fetched = {line for line in FUNCTIONS["fetch_prices"] if "binance#" in line}
    expected = dict(FUNCTIONS)
    for function in ("two-replace_quotes", "two-check_risk", "two-halt"):
        expected[function] = expected[function] | more
    told = ALERTS - {"Allow sns:Publish on topic/alerts-critical"}
    expected["fetch_prices"] |= told | {line.replace("binance#", "binanceus#") for line in fetched}
    assert of_functions(wide) == expected


def test_the_scheduler_may_invoke_its_functions_and_keep_what_it_cannot_deliver(full: Synth) -> None:
    assert allowed(full, scheduler_role(full), "") == SCHEDULER


def test_a_statement_that_is_taken_away_is_missed(full: Synth) -> None:
    for name, policy in full.resources("AWS::IAM::Policy").items():
        for index in range(len(policy["PolicyDocument"]["Statement"])):
            template: Any = copy.deepcopy(full.template)
            del template["Resources"][name]["Properties"]["PolicyDocument"]["Statement"][index]
            less = replace(full, template=template)
            assert (of_functions(less), allowed(less, scheduler_role(less), "")) != (FUNCTIONS, SCHEDULER)


def test_every_role_is_one_functions_or_the_schedulers_and_nobody_elses(full: Synth) -> None:
    functions = [role_of(each) for each in full.resources("AWS::Lambda::Function").values()]
    roles = full.resources("AWS::IAM::Role")
    assert sorted([*functions, scheduler_role(full)]) == sorted(roles)
    assert all("ManagedPolicyArns" not in role and "Policies" not in role for role in roles.values())
    for name, role in roles.items():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        service = "lambda" if name in functions else "scheduler"
        assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"Service": f"{service}.amazonaws.com"})


def test_only_this_deployments_schedules_may_use_the_schedulers_role(full: Synth) -> None:
    role = full.resources("AWS::IAM::Role")[scheduler_role(full)]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert full.text(trust["Condition"]["ArnEquals"]["aws:SourceArn"]) == "schedules/marketmaker-full"
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_only_the_halt_topic_may_invoke_a_function_from_outside(full: Synth) -> None:
    permissions = [
        (full.text(each["FunctionName"]), each["Principal"], full.text(each["SourceArn"]))
        for each in full.resources("AWS::Lambda::Permission").values()
    ]
    assert sorted(permissions) == [
        ("function/one-halt", "sns.amazonaws.com", "topic/halt"),
        ("function/two-halt", "sns.amazonaws.com", "topic/halt"),
    ]


def test_nothing_connects_to_a_network_without_one(shipped: Callable[[str], Synth]) -> None:
    testnet = of_functions(shipped("testnet"))
    assert not any("ec2:" in line for lines_of in testnet.values() for line in lines_of)


def test_paper_trading_reads_no_key(shipped: Callable[[str], Synth]) -> None:
    def keys(synth: Synth) -> int:
        return sum("secretsmanager:" in line for lines_of in of_functions(synth).values() for line in lines_of)

    assert keys(shipped("paper")) == 0
    assert keys(shipped("testnet")) == 3


@pytest.mark.parametrize("name", ["local", "paper", "testnet", "live"])
def test_no_scan_and_no_index_is_allowed_anywhere(shipped: Callable[[str], Synth], name: str) -> None:
    """`ForAllValues` holds for a request without a partition, so such a request must not be allowed at all."""
    actions = {line.split()[1] for lines_of in of_functions(shipped(name)).values() for line in lines_of}
    reads = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}
    writes = {"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
    checks = {"dynamodb:ConditionCheckItem"}
    assert {each for each in actions if each.startswith("dynamodb:")} == reads | writes | checks
