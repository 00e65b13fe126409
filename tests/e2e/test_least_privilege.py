"""Every function does its whole job as its own role, asks for nothing else, and is refused what it was not given.

The stack is the synthesized one, on a ministack that enforces roles. What that does not ask a role for stands in
`UNASKED`, and the partitions of tables are judged here (tests/e2e/roles.py).
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import pytest
from botocore.exceptions import ClientError

from infra.local.function_logs import follow_functions
from infra.local.reconcile import reconcile
from tests.e2e.asks import DENIED, GRANTED, Ask
from tests.e2e.jobs import JOBS, do_everything, let_quoting_go_on
from tests.e2e.roles import Asked, Document, Recorder, Role, Work, allows, listed
from tests.e2e.stack import Name, Stack, local_stack

FUNCTIONS: tuple[Name, ...] = ("schedule_ticks", "fetch_prices", "replace_quotes", "check_risk", "halt")
UNASKED = {
    "logs:CreateLogStream": "ministack writes the functions' logs itself",
    "logs:PutLogEvents": "as logs:CreateLogStream",
    "kms:Decrypt": "ministack's SNS encrypts nothing",
    "kms:GenerateDataKey": "as kms:Decrypt",
    "sqs:ReceiveMessage": "ministack's own poller reads the tick queue",
    "sqs:DeleteMessage": "as sqs:ReceiveMessage",
    "sqs:GetQueueAttributes": "as sqs:ReceiveMessage and sqs:GetQueueUrl",
    "sqs:GetQueueUrl": "Lambda itself sends on the event that a function did not take",
}
UNASKED_OF = {
    ("halt", "sqs:SendMessage"): "as sqs:GetQueueUrl",
    ("check_risk", "dynamodb:ConditionCheckItem"): "leaves a position while ticks have stopped",
    ("check_risk", "dynamodb:PutItem"): "books in the ledger what filled meanwhile, as dynamodb:ConditionCheckItem",
    ("check_risk", "dynamodb:Query"): "as dynamodb:PutItem",
    ("check_risk", "dynamodb:GetItem"): "reads the paper account in the paper stage, and settings that were applied",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("roles")
    with local_stack(tmp_path_factory, directory, enforce_roles=True) as deployed:
        yield deployed


@pytest.fixture(scope="module")
def roles(stack: Stack) -> dict[Name, Role]:
    """Read every function's role, then let `schedule_ticks` do what ministack asks for and AWS does not."""
    found = {function: Role.of(stack, function) for function in FUNCTIONS}
    found["schedule_ticks"].keep(with_batches(found["schedule_ticks"].statements))
    return found


def with_batches(statements: Sequence[Document]) -> list[Document]:
    """Add ministack's own name for sending a batch: no such action exists on AWS, where `sqs:SendMessage` is asked."""
    batches = {"Action": ["sqs:SendMessage", "sqs:SendMessageBatch"]}
    return [{**each, **batches} if each["Action"] == "sqs:SendMessage" else each for each in statements]


@pytest.fixture(scope="module")
def recorder(stack: Stack, roles: Mapping[Name, Role]) -> Recorder:
    assert roles, "what ministack lacks is granted first"
    return Recorder(stack)


@pytest.fixture(scope="module")
def alerts(stack: Stack, recorder: Recorder) -> list[tuple[str, str]]:
    """Do the whole job once; returns kind and severity of every alert that arrived."""
    return [(each.attributes["kind"], each.attributes["severity"]) for each in do_everything(stack, recorder)]


@pytest.fixture(scope="module")
def worked(recorder: Recorder, alerts: list[tuple[str, str]]) -> Work:
    assert alerts
    return recorder.work


