"""The perpetual guide's numbers by `mm run`'s own path: its options, its loop, real ccxt over HTTP, paper or not."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketmaker.bootstrap.runs import FileOptions, Preset, price_of
from marketmaker.domain.orders import Side
from marketmaker.domain.units import ZERO
from marketmaker.simulation.events import Event
from tests.contract.guide_run import GUIDE, GuideRun, guide_run, prices
from tests.contract.local_venue import trade_at
from tests.contract.perpetual_venue import HOUR_S, book

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
HIT_AT_99 = trade_at(7, SELL, "98.9", "2.5")
FILE = """
name = "guide"
tag = "gui"
stage = "STAGE"
[accounts.main]
venue = "binanceusdm"
OPENING
[[accounts.main.markets]]
symbol = "SOL/USDC:USDC"
number = 1
capital_quote = { share = 1.0 }
fees = { maker_bps = 2, taker_bps = 5 }
half_spread = { bps = 100 }
order_size_base = 2.5
inventory = { policy = "position", max_base = 5, threshold_base = 2, skew = 0.5, effect = "EFFECT", ramp = "none" }
price_band = { low = 1, high = 1000 }
"""

NOTHING_TYPED: dict[str, Any] = dict.fromkeys(
    (
        *("spread", "quantity", "max_orders", "target_position", "max_position", "position_threshold"),
        *("inventory_skew", "stop_loss", "take_profit"),
    )
)

everywhere = pytest.mark.parametrize("on_paper", [True, False], ids=["paper", "endpoint"])


def assert_agrees(run: GuideRun, *, on_paper: bool) -> None:
    """On paper the exchange saw nobody; with its key, position and collateral are the ledger's."""
    held = run.state()["margin"]
    (market,) = run.desk.store.read_account(run.prepared.settings.name).markets.values()
    if on_paper:
        assert (run.state()["orders"]["accepted"], D(held["size"])) == (0, ZERO)
    else:
        assert (market.inventory.base, market.inventory.collateral_quote) == (D(held["size"]), D(held["balance"]))


@everywhere
def test_the_ladder_stands_at_99_98_and_101_102(monkeypatch: pytest.MonkeyPatch, on_paper: bool) -> None:  # P1
    with guide_run(monkeypatch, GUIDE, book(9_000), on_paper=on_paper) as run:
        result, seen = run.work(20)
        assert (prices(seen[-1], BUY), prices(seen[-1], SELL)) == ([D(99), D(98)], [D(101), D(102)])
        assert seen[0].quotes == (), "nothing is quoted before the venue holds it at the leverage that was set"
        assert (result.orders_placed, result.orders_left, result.ledger_matches_venue) == (4, 0, True)
        assert_agrees(run, on_paper=on_paper)


@everywhere
def test_a_tenth_bought_at_99_and_sold_at_100_earns_a_tenth(monkeypatch: pytest.MonkeyPatch, on_paper: bool) -> None:
    """P9: at 99 the formula's 98.01 and 99.99 stand on the tick of 0.1 at 98 and 100."""
    events = [
        trade_at(7, SELL, "98.9", "0.1"),
        book(8, bids="98.9x100", asks="99.1x100"),
        trade_at(22, BUY, "100.5", "0.1"),
        book(9_000),
    ]
    with guide_run(monkeypatch, GUIDE, *events, on_paper=on_paper) as run:
        result, seen = run.work(40)
        after = next(view for view in seen if view.inventory is not None and view.inventory.base)
        assert (prices(after, BUY), prices(after, SELL)) == ([D(98), D(97)], [D(100), D(101)])
        assert (result.fills, result.position_base, result.realised_pnl_quote) == (2, ZERO, D("0.1"))
        assert result.fees_quote == D("0.0002") * (D("9.9") + D(10))
        assert (result.ledger_matches_venue, result.problems) == (True, ())
        assert_agrees(run, on_paper=on_paper)


@everywhere
@pytest.mark.parametrize(("effect", "ask"), [("shift", "100.5"), ("widen", "101.5")])
def test_beyond_its_threshold_a_position_leans_on_both_quotes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, on_paper: bool, effect: str, ask: str
) -> None:  # P3: +2.5, threshold 2, skew 0.5: an offset of 0.5
    text = FILE.replace("EFFECT", effect).replace("STAGE", "paper" if on_paper else "local")
    file = tmp_path / "guide.toml"
    file.write_text(text.replace("OPENING", "paper = { USDC = 1000 }" if on_paper else ""), encoding="utf-8")
    options = FileOptions(deployment=str(file), market="binanceusdm:SOL/USDC:USDC")
    with guide_run(monkeypatch, options, HIT_AT_99, book(8), book(9_000), on_paper=on_paper) as run:
        result, seen = run.work(30)
        assert (prices(seen[-1], BUY), prices(seen[-1], SELL)) == ([D("98.5")], [D(ask)])
        assert (result.position_base, result.ledger_matches_venue) == (D("2.5"), True)
        assert_agrees(run, on_paper=on_paper)


