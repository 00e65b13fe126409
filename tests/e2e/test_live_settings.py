"""`mm config apply`, `show` and `revert` on real function processes: the next tick, as a whole, or not at all (R28)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.local.processes import FunctionProcess
from marketmaker.config import load_deployment
from tests.e2e.stage import Ended, Stage, local_aws, open_stage, until

SPREAD = "half_spread = { quote = 0.5 }"
GRID = Decimal("0.01")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


@pytest.fixture
def stage(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    with open_stage(aws, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def quoted(aws: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, FunctionProcess]]:
    """A stage that is quoted, for what must change nothing."""
    with open_stage(aws, tmp_path_factory.mktemp("quoted")) as opened, opened.function("replace_quotes") as quoting:
        opened.tick(quoting)
        yield opened, quoting


def wanted(stage: Stage, old: str, new: str) -> Path:
    """Write the stage's file with a change, beside it."""
    text = stage.deployment_file.read_text(encoding="utf-8")
    assert old in text
    file = stage.directory / "wanted.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def apply(stage: Stage, file: Path, *arguments: str) -> Ended:
    return stage.mm("config", "apply", file, "--reason", "a drill", *arguments)


def shown(stage: Stage) -> dict[str, Any]:
    (described,) = json.loads(stage.mm("config", "show", "--json").out)
    assert isinstance(described, dict)
    return described


def assert_quotes(stage: Stage, quoting: FunctionProcess, spread: str, version: str) -> None:
    """Work a tick: it quotes at this distance, to the price grid, and what rests is within its tolerance of that.

    A fill between two ticks keeps orders back for one: then the next ones are looked at too.
    """

    def resting() -> list[dict[str, Any]]:
        tick = stage.tick(quoting)
        assert tick["config"] == version
        quoted = _distance(price for _, price, _ in tick["markets"][0]["quotes"])
        assert 0 <= quoted - Decimal(spread) <= 2 * GRID
        own, _ = stage.orders()
        return own if len(own) == 2 else []

    resting_now = until(resting)
    assert abs(_distance(each["price"] for each in resting_now) - Decimal(spread)) <= Decimal(spread) / 4 + 2 * GRID


def _distance(prices: Iterable[str]) -> Decimal:
    low, high = sorted(map(Decimal, prices))
    return high - low


def assert_nothing_changed(stage: Stage, ended: Ended, *told: str) -> None:
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.said
    for part in told:
        assert part in line
    now = shown(stage)
    assert (now["in_force"], now["applied"]) == (stage.deployment.config_hash, None)


def test_narrower_spread_is_quoted_by_the_next_tick_recorded_shown_and_reverted(stage: Stage) -> None:
    deployed = stage.deployment.config_hash
    with stage.function("replace_quotes") as quoting:
        assert_quotes(stage, quoting, "1", deployed)
        file = wanted(stage, SPREAD, "half_spread = { quote = 0.25 }")
        version = load_deployment(file).config_hash

        applied = apply(stage, file)
        assert (applied.code, applied.err) == (0, "")
        assert f"main: settings {version} rule from the next tick on" in applied.out
        (row,) = [line.split() for line in applied.out.splitlines() if "half_spread" in line]
        assert row == ["markets[PAXG/USDT].half_spread.quote", "0.5", "0.25"]

        assert_quotes(stage, quoting, "0.5", version)
        assert [each["config"] for each in stage.log_of("replace_quotes") if each["message"] == "tick"][-1] == version

        described = shown(stage)
        assert (described["in_force"], described["is_applied"], described["rejection"]) == (version, True, None)
        assert described["deployed"] == described["applied"]["base"] == deployed
        assert described["applied"]["reason"] == "a drill (operator)"
        said = stage.mm("config", "show").out
        assert f"settings {version}, applied over {deployed}" in said
        assert "a drill (operator)" in said

        assert "in force already" in apply(stage, file).out
        reverted = stage.mm("config", "revert", "--reason", "too narrow")
        assert (reverted.code, reverted.err) == (0, "")
        assert_quotes(stage, quoting, "1", deployed)
        assert "the deployed file" in stage.mm("config", "show").out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("order_size_base = 0.1", "order_size_base = -0.1", ("order_size_base", "-0.1 is not allowed")),
        ("fair_price =", "fair_prise =", ("fair_prise", "did you mean fair_price?")),
        ('tag = "e2e"', 'tag = "e2f"', ("tag:", '"e2f" is not allowed: "e2e", until a new deploy')),
        ("number = 1", "number = 2", ("accounts.main.markets[PAXG/USDT].number: 2 is not allowed: 1", "deploy")),
    ],
)
def test_wrong_or_structural_changes_are_refused_in_one_line_and_quoting_goes_on(
    quoted: tuple[Stage, FunctionProcess], old: str, new: str, told: tuple[str, ...]
) -> None:  # R12
    stage, quoting = quoted
    file = wanted(stage, old, new)
    text = file.read_text(encoding="utf-8").replace(SPREAD, "half_spread = { quote = 0.25 }")
    file.write_text(text, encoding="utf-8")
    assert_nothing_changed(stage, apply(stage, file), str(file), *told)
    assert_quotes(stage, quoting, "1", stage.deployment.config_hash)


