"""Requests in the name of a role: some that it must be given, and many that it must be denied."""

import json
from collections.abc import Callable, Mapping, Sequence

from tests.e2e.roles import Role
from tests.e2e.stack import Name, Stack

type Ask = Callable[[Stack, Role], object]


def _secret(account: str, purpose: str) -> Ask:
    return lambda stack, role: role.client("secretsmanager").get_secret_value(
        SecretId=f"marketmaker/{stack.deployment.name}/{account}/{purpose}"
    )


def _publish(topic: str) -> Ask:
    return lambda stack, role: role.client("sns").publish(TopicArn=stack.deployed.outputs[topic], Message="probe")


def _query(table: str, partition: str) -> Ask:
    def ask(stack: Stack, role: Role) -> object:
        name, key = stack.deployed.outputs[table], "account" if table == "StateTable" else "market"
        return role.client("dynamodb").query(
            TableName=name,
            KeyConditionExpression=f"{key} = :partition",
            ExpressionAttributeValues={":partition": {"S": partition}},
        )

    return ask


def _put(table: str, partition: str) -> Ask:
    def ask(stack: Stack, role: Role) -> object:
        key, sort = ("account", "item") if table == "StateTable" else ("market", "row")
        item = {key: {"S": partition}, sort: {"S": "probe"}}
        return role.client("dynamodb").put_item(TableName=stack.deployed.outputs[table], Item=item)

    return ask


def _delete(stack: Stack, role: Role) -> object:
    key = {"account": {"S": "main"}, "item": {"S": "probe"}}
    return role.client("dynamodb").delete_item(TableName=stack.deployed.outputs["StateTable"], Key=key)


def _drop(stack: Stack, role: Role) -> object:
    return role.client("dynamodb").delete_table(TableName=stack.deployed.outputs["StateTable"])


def _receive(stack: Stack, role: Role) -> object:
    return role.client("sqs").receive_message(QueueUrl=stack.deployed.name_ending("AWS::SQS::Queue", "-second-ticks"))


def _send(stack: Stack, role: Role) -> object:
    return role.client("sqs").send_message(QueueUrl=stack.tick_queue, MessageBody="{}", DelaySeconds=900)


def _invoke(stack: Stack, role: Role) -> object:
    return role.client("lambda").invoke(FunctionName=stack.name_of("halt"), Payload=b"{}")


def _widen(stack: Stack, role: Role) -> object:
    return role.client("iam").put_role_policy(
        RoleName=role.arn.rpartition("/")[2], PolicyName="more", PolicyDocument=json.dumps({"Statement": []})
    )


GRANTED: Mapping[Name, Ask] = {
    "schedule_ticks": _send,
    "fetch_prices": _query("PricesTable", "binance#PAXG/USDT"),
    "replace_quotes": _secret("main", "trade"),
    "check_risk": _secret("main", "risk"),
    "halt": _secret("main", "risk"),
}
DENIED: Sequence[tuple[Name, str, Ask]] = [
    ("schedule_ticks", "a key", _secret("main", "trade")),
    ("schedule_ticks", "the state", _query("StateTable", "main")),
    ("schedule_ticks", "taking ticks", _receive),
    ("schedule_ticks", "alerts", _publish("AlertsInfoTopic")),
    ("fetch_prices", "the trade key", _secret("main", "trade")),
    ("fetch_prices", "the risk key", _secret("main", "risk")),
    ("fetch_prices", "the state", _query("StateTable", "main")),
    ("fetch_prices", "the ledger", _query("LedgerTable", "main#PAXG/USDT")),
    ("replace_quotes", "the risk key", _secret("main", "risk")),
    ("replace_quotes", "another account's key", _secret("second", "trade")),
    ("replace_quotes", "requesting a halt", _publish("HaltTopic")),
    ("replace_quotes", "writing prices", _put("PricesTable", "binance#PAXG/USDT")),
    ("replace_quotes", "another account's ticks", _receive),
    ("replace_quotes", "sending ticks", _send),
    ("replace_quotes", "dropping a table", _drop),
    ("replace_quotes", "another function", _invoke),
    ("replace_quotes", "more rights", _widen),
    ("check_risk", "the trade key", _secret("main", "trade")),
    ("check_risk", "another account's key", _secret("second", "risk")),
    ("check_risk", "writing prices", _put("PricesTable", "binance#PAXG/USDT")),
    ("check_risk", "sending ticks", _send),
    ("halt", "the trade key", _secret("main", "trade")),
    ("halt", "another account's key", _secret("second", "risk")),
    ("halt", "requesting a halt", _publish("HaltTopic")),
    ("halt", "deleting state", _delete),
]
