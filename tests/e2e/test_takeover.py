"""`mm takeover` against a primary that is gone: its tables and keys do not exist any more, its orders rest (S13)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from infra.local.aws import put_keys
from infra.local.stack import API_KEY, SECRET
from infra.local.tables import create_tables
from marketmaker.config import load_deployment
from tests.e2e.stage import REGION, Stage, local_aws, open_stage

if TYPE_CHECKING:
    from mypy_boto3_scheduler.type_defs import TargetTypeDef

STEPS = ["cancelled", "fenced", "waited", "verified", "rebuilt"]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


@pytest.fixture
def standby(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    """Let a primary quote and vanish; yields its standby on the same login, deployed disarmed."""
    with open_stage(aws, tmp_path) as primary:
        with primary.function("replace_quotes") as quoting:
            assert primary.tick(quoting)["markets"][0]["orders_placed"] == 2
        name = f"{primary.deployment.name}-b"
        text = primary.deployment_file.read_text(encoding="utf-8")
        named = f'name = "{primary.deployment.name}"\n'
        assert named in text
        file = tmp_path / "standby.toml"
        file.write_text(text.replace(named, f'name = "{name}"\nstandby_of = "{primary.deployment.name}"\n'))
        deployment = load_deployment(file)
        with primary.here():
            end(primary)
            deploy(deployment.stack_name, primary.account.name)
            create_tables(
                state_table=deployment.state_table,
                ledger_table=deployment.ledger_table,
                prices_table=deployment.prices_table,
                region=REGION,
            )
            put_keys(deployment, primary.account.name, api_key=API_KEY, secret=SECRET)
        environment = {**primary.environment, "MM_DEPLOYMENT_FILE": str(file)}
        yield replace(primary, deployment=deployment, deployment_file=file, environment=environment)


def end(primary: Stage) -> None:
    """Take everything of the primary away but its orders."""
    tables = boto3.client("dynamodb", region_name=REGION)
    for table in (primary.deployment.state_table, primary.deployment.ledger_table, primary.deployment.prices_table):
        tables.delete_table(TableName=table)
    secrets = boto3.client("secretsmanager", region_name=REGION)
    for purpose in ("trade", "risk"):
        name = primary.deployment.secret_name(primary.account.name, purpose)
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def deploy(stack_name: str, account: str) -> None:
    """Make the schedules and alarms that a takeover switches on, as the stack has them."""
    scheduler = boto3.client("scheduler", region_name=REGION)
    scheduler.create_schedule_group(Name=stack_name)
    target: TargetTypeDef = {
        "Arn": "arn:aws:lambda:eu-west-1:000000000000:function:x",
        "RoleArn": "arn:aws:iam::000000000000:role/x",
    }
    for name in (f"{stack_name}-schedule_ticks", f"{stack_name}-{account}-check_risk"):
        scheduler.create_schedule(
            GroupName=stack_name,
            Name=name,
            ScheduleExpression="rate(1 minute)",
            FlexibleTimeWindow={"Mode": "OFF"},
            State="DISABLED",
            Target=target,
        )


def states(standby: Stage) -> list[str]:
    group = standby.deployment.stack_name
    with standby.here():
        scheduler = boto3.client("scheduler", region_name=REGION)
        listed = scheduler.list_schedules(GroupName=group)["Schedules"]
        return [scheduler.get_schedule(GroupName=group, Name=each["Name"])["State"] for each in listed]


def test_standby_does_nothing_until_it_takes_over_and_quotes_then(standby: Stage) -> None:
    with standby.function("replace_quotes") as quoting:
        assert standby.tick(quoting)["outcome"] == "halted"
        assert len(standby.orders()[0]) == 2

        drill = standby.mm("takeover", "--drill", "--reason", "a drill", "--json")
        assert drill.code == 0
        (report,) = json.loads(drill.out)
        assert (report["is_done"], report["armed"], list(report["steps"])) == (True, False, STEPS)
        assert standby.orders()[0] == []
        assert states(standby) == ["DISABLED", "DISABLED"]
        assert standby.tick(quoting)["outcome"] == "halted"

        unfenced = standby.mm("takeover", "--reason", "Tokyo is down")
        assert unfenced.code == 1
        assert unfenced.said[-1] == "main: NOT TAKEN OVER, nothing is armed"

        taken = standby.mm("takeover", "--reason", "Tokyo is down", "--primary-key", "abc123")
        assert taken.code == 0
        assert "fence confirmed by operator for the key abc123, not verified" in taken.out
        assert states(standby) == ["ENABLED", "ENABLED"]
        assert standby.tick(quoting)["markets"][0]["orders_placed"] == 2
        assert len(standby.orders()[0]) == 2

        again = standby.mm("takeover", "--reason", "x", "--primary-key", "abc123")
        assert again.code == 2
        assert "main has been taken over already" in again.err


def test_venue_that_refuses_the_primarys_key_is_the_fence(standby: Stage) -> None:
    refused = {"MM_API_KEY": "primary", "MM_API_SECRET": "revoked"}
    taken = standby.mm("takeover", "--reason", "Tokyo is down", **refused)
    assert taken.code == 0
    assert "fence verified: the venue refuses the primary's key" in taken.out


def test_key_that_the_venue_still_takes_keeps_the_standby_disarmed(standby: Stage) -> None:
    live = {"MM_API_KEY": API_KEY, "MM_API_SECRET": SECRET}
    ended = standby.mm("takeover", "--reason", "Tokyo is down", "--timeout-s", "5", **live)
    assert ended.code == 1
    assert any("the venue took the primary's key: disable it there" in line for line in ended.said)
    assert states(standby) == ["DISABLED", "DISABLED"]


def test_deployment_that_is_no_standby_is_refused(aws: Mapping[str, str], tmp_path: Path) -> None:
    with open_stage(aws, tmp_path) as stage:
        ended = stage.mm("takeover", "--reason", "x")
        assert ended.code == 2
        assert "standby_of: nothing is not allowed: the name of its primary" in ended.err
