"""What the deployed functions have to do: all of it in one go, and for each permission the work that needs it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import boto3

from infra.local.function_logs import follow_functions
from infra.local.subscriber import Alert, alert_subscriber
from tests.e2e.roles import Recorder
from tests.e2e.stack import Name, Stack
from tests.e2e.stage import until

TWICE, HALF = 10_000, -5_000
"""Out of the price band and above the inventory band, and exactly back."""
BELOW_A_BID, A_LOSS = -40, -1_700
DRILL = {"reason": "a drill", "requested_by": "operator"}
SHORT_S = 8
"""Instead of two minutes: a halt that cannot set its flag goes on trying."""

type Job = Callable[[Stack], object]


def do_everything(stack: Stack, recorder: Recorder) -> tuple[Alert, ...]:
    """Let the functions do all that they ever do: quote, book, alert, restrict, lift, request a halt, halt."""
    topics = [stack.deployed.outputs["AlertsCriticalTopic"], stack.deployed.outputs["AlertsInfoTopic"]]
    with alert_subscriber(stack.deployed.aws, topics) as subscriber:
        recorder.step("schedule_ticks", lambda: stack.invoke("schedule_ticks").result["schedule"])
        recorder.step("schedule_ticks", lambda: take_ticks(stack))
        recorder.step("fetch_prices", lambda: stack.invoke("fetch_prices").result["prices"])
        for shift_bps in (0, BELOW_A_BID, TWICE, HALF):
            stack.jump(shift_bps)
            recorder.step("replace_quotes", stack.next_tick)
        for shift_bps in (0, TWICE, 0, HALF):
            stack.jump(shift_bps)
            recorder.step("check_risk", lambda: stack.invoke("check_risk").result["risk"])
            recorder.step("replace_quotes", stack.next_tick)
        stack.jump(A_LOSS)
        recorder.step("replace_quotes", stack.next_tick)
        recorder.step("halt", lambda: _halted_by_a_check(stack))
        assert stack.mm("resume", "--reason", "seen").code == 0
        recorder.step("replace_quotes", stack.next_tick)
        stack.jump(BELOW_A_BID)
        recorder.step("halt", lambda: stack.invoke("halt", DRILL).result["halt"])
        return subscriber.alerts()


def _halted_by_a_check(stack: Stack) -> dict[str, Any]:
    """Let check_risk find a loss, and wait for what the halt function logs of the halt that it requested."""
    logs = follow_functions(stack.deployed)
    logs.read()
    risk = stack.invoke("check_risk").result["risk"]
    assert risk["halt_requested"], risk

    def halts() -> list[dict[str, Any]]:
        records = [line.record() or {} for line in logs.read()]
        return [each for each in records if each.get("message") == "halt"]

    (record,) = until(halts)
    return record


def take_ticks(stack: Stack) -> list[int]:
    """Count what waits for its moment in every tick queue, and take it out: a test sends its own."""
    client, counts = boto3.client("sqs"), []
    for url in stack.deployed.names("AWS::SQS::Queue"):
        if url.endswith("-ticks"):
            waiting = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            counts.append(int(waiting["ApproximateNumberOfMessagesDelayed"]))
            client.purge_queue(QueueUrl=url)
    return counts


def let_quoting_go_on(stack: Stack) -> None:
    """Free the account as if every lease and episode had ended and the operator had resumed it.

    An episode that a function opened and could not tell of is left to that function for seconds, and to no other.
    """
    client, table, account = boto3.client("dynamodb"), stack.deployment.state_table, {"S": stack.account.name}
    begun = client.query(
        TableName=table,
        KeyConditionExpression="account = :account AND begins_with(#item, :episode)",
        ExpressionAttributeNames={"#item": "item"},
        ExpressionAttributeValues={":account": account, ":episode": {"S": "episode#"}},
    )
    for episode in begun["Items"]:
        client.delete_item(TableName=table, Key={"account": account, "item": episode["item"]})
    client.update_item(
        TableName=table,
        Key={"account": account, "item": {"S": "control"}},
        UpdateExpression="SET #mode = :quoting REMOVE lease_owner, lease_expires_ms",
        ExpressionAttributeNames={"#mode": "mode"},
        ExpressionAttributeValues={":quoting": {"N": "0"}},
    )


def _invoke(function: Name, event: Mapping[str, Any] | None = None) -> Job:
    return lambda stack: stack.invoke(function, event)


def _tick(stack: Stack) -> None:
    """Hand replace_quotes ticks, past the queue that would keep back an error, until one is not stale."""

    def is_worked() -> bool:
        body = json.dumps({"account": stack.account.name, "slot_ms": stack.next_slot_ms()})
        done = stack.invoke("replace_quotes", {"Records": [{"body": body}]})
        return done.error is not None or done.result["ticks"][0]["outcome"] != "stale"

    until(is_worked)


def _tick_with_a_fill(stack: Stack) -> None:
    _tick(stack)
    stack.jump(BELOW_A_BID)
    _tick(stack)


def _outside_the_band(job: Job) -> Job:
    def do(stack: Stack) -> None:
        stack.jump(TWICE)
        job(stack)
        stack.jump(HALF)

    return do


def _short_halt(stack: Stack) -> None:
    client, name = boto3.client("lambda"), stack.name_of("halt")
    before = client.get_function_configuration(FunctionName=name)["Timeout"]
    client.update_function_configuration(FunctionName=name, Timeout=SHORT_S)
    stack.invoke("halt", DRILL)
    client.update_function_configuration(FunctionName=name, Timeout=before)


JOBS: Mapping[tuple[Name, str], Job] = {
    ("schedule_ticks", "ticks"): _invoke("schedule_ticks"),
    ("fetch_prices", "prices"): _invoke("fetch_prices"),
    ("replace_quotes", "key"): _tick,
    ("replace_quotes", "prices"): _tick,
    ("replace_quotes", "state"): _tick,
    ("replace_quotes", "ledger"): _tick_with_a_fill,
    ("replace_quotes", "topics"): _outside_the_band(_tick),
    ("check_risk", "key"): _invoke("check_risk"),
    ("check_risk", "prices"): _invoke("check_risk"),
    ("check_risk", "state"): _invoke("check_risk"),
    ("check_risk", "topics"): _outside_the_band(_invoke("check_risk")),
    ("halt", "key"): _invoke("halt", DRILL),
    ("halt", "prices"): _invoke("halt", DRILL),
    ("halt", "state"): _short_halt,
    ("halt", "ledger"): _invoke("halt", DRILL),
    ("halt", "topics"): _invoke("halt", DRILL),
}
"""For each function and part of its role, work that cannot be done without that part."""
