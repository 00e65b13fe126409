"""The demo's live view: everything in 80 columns, nothing invented, nothing that jumps."""

import io
from typing import Any

import pytest
from rich.console import Console

from infra.local.demo_view import WIDTH, Progress, render


def exchange(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "PAXG/USDT",
        "market_bid": "1899.33",
        "market_ask": "1900.61",
        "open_orders": [
            {"side": "BUY", "price": "1899.5", "origQty": "0.1", "executedQty": "0.0464"},
            {"side": "SELL", "price": "1900.5", "origQty": "0.1", "executedQty": "0"},
        ],
        "balances": {"PAXG": {"total": "18.5"}, "USDT": {"total": "64850"}},
        "initial_balances": {"PAXG": "18.421", "USDT": "65000"},
        "two_sided_uptime": 0.5,
        **changes,
    }


def tick(**market: Any) -> dict[str, Any]:
    return {"outcome": "done", "lag_ms": 120, "detail": "", "markets": [{"symbol": "PAXG/USDT", **market}]}


def draw(progress: Progress, state: dict[str, Any], *, columns: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=columns, color_system=None, force_terminal=True)
    console.print(render("PAXG/USDT · generated, seed 1", progress, state, "quoting"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def text(progress: Progress, state: dict[str, Any]) -> str:
    return "\n".join(draw(progress, state))


def test_orders_stand_in_the_market_by_price_with_what_is_left_of_them() -> None:
    lines = draw(Progress(seconds=60), exchange())
    shown = [" ".join(line.strip("│ ").split()) for line in lines]
    start = shown.index("1,900.61 market ask")
    assert shown[start : start + 4] == [
        "1,900.61 market ask",
        "1,900.50 our sell 0.1",
        "1,899.50 our buy 0.0536",
        "1,899.33 market bid",
    ]


def test_trading_is_valued_at_the_mid_against_the_start() -> None:
    shown = text(Progress(seconds=60), exchange())
    assert "+0.0976 USDT" in shown  # 0.079 bought for 150 is worth 150.09763
    assert "18.5 PAXG" in shown
    assert "35.1%" in shown
    assert "50%" in shown


def test_what_is_not_known_is_not_shown_as_a_number() -> None:
    shown = text(Progress(seconds=60), exchange(market_bid=None, two_sided_uptime=None, open_orders=[]))
    assert shown.count("unknown") == 2
    assert "not yet" in shown
    assert "market bid" not in shown


def test_a_tick_is_one_line_of_quotes_and_what_was_done() -> None:
    progress = Progress(seconds=60, elapsed_s=5.04)
    quotes = [["b", 0, "1899.50", "0.1000"], ["s", 0, "1900.50", "0.1000"]]
    progress.add(tick(quotes=quotes, orders_placed=1, orders_kept=1, cancelled_unfilled=1, orders_cancelled=1, fills=1))
    assert "  5.0 s  buy 0.1 @ 1899.5  sell 0.1 @ 1900.5  → 1 placed, 1 kept, 1 cancelled, 1 filled" in (
        progress.events[-1].plain
    )
    assert (progress.ticks, progress.counts["fills"], progress.counts["cancelled_unfilled"]) == (1, 1, 1)


def test_no_quotes_and_failed_ticks_say_why() -> None:
    progress = Progress(seconds=60)
    progress.add(tick(no_quotes="price_outside_band", detail="2001 is above 2000", protective_cancels=2))
    progress.add({"outcome": "venue_unreachable", "lag_ms": 80, "detail": "no route", "markets": []})
    assert progress.ticks == 1
    assert [event.plain.split("s  ", 1)[1].strip() for event in progress.events] == [
        "price outside band: 2001 is above 2000  → 2 cancelled for safety",
        "venue unreachable: no route",
    ]


def test_a_brief_record_counts_what_it_kept_and_says_why_nothing_rests() -> None:
    progress = Progress(seconds=60)
    progress.add({"outcome": "done", "lag_ms": 900, "kept": 2})
    progress.add({"outcome": "done", "lag_ms": 100, "kept": 0, "no_quotes": {"price_outside_band": 1}})
    progress.add({"outcome": "halted", "lag_ms": 200, "kept": 0})
    assert (progress.ticks, progress.counts["orders_kept"], progress.lags_ms) == (2, 2, [900, 100, 200])
    assert [event.plain.split("s  ", 1)[1].strip() for event in progress.events] == [
        "→ 2 kept",
        "price outside band",
        "halted",
    ]


def test_an_alert_is_counted_and_stands_among_the_ticks() -> None:
    progress = Progress(seconds=60, elapsed_s=31.4)
    progress.alert("CRITICAL main PAXG/USDT: price band", critical=True)
    assert progress.events[-1].plain == " 31.4 s  alert: CRITICAL main PAXG/USDT: price band"
    assert "alerts     1" in text(progress, exchange())


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_it_keeps_its_width_and_height_whatever_happens(columns: int) -> None:
    progress = Progress(seconds=600)
    heights = {len(draw(progress, exchange(open_orders=[]), columns=columns))}
    for number in range(12):
        progress.elapsed_s = 50.0 * number
        progress.add(tick(no_quotes="ledger_differs", detail="a long story " * 20))
        progress.add(tick(quotes=[["b", 0, "61234.56", "0.02"], ["s", 0, "61271.32", "0.02"]], fills=35, orders_kept=2))
        lines = draw(progress, exchange(market_bid="61234.50", market_ask="61234.51"), columns=columns)
        heights.add(len(lines))
        assert {len(line) for line in lines} == {WIDTH}
    assert len(heights) == 1
