"""The same tick delivered twice at once, to two operating-system processes (R9, R25, C3)."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from typing import Any

import ccxt

from infra.local.exchange.binance.login import Login
from infra.local.processes import FunctionProcess
from infra.local.stack import API_KEY, SECRET
from tests.contract.local_venue import binance
from tests.e2e.stage import Stage, local_aws, open_stage

REPETITIONS = 100
LOGIN = Login(api_key=API_KEY, api_secret=SECRET)


def deliver_to_both(here: Stage, processes: list[FunctionProcess], slot_ms: int) -> list[dict[str, Any]]:
    """Send one tick to every process at the same moment."""
    together = Barrier(len(processes))
    event = {"Records": [{"body": json.dumps({"account": here.account.name, "slot_ms": slot_ms})}]}

    def deliver(process: FunctionProcess) -> dict[str, Any]:
        together.wait()
        result: dict[str, Any] = process.invoke(event, timeout_s=20)["ticks"][0]
        return result

    with ThreadPoolExecutor(len(processes)) as pool:
        return list(pool.map(deliver, processes))


def test_a_tick_delivered_to_two_processes_at_once_is_worked_once_a_hundred_times_over(tmp_path: Path) -> None:
    placed = attempted = 0
    with (
        local_aws(tmp_path) as aws,
        open_stage(aws, tmp_path, exchange_options=["--limit-factor", "100"]) as here,
        here.function("replace_quotes") as first,
        here.function("replace_quotes") as second,
    ):
        client = binance(here.endpoint, LOGIN)
        first_slot_ms = (int(time.time()) + 1) * 1000
        for repetition in range(REPETITIONS):
            outcomes = deliver_to_both(here, [first, second], first_slot_ms + repetition * 1000)
            done = [each for each in outcomes if each["outcome"] == "done"]
            left = [each for each in outcomes if each["outcome"] in {"lease_taken", "slot_done"}]
            assert (len(done), len(left)) == (1, 1), outcomes
            market = done[0]["markets"][0]
            assert market["creates_unknown"] == 0
            placed += market["orders_placed"]
            attempted += market["orders_placed"] + market["creates_rejected"]
            with suppress(ccxt.OrderNotFound):
                client.cancel_all_orders(here.symbol)
        state = here.exchange()
    assert state["orders"]["accepted"] == placed
    assert state["requests"]["POST /api/v3/order"] == attempted
    assert placed >= REPETITIONS * 1.5
