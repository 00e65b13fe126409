"""A create whose answer is lost is looked up, never sent again: one live order three ticks later (R1)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.processes import FunctionProcess
from tests.e2e.stage import Stage, local_aws, open_stage, until

CREATE = "POST /api/v3/order"


@dataclass
class Ticker:
    """Works tick after tick in one function process."""

    here: Stage
    process: FunctionProcess

    def market(self) -> Mapping[str, Any]:
        """Work one tick that must be done and return its only market."""
        summary = self.here.tick(self.process)
        assert summary["outcome"] == "done", summary
        market: Mapping[str, Any] = summary["markets"][0]
        return market


@pytest.fixture
def ticker(tmp_path: Path) -> Iterator[Ticker]:
    with (
        local_aws(tmp_path) as aws,
        open_stage(aws, tmp_path) as here,
        here.function("replace_quotes") as process,
    ):
        yield Ticker(here, process)


def live_sides(state: dict[str, Any]) -> Counter[str]:
    return Counter(order["side"] for order in state["open_orders"])


def creates(state: dict[str, Any]) -> int:
    count: int = state["requests"].get(CREATE, 0)
    return count


def test_a_lost_reply_leaves_one_order_a_side_and_nothing_is_sent_twice(ticker: Ticker) -> None:  # R1
    ticker.here.arm(fault="lost_reply", route=CREATE, count=2)
    first = ticker.market()
    assert first["creates_unknown"] == 0
    assert first["orders_placed"] == 2
    assert creates(ticker.here.exchange()) == 2
    placed = 2 + sum(ticker.market()["orders_placed"] for _ in range(3))
    state = ticker.here.exchange()
    assert max(live_sides(state).values()) == 1
    assert state["orders"]["accepted"] == creates(state) == placed


def test_an_order_accepted_after_the_first_lookup_is_adopted_not_doubled(ticker: Ticker) -> None:  # R1
    ticker.here.arm(fault="delayed_acceptance", delay_s=1.5, count=2)
    first = ticker.market()
    assert first["creates_unknown"] == 2
    second = ticker.market()
    assert second["orders_placed"] == 0
    assert creates(ticker.here.exchange()) == 2
    until(lambda: ticker.here.exchange()["orders"]["accepted"] == 2)
    placed = sum(ticker.market()["orders_placed"] for _ in range(3))
    state = ticker.here.exchange()
    assert max(live_sides(state).values()) == 1
    assert state["orders"]["accepted"] == creates(state) == 2 + placed


def test_an_order_that_died_on_its_way_is_placed_anew_once_that_is_certain(ticker: Ticker) -> None:  # R1
    ticker.here.arm(fault="delayed_acceptance", delay_s=2.5, count=2)
    assert ticker.market()["creates_unknown"] == 2
    assert ticker.market()["orders_placed"] == 0
    until(lambda: "-1021" in ticker.here.exchange()["orders"]["rejected"])
    until(lambda: ticker.market()["orders_placed"] == 2)
    state = ticker.here.exchange()
    assert live_sides(state) == Counter(BUY=1, SELL=1)
    assert state["orders"]["rejected"]["-1021"] == 2
