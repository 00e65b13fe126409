"""A create whose answer is lost is looked up, never sent again: one live order three ticks later (R1)."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.demo import Stage, function, stage
from tests.e2e.ticks import Ticker, until

CREATE = "POST /api/v3/order"


@pytest.fixture
def ticker(tmp_path: Path) -> Iterator[Ticker]:
    with stage(None, seed=1, start_s=0, out=tmp_path) as here, function("replace_quotes", tmp_path, 8) as process:
        yield Ticker(here, process)


def arm(here: Stage, **fault: object) -> None:
    answer = requests.post(f"{here.endpoint}/local/faults", json=fault, timeout=5)
    assert answer.ok, answer.text


def live_sides(state: dict[str, Any]) -> Counter[str]:
    return Counter(order["side"] for order in state["open_orders"])


def creates(state: dict[str, Any]) -> int:
    count: int = state["requests"].get(CREATE, 0)
    return count


def test_a_lost_reply_leaves_one_order_a_side_and_nothing_is_sent_twice(ticker: Ticker) -> None:  # R1
    arm(ticker.here, fault="lost_reply", route=CREATE, count=2)
    first = ticker.market()
    assert first["creates_unknown"] == 0
    assert first["orders_placed"] == 2
    assert creates(ticker.here.exchange()) == 2
    placed = 2 + sum(ticker.market()["orders_placed"] for _ in range(3))
    state = ticker.here.exchange()
    assert max(live_sides(state).values()) == 1
    assert state["orders"]["accepted"] == creates(state) == placed


def test_an_order_accepted_after_the_first_lookup_is_adopted_not_doubled(ticker: Ticker) -> None:  # R1
    arm(ticker.here, fault="delayed_acceptance", delay_s=1.5, count=2)
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
    arm(ticker.here, fault="delayed_acceptance", delay_s=2.5, count=2)
    assert ticker.market()["creates_unknown"] == 2
    assert ticker.market()["orders_placed"] == 0
    until(lambda: "-1021" in ticker.here.exchange()["orders"]["rejected"])
    until(lambda: ticker.market()["orders_placed"] == 2)
    state = ticker.here.exchange()
    assert live_sides(state) == Counter(BUY=1, SELL=1)
    assert state["orders"]["rejected"]["-1021"] == 2