@everywhere
def test_without_skew_and_stop_a_position_is_neither_leaned_on_nor_closed(
    monkeypatch: pytest.MonkeyPatch, on_paper: bool
) -> None:  # P3, P6
    options = replace(GUIDE, quantity=2.5, max_orders=1)
    with guide_run(monkeypatch, options, HIT_AT_99, book(8), book(9_000), on_paper=on_paper) as run:
        result, seen = run.work(30)
        assert (prices(seen[-1], BUY), prices(seen[-1], SELL)) == ([D(99)], [D(101)])
        assert (result.position_base, result.stop_losses, result.take_profits) == (D("2.5"), 0, 0)


@everywhere
def test_resting_orders_never_take_the_position_past_its_most(monkeypatch: pytest.MonkeyPatch, on_paper: bool) -> None:
    """P4: 4 of 5 are held, so that bids of 1 in all may rest."""
    options = replace(GUIDE, quantity=2.0)
    hit = trade_at(7, SELL, "97.9", "4")
    with guide_run(monkeypatch, options, hit, book(8), book(9_000), on_paper=on_paper) as run:
        _, seen = run.work(30)
        assert seen[-1].inventory is not None
        assert seen[-1].inventory.base == D(4)
        assert sum(each.remaining_base for each in seen[-1].quotes if each.side is BUY) == D(1)


@everywhere
@pytest.mark.parametrize(
    ("moved", "losses", "gains"),
    [
        (book(8, bids="94x1 93.5x50", asks="94.2x100"), 1, 0),
        (book(8, bids="100.7x1 100.6x50", asks="100.9x100"), 0, 1),
    ],
    ids=["stop loss", "take profit"],
)
def test_a_stop_closes_by_orders_that_only_reduce_and_cools_down(
    monkeypatch: pytest.MonkeyPatch, on_paper: bool, moved: Event, losses: int, gains: int
) -> None:  # P5
    options = replace(GUIDE, quantity=2.5, max_orders=1, stop_loss=-10, take_profit=4)
    with guide_run(monkeypatch, options, HIT_AT_99, moved, book(9_000), on_paper=on_paper) as run:
        result, seen = run.work(60)
        assert any("exiting" in view.said for view in seen)
        assert "cooling_down" in seen[-1].said
        assert (result.stop_losses, result.take_profits, result.position_base) == (losses, gains, ZERO)
        assert (result.orders_left, result.ledger_matches_venue, result.problems) == (0, True, ())
        assert_agrees(run, on_paper=on_paper)


@everywhere
@pytest.mark.parametrize(
    ("preset", "bids", "asks", "size"),
    [
        (Preset.NEUTRAL, "99 98", "101 102", "0.1"),
        (Preset.BALANCED, "99 98 97", "101 102 103", "0.1"),
        (Preset.AGGRESSIVE, "99.5 99 98.5 98 97.5", "100.5 101 101.5 102 102.5", "0.2"),
        (Preset.CONSERVATIVE, "", "102", "0.05"),
    ],
)
def test_a_preset_quotes_as_its_row_says(
    monkeypatch: pytest.MonkeyPatch, on_paper: bool, preset: Preset, bids: str, asks: str, size: str
) -> None:  # P7; the venue takes 5 USDC at least, and 0.05 at 98 is less
    options = replace(GUIDE, **NOTHING_TYPED, preset=preset)
    with guide_run(monkeypatch, options, book(9_000), on_paper=on_paper) as run:
        _, seen = run.work(20)
        assert prices(seen[-1], BUY) == [D(each) for each in bids.split()]
        assert prices(seen[-1], SELL) == [D(each) for each in asks.split()]
        assert {each.size_base for each in seen[-1].quotes} == {D(size)}
        (used,) = run.prepared.deployment.preset_uses
        assert used.preset == preset


@everywhere
def test_before_it_starts_it_says_what_is_at_stake(monkeypatch: pytest.MonkeyPatch, on_paper: bool) -> None:  # P2, P8
    options = replace(GUIDE, stop_loss=-1, take_profit=5)
    with guide_run(monkeypatch, options, book(9_000), on_paper=on_paper) as run:
        figures, problem = price_of(run.desk)
        assert problem is None
        assert (figures.price, figures.wanted_bps, figures.effective_bps) == (D(100), D(100), D(100))
        assert figures.fee_break_even_bps == D(2)
        assert figures.worst_loss_quote == 1 + D(500) * D("0.01")
        (advice,) = run.prepared.deployment.advice
        assert "random-walk" in advice


@everywhere
def test_funding_is_paid_at_the_venues_time_and_rate_and_booked_once(
    monkeypatch: pytest.MonkeyPatch, on_paper: bool
) -> None:  # R22, R33
    options = replace(GUIDE, quantity=2.5, max_orders=1)
    with guide_run(monkeypatch, options, HIT_AT_99, book(8), book(9_000), on_paper=on_paper) as run:
        result, _ = run.work(HOUR_S + 30)
        assert result.funding_quote == D("-0.025"), "0.0001 of 2.5 at 100"
        assert (result.position_base, result.ledger_matches_venue, result.problems) == (D("2.5"), True, ())
        assert_agrees(run, on_paper=on_paper)