def test_every_function_does_its_whole_job_as_its_own_role(
    stack: Stack, worked: Work, alerts: list[tuple[str, str]]
) -> None:
    scheduled, waiting = worked.results["schedule_ticks"]
    assert (scheduled["sent"], waiting) == ({"main": 12, "second": 12}, [12, 12])
    (prices,) = worked.results["fetch_prices"]
    assert (prices["metadata_refreshed"], prices["failures"]) == (1, {})
    assert prices["klines_written"] > 0, prices

    ticks = worked.results["replace_quotes"]
    markets = [market for tick in ticks for market in tick.get("markets", [])]
    assert [tick["outcome"] for tick in ticks] == ["done"] * len(ticks)
    assert markets[0]["orders_placed"] == 2
    assert sum(market.get("fills", 0) for market in markets) >= 1

    checks = worked.results["check_risk"]
    assert [(each["outcome"], each["problems"]) for each in checks] == [("done", [])] * 4
    assert [bool(each["restricted"]) for each in checks] == [False, True, True, False]
    assert checks[1]["orders_cancelled"] >= 1

    requested, drilled = worked.results["halt"]
    assert (requested["requested_by"], drilled["flag_set"]) == ("check_risk", True)
    for halt in (requested, drilled):
        assert (halt["orders_left"], halt["ledger_settled"], halt["problems"]) == (0, True, [])
        assert halt["verified_s"] is not None
    band, inventory = [[(kind, "critical"), (kind, "info")] for kind in ("price_band", "inventory_band")]
    halts = [("drawdown", "critical"), ("halt", "critical"), ("halt", "critical")]
    assert [each for each in alerts if each[0] != "resume"] == [*band, band[0], *inventory, band[1], *halts]
    assert reconcile(stack.deployment, stack.account.name, stack.symbol, stack.exchange()).differences == ()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_asks_only_for_what_its_role_allows_partitions_included(
    function: Name, worked: Work, roles: Mapping[Name, Role]
) -> None:
    asked, statements = worked.asked[function], roles[function].statements
    assert asked
    assert [each for each in asked if not any(allows(statement, each) for statement in statements)] == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_nothing_that_its_function_does_not_ask_for(
    function: Name, worked: Work, roles: Mapping[Name, Role]
) -> None:
    unused = {
        action
        for statement in roles[function].statements
        for action in listed(statement["Action"])
        if not any(asked.action == action and allows(statement, asked) for asked in worked.asked[function])
    }
    assert {each for each in unused if each not in UNASKED and (function, each) not in UNASKED_OF} == set()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("partition", ["second", "second#PAXG/USDT", "main2", "main2#PAXG/USDT", "binance2#PAXG/USDT"])
def test_no_statement_reaches_the_partitions_of_others(
    function: Name, partition: str, roles: Mapping[Name, Role]
) -> None:
    for statement in roles[function].statements:
        for action in listed(statement["Action"]):
            if action.startswith("dynamodb:"):
                (table,) = listed(statement["Resource"])
                assert not allows(statement, Asked(action=action, resource=table, partitions=(partition,)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_is_given_what_its_function_needs(function: Name, stack: Stack, roles: Mapping[Name, Role]) -> None:
    assert GRANTED[function](stack, roles[function])


@pytest.mark.parametrize(
    ("function", "ask"), [pytest.param(function, ask, id=f"{function}: {what}") for function, what, ask in DENIED]
)
def test_a_role_is_denied_what_it_was_not_given(
    function: Name, ask: Ask, stack: Stack, roles: Mapping[Name, Role]
) -> None:
    with pytest.raises(ClientError, match=r"not authorized to perform: \S+"):
        ask(stack, roles[function])


def statement_of(part: str, role: Role, stack: Stack) -> Document:
    """Return the one statement of a role that a part of the work needs."""
    deployment = stack.deployment
    prefix, resource = {
        "state": ("dynamodb:", deployment.state_table),
        "ledger": ("dynamodb:", deployment.ledger_table),
        "prices": ("dynamodb:", deployment.prices_table),
        "key": ("secretsmanager:", ""),
        "topics": ("sns:", ""),
        "ticks": ("sqs:SendMessage", "-ticks"),
    }[part]
    (found,) = [
        each
        for each in role.statements
        if listed(each["Action"])[0].startswith(prefix) and resource in listed(each["Resource"])[0]
    ]
    return found


@pytest.mark.parametrize(("function", "part"), JOBS)
def test_without_any_one_statement_of_its_role_a_function_is_refused(
    function: Name, part: str, stack: Stack, roles: Mapping[Name, Role], worked: Work
) -> None:
    assert worked.results[function]
    let_quoting_go_on(stack)
    logs = follow_functions(stack.deployed)
    logs.read()
    stack.kill(function)  # a warm one has read its key and the metadata
    role, removed = roles[function], statement_of(part, roles[function], stack)
    try:
        role.keep(with_batches([each for each in role.statements if each is not removed]))
        JOBS[function, part](stack)
    finally:
        role.keep(with_batches(role.statements))
    said = "\n".join(line.text for line in logs.read())
    refused = {each.removesuffix("Batch") for each in re.findall(r"not authorized to perform: (\S+)", said)}
    assert refused, said
    assert refused <= set(listed(removed["Action"]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_statement_is_taken_away_once_or_is_one_that_ministack_never_asks_for(
    function: Name, stack: Stack, roles: Mapping[Name, Role]
) -> None:
    taken = [statement_of(part, roles[function], stack) for each, part in JOBS if each == function]
    for statement in roles[function].statements:
        unasked = [each for each in listed(statement["Action"]) if each in UNASKED or (function, each) in UNASKED_OF]
        assert statement in taken or unasked == listed(statement["Action"]), statement
