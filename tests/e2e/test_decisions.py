"""`mm replay` and `mm explain` on what a function really logged."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from marketmaker.usecases.replace_quotes import FULL_RECORD_EVERY
from tests.e2e.stage import Ended, Stage, local_aws, open_stage, until

FIRST, MOVED, OUTSIDE = range(3)
TICKS = 4
MOVED_BPS, OUTSIDE_BPS = 3, 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A stage whose function has quoted, followed the market, kept, and pulled; the slots of the ticks that acted."""

    stage: Stage
    slots: tuple[int, int, int]

    def mm(self, command: str, *arguments: str) -> Ended:
        return self.stage.mm(command, "--log", self.stage.directory, *arguments)


def quiet_slot_ms(stage: Stage) -> int:
    """Return a slot in which a tick that changes nothing leaves no full record."""
    interval_ms = stage.account.clocks.interval_ms
    while (slot_ms := stage.next_slot_ms()) // interval_ms % FULL_RECORD_EVERY == 0:
        pass
    return slot_ms


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    directory = tmp_path_factory.mktemp("decisions")
    with (
        local_aws(directory) as aws,
        open_stage(aws, directory) as stage,
        stage.function("replace_quotes") as quoting,
    ):
        first = stage.tick(quoting)
        kept = stage.tick(quoting, slot_ms=quiet_slot_ms(stage))
        stage.jump(MOVED_BPS)
        moved = stage.tick(quoting)
        stage.jump(OUTSIDE_BPS)
        outside = stage.tick(quoting)
        assert [each["markets"][0]["orders_placed"] for each in (first, kept, moved, outside)] == [2, 0, 2, 0]
        until(lambda: sum(line["message"] == "tick" for line in stage.log_of("replace_quotes")) == TICKS)
        yield Logged(stage=stage, slots=(first["slot_ms"], moved["slot_ms"], outside["slot_ms"]))


@pytest.fixture
def narrower(logged: Logged, tmp_path: Path) -> Path:
    """Write the deployment file with another half-spread."""
    text = logged.stage.deployment_file.read_text(encoding="utf-8")
    assert "half_spread = { quote = 0.5 }" in text
    file = tmp_path / "narrower.toml"
    file.write_text(text.replace("half_spread = { quote = 0.5 }", "half_spread = { quote = 0.3 }"), encoding="utf-8")
    return file


def test_every_recorded_decision_is_made_again_the_same(logged: Logged) -> None:
    done = logged.mm("replay")
    assert (done.code, done.err) == (0, "")
    assert done.out.strip() == (
        "3 decisions made again: 3 identical, 0 different (1 quiet ticks left no full record)"
    ), done.out


def test_replayed_decisions_are_listed_as_json(logged: Logged) -> None:
    replayed = json.loads(logged.mm("replay", "--json").out)
    assert [each["slot_ms"] for each in replayed] == list(logged.slots)
    assert [(each["identical"], each["differences"]) for each in replayed] == [(True, [])] * 3
    assert {each["config"] for each in replayed} == {logged.stage.deployment.config_hash}


def test_other_settings_are_told_apart_by_what_they_would_have_done(logged: Logged, narrower: Path) -> None:
    done = logged.mm("replay", "--with", str(narrower), "--tick", str(logged.slots[FIRST]))
    assert done.code == 1
    assert "quotes: recorded buy 0 0.1 @" in done.out
    assert "1 decisions made again: 0 identical, 1 different" in done.out


def test_a_record_of_other_settings_is_not_replayed_with_these(logged: Logged, narrower: Path) -> None:
    done = logged.mm("replay", "--deployment", str(narrower), "--json")
    replayed = json.loads(done.out)
    assert done.code == 0, "the settings that made the decisions are kept in the state table"
    assert {each["config"] for each in replayed} == {logged.stage.deployment.config_hash}


def test_a_tick_is_explained_from_the_fair_price_to_the_grid(logged: Logged) -> None:
    done = logged.mm("explain", "--tick", str(logged.slots[MOVED]))
    assert done.code == 0, done.err
    for part in ("fair", "half_spread", "floors", "inventory", "grid", "mid of", "fixed: 0.5 USDT", "price moved"):
        assert part in done.out, part
    assert f"tick {logged.slots[MOVED]}" in done.out
    assert f"settings {logged.stage.deployment.config_hash}" in done.out


def test_the_last_full_record_is_explained_without_being_named(logged: Logged) -> None:
    done = logged.mm("explain")
    assert done.code == 0, done.err
    assert f"tick {logged.slots[OUTSIDE]}" in done.out
    assert "no quotes: price outside band: fair price" in done.out
    (explained,) = json.loads(logged.mm("explain", "--json").out)
    assert explained["stages"] == []
    assert explained["no_quotes"].startswith("price outside band")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tick", "1000"), "no full record of a tick was found"),
        (("--symbol", "BTC/USDT"), "no full record of a tick was found"),
        (("--tick", "soon"), "--tick: 'soon' is not allowed: so long ago"),
        (("--since", "2999-01-01"), "--since: '2999-01-01' is still to come"),
        (("--with", "nothing.toml"), "nothing.toml"),
    ],
)
def test_what_cannot_be_replayed_is_said_in_one_line(logged: Logged, arguments: tuple[str, ...], said: str) -> None:
    done = logged.mm("replay", *arguments)
    assert done.code == 2
    assert said in done.err
    assert len(done.said) == 1


def test_a_log_that_does_not_exist_is_named(logged: Logged) -> None:
    done = logged.stage.mm("replay", "--log", "nowhere.log")
    assert done.code == 2
    assert "--log: nowhere.log cannot be read" in done.err