def test_before_the_first_tick_nothing_can_be_applied(stage: Stage) -> None:
    file = wanted(stage, SPREAD, "half_spread = { quote = 0.25 }")
    ended = apply(stage, file)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.said
    assert "main: NOT APPLIED: no tick has run yet" in line
    assert "no tick has run yet" in stage.mm("config", "show").out
    assert stage.mm("config", "revert", "--reason", "x").code == 2


def test_newly_deployed_file_rules_over_what_was_applied_before(stage: Stage) -> None:
    with stage.function("replace_quotes") as quoting:
        stage.tick(quoting)
        assert apply(stage, wanted(stage, SPREAD, "half_spread = { quote = 0.25 }")).code == 0
        assert_quotes(stage, quoting, "0.5", shown(stage)["in_force"])
    newer = stage.deployment_file.read_text(encoding="utf-8").replace(SPREAD, "half_spread = { quote = 0.8 }")
    stage.deployment_file.write_text(newer, encoding="utf-8")
    with stage.function("replace_quotes") as quoting:
        assert_quotes(stage, quoting, "1.6", load_deployment(stage.deployment_file).config_hash)
    described = shown(stage)
    assert (described["in_force"], described["is_applied"]) == (described["deployed"], False)
    assert described["applied"]["base"] == stage.deployment.config_hash
    assert "until the deploy of another file" in stage.mm("config", "show").out


def test_risk_is_checked_by_what_was_applied(stage: Stage) -> None:
    with stage.function("replace_quotes") as quoting, stage.function("check_risk") as checking:
        stage.tick(quoting)
        assert checking.invoke({}, timeout_s=60)["risk"]["config"] == stage.deployment.config_hash
        file = wanted(stage, "low = 1500, high = 2500", "low = 1500, high = 1600")
        assert apply(stage, file).code == 0
        risk = checking.invoke({}, timeout_s=60)["risk"]
        assert (risk["config"], risk["restricted"]) == (load_deployment(file).config_hash, ["PAXG/USDT"])
    assert stage.orders()[0] == []


def test_nothing_is_applied_to_any_account_unless_it_fits_them_all(
    aws: Mapping[str, str], tmp_path: Path
) -> None:  # R12
    with open_stage(aws, tmp_path, accounts=("main", "second")) as both:
        with both.function("replace_quotes") as quoting:
            both.tick(quoting)
        file = wanted(both, SPREAD, "half_spread = { quote = 0.25 }")
        ended = apply(both, file)
        assert (ended.code, ended.out) == (2, "")
        assert "second: NOT APPLIED: no tick has run yet" in ended.err
        (main, second) = json.loads(both.mm("config", "show", "--json").out)
        assert (main["applied"], second["applied"]) == (None, None)

        assert apply(both, file, "--account", "main").code == 0
        (main, second) = json.loads(both.mm("config", "show", "--json").out)
        assert (main["is_applied"], second["applied"]) == (True, None)
