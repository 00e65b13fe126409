"""`mm halt` from this machine: one market, every account, and without AWS by a key that is at hand (S11)."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from infra.local.processes import free_port
from infra.local.stack import API_KEY, SECRET
from tests.e2e.stage import Stage, local_aws, open_stage

AT_HAND = {"MM_API_KEY": API_KEY, "MM_API_SECRET": SECRET}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


@pytest.fixture
def stage(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    with open_stage(aws, tmp_path) as opened:
        yield opened


def test_direct_halt_cancels_by_a_key_at_hand_while_aws_cannot_be_reached(stage: Stage) -> None:
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["markets"][0]["orders_placed"] == 2
    nowhere = f"http://127.0.0.1:{free_port()}"
    command = ("halt", "--direct", "--reason", "the region is down", "--timeout-s", "8", "--json")
    ended = stage.mm(*command, AWS_ENDPOINT_URL=nowhere, **AT_HAND)
    assert stage.orders()[0] == []
    assert ended.code == 1
    (report,) = json.loads(ended.out)
    assert (report["is_direct"], report["flag_set"], report["orders_cancelled"]) == (True, False, 2)
    assert report["first_sweep_s"] <= report["emptied_s"]
    assert report["verified_s"] is None
    assert "the halt flag is not set: ticks may quote again; disable the trade key at the venue" in ended.said[-1]


def test_one_market_is_stopped_and_resumed_alone(stage: Stage) -> None:
    with stage.function("replace_quotes") as quoting:
        assert stage.tick(quoting)["markets"][0]["orders_placed"] == 2
        halted = stage.mm("halt", "--market", stage.symbol, "--reason", "delisting")
        assert halted.code == 0
        assert halted.out.startswith(f"main {stage.symbol}: halted, 2 orders cancelled, first sweep after ")
        assert stage.tick(quoting)["outcome"] == "done"
        assert stage.orders()[0] == []
        said = stage.mm("status").out
        assert "main  quoting" in said
        assert f"stopped: {stage.symbol} since " in said
        assert "delisting (operator)" in said

        resumed = stage.mm("resume", "--market", stage.symbol, "--reason", "listed again")
        assert resumed.out == f"main {stage.symbol}: quoting, epoch 2\n"
        assert stage.tick(quoting)["markets"][0]["orders_placed"] == 2
        (account,) = json.loads(stage.mm("status", "--json").out)
        (stop,) = account["stops"]
        assert (stop["symbol"], stop["mode"], stop["reason"]) == (stage.symbol, "quoting", "listed again (operator)")


def test_all_halts_every_account_whatever_the_environment_names(aws: Mapping[str, str], tmp_path: Path) -> None:
    accounts = ("main", "other")
    with open_stage(aws, tmp_path, name="both", accounts=accounts, with_keys=accounts) as stage:
        one = stage.mm("halt", "--reason", "x", "--json", MM_ACCOUNT="main")
        assert [each["account"] for each in json.loads(one.out)] == ["main"]
        both = stage.mm("halt", "--all", "--reason", "x", "--json", MM_ACCOUNT="main")
        assert [each["account"] for each in json.loads(both.out)] == ["main", "other"]
        typed = stage.mm("halt", "--all", "--account", "main", "--reason", "x")
        assert typed.code == 2
        assert "--all is not allowed with --account or --market: one of the three" in " ".join(typed.err.split())
        refused = stage.mm("halt", "--reason", "x", **AT_HAND)
        assert refused.code == 2
        assert "--account: nothing is not allowed with a key in MM_API_KEY: one of main, other" in refused.err
