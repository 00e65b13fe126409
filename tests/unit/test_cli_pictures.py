"""The pictures of a backtest show what happened where it happened, and no more points than one can look at."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.cli.pictures import (
    MOST_FILLS,
    MOST_POINTS,
    fee_bps,
    is_thinned,
    markout_picture,
    mean_bps,
    run_picture,
)
from marketmaker.cli.thinning import thinned
from marketmaker.domain.orders import Side
from marketmaker.domain.units import Symbol
from tests.backtest_results import fill, result, sample

values = st.lists(st.none() | st.decimals(-1000, 1000, places=2), min_size=1, max_size=400)


def trace(figure: Any, name: str) -> Any:
    return next(each for each in figure.data if each.name.startswith(name))


@given(values=values, most=st.integers(8, 60))
def test_thinning_keeps_both_ends_the_extremes_and_a_gap(values: list[Decimal | None], most: int) -> None:
    kept = thinned(values, most)
    known, drawn = ([each for each in some if each is not None] for some in (values, [values[at] for at in kept]))
    assert len(kept) <= most or len(values) <= most
    assert kept == sorted(set(kept))
    assert {0, len(values) - 1} <= set(kept)
    assert (min(known, default=None), max(known, default=None)) == (min(drawn, default=None), max(drawn, default=None))
    assert (None in values) == (None in [values[at] for at in kept])


def test_a_short_line_is_not_thinned() -> None:
    assert thinned([Decimal(1)] * 9, 9) == list(range(9))


def test_thinning_keeps_the_extremes_of_every_stretch_and_not_of_the_whole_alone() -> None:
    waves = [Decimal(at % 100) for at in range(10_000)]
    kept = thinned(waves, 1_000)
    for start in range(0, 10_000, 1_000):
        stretch = [waves[at] for at in kept if start <= at < start + 1_000]
        assert {Decimal(0), Decimal(99)} <= set(stretch)


def test_fills_are_drawn_at_their_time_and_price_by_side() -> None:
    fills = [fill(1_000, Side.BUY, "1899.5"), fill(2_000, Side.SELL, "1900.5"), fill(3_000, Side.BUY, "1899")]
    figure = run_picture(result([sample(0), sample(5_000)], fills))
    bought, sold = trace(figure, "bought"), trace(figure, "sold")
    assert list(zip(bought.x, bought.y, strict=True)) == [(1_000, 1899.5), (3_000, 1899.0)]
    assert list(zip(sold.x, sold.y, strict=True)) == [(2_000, 1900.5)]
    assert (bought.name, sold.name) == ("bought, 2", "sold, 1")
    assert bought.marker.symbol != sold.marker.symbol
    assert bought.marker.color != sold.marker.color
    assert bought.xaxis == trace(figure, "mid").xaxis
    assert bought.yaxis == trace(figure, "mid").yaxis


def test_a_fill_tells_its_price_size_fee_edge_and_markouts() -> None:
    figure = run_picture(result([sample(0)], [fill(1_000, Side.SELL, "1900.5", "0.30")]))
    (told,) = trace(figure, "sold").text
    assert told == (
        "sold 0.3 PAXG at 1900.5 USDT<br>fee 0.19 USDT, as maker<br>"
        "edge +2.6 bps, -1.0 after 1 s, unknown after 10 s, +4.0 after 60 s"
    )


def test_quotes_are_steps_and_a_moment_without_one_is_a_gap() -> None:
    figure = run_picture(result([sample(0), sample(1, bid=None), sample(2, bid=Decimal(1898))]))
    bid = trace(figure, "our nearest bid")
    assert bid.y == (1899.5, None, 1898.0)
    assert bid.line.shape == "hv"
    assert bid.connectgaps is None


def test_the_parts_of_the_gain_add_up_to_the_total() -> None:
    samples = [sample(0), sample(1, spread_quote=Decimal(9), fees_quote=Decimal(2), pnl_quote=Decimal(10))]
    figure = run_picture(result(samples))
    parts = [trace(figure, name).y for name in ("spread earned", "fees", "inventory")]
    assert [sum(each) for each in zip(*parts, strict=True)] == list(trace(figure, "total").y)
    assert trace(figure, "spread − fees").y == (3.0, 7.0)


def test_all_that_has_a_time_zooms_together_and_every_axis_has_its_unit() -> None:
    figure = run_picture(result([sample(0)], symbol=Symbol("SOL/USDC:USDC")))
    axes = [figure.layout[f"xaxis{number}"] for number in ("", 2, 3, 4)]
    assert {each.matches for each in axes} == {None, "x4"}
    assert {each.type for each in axes} == {"date"}
    assert axes[-1].title.text == "time, UTC"
    titles = [figure.layout[f"yaxis{number}"].title.text for number in ("", 2, 3, 4)]
    assert titles == ["price, USDC per SOL", "inventory, SOL", "gain, USDC", "without inventory, USDC"]


def test_a_long_run_is_thinned_and_keeps_its_spike() -> None:
    samples = [sample(at) for at in range(17_280)]
    samples[9_001] = sample(9_001, mid=Decimal(2500), pnl_quote=Decimal(-700))
    run = result(samples)
    figure = run_picture(run)
    assert is_thinned(run)
    assert max(len(each.x) for each in figure.data if each.mode == "lines") <= MOST_POINTS
    assert max(trace(figure, "mid").y) == 2500
    assert min(trace(figure, "total").y) == -700
    assert trace(figure, "mid").x[trace(figure, "mid").y.index(2500.0)] == 9_001
    assert not is_thinned(result(samples[:100]))


def test_many_fills_are_thinned_by_side_and_counted_in_full() -> None:
    fills = [fill(at, Side.SELL if at % 4 else Side.BUY, str(1900 + at % 7)) for at in range(8_000)]
    run = result([sample(0)], fills)
    bought, sold = (trace(run_picture(run), name) for name in ("bought", "sold"))
    assert is_thinned(run)
    assert len(bought.x) + len(sold.x) <= MOST_FILLS
    assert min(len(bought.x), len(sold.x)) > 1_000
    assert (bought.name, sold.name) == ("bought, 2000", "sold, 6000")


def test_means_weigh_fills_by_size_and_leave_out_what_is_unknown() -> None:
    fills = [
        fill(1, Side.BUY, "1899", "1", edge_bps=Decimal(2)),
        fill(2, Side.BUY, "1899", "3", edge_bps=Decimal(6)),
        fill(3, Side.SELL, "1901", "9", edge_bps=None),
    ]
    assert mean_bps(fills, 0) == 5
    assert mean_bps(fills, 60) == 4
    assert mean_bps(fills, 10) is None


def test_markouts_are_drawn_for_buys_sells_and_all_with_the_fee_to_earn() -> None:
    fills = [fill(1, Side.BUY, "1899"), fill(2, Side.SELL, "1901", edge_bps=Decimal("-1.4"))]
    run = result([sample(0)], fills)
    figure = markout_picture(run)
    bars = {each.name: each for each in figure.data if each.type == "bar"}
    assert list(bars) == ["buys, 1", "sells, 1", "all, 2"]
    assert bars["all, 2"].x == ("at once", "1 s", "10 s", "60 s")
    assert bars["buys, 1"].y == (2.6, -1.0, None, 4.0)
    assert bars["all, 2"].y == pytest.approx((0.6, -1.0, None, 4.0))
    assert fee_bps(run) == 1
    assert "average fee, 1.00 bps" in {each.name for each in figure.layout.shapes}
    boxes = {each.name: each for each in figure.data if each.type == "box"}
    assert boxes["all"].x == ("at once", "1 s", "60 s")
    assert boxes["sells"].median == (-1.4, -1.0, 4.0)


def test_boxes_show_the_middle_half_of_the_fills_and_nine_tenths_between_whiskers() -> None:
    fills = [fill(at, Side.BUY, "1899", edge_bps=Decimal(at)) for at in range(101)]
    box = next(each for each in markout_picture(result([sample(0)], fills)).data if each.type == "box")
    drawn = [values[0] for values in (box.lowerfence, box.q1, box.median, box.q3, box.upperfence)]
    assert drawn == [5, 25, 50, 75, 95]


def test_a_run_without_fills_is_drawn_too() -> None:
    run = result([sample(0, mid=None, bid=None, ask=None)], volume_quote=Decimal(0))
    assert fee_bps(run) is None
    assert trace(run_picture(run), "bought").name == "bought, 0"
    assert not markout_picture(run).layout.shapes


def test_a_hostile_symbol_is_text_in_a_picture() -> None:
    hostile = Symbol('<a href="x">A</a>/B<br>')
    run = result([sample(0)], [fill(1, Side.BUY, "1899")], symbol=hostile)
    for figure in (run_picture(run), markout_picture(run)):
        text = str(figure.to_dict())
        assert "<a" not in text
        assert "B<br>" not in text
    assert "&lt;a href" in str(run_picture(run).to_dict())
