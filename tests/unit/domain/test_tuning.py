"""What the guide would change, by its own numbers and never below what a quote costs (S7, R36)."""

import tomllib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.inventory import FillRow, Inventory, book_fill
from marketmaker.domain.models import AvellanedaStoikov, Distribution, Glft, HalfSpread, Regime, SigmaOptimal
from marketmaker.domain.orders import Side
from marketmaker.domain.tuning import Advice, AdviceKind, MarketPast, advise, figures_of, spread_of
from marketmaker.domain.units import BPS, ONE
from tests.builders import BNB, USDT, fee, fill, instrument, inventory, market_settings

D = Decimal
HOUR_MS = 3_600_000
FLOOR = D("0.22")


def traded(
    *trades: tuple[Side, str, str], fee_quote: str = "0.019", asset: str = USDT
) -> tuple[list[FillRow], Inventory]:
    """Book trades of side, price and size, each with this fee."""
    held, rows = inventory(), []
    for number, (side, price, size) in enumerate(trades):
        trade = fill(side, price, size, charged=fee(fee_quote, asset), trade_id=str(number))
        held, row = book_fill(held, trade, instrument())
        rows.append(row)
    return rows, held


def past(
    *trades: tuple[Side, str, str], span_ms: int = 24 * HOUR_MS, fee_quote: str = "0.019", **changes: Any
) -> MarketPast:
    """Return a day of the guide's market with these trades, marked at 1900."""
    rows, held = traded(*trades, fee_quote=fee_quote)
    made = MarketPast(
        settings=market_settings(), span_ms=span_ms, fills=rows, inventory=held, mark=D(1900), floor=FLOOR
    )
    return replace(made, **changes)


BUSY = [(side, price, "0.1") for _ in range(15) for side, price in ((Side.BUY, "1899.5"), (Side.SELL, "1900.5"))]


def of_kind(found: tuple[Advice, ...], kind: AdviceKind) -> Advice:
    (advice,) = (each for each in found if each.kind is kind)
    return advice


def test_few_fills_narrow_the_half_spread_from_a_half_to_three_tenths() -> None:  # S7: 0.5 → 0.3
    advice = of_kind(advise(past(*BUSY[:2])), AdviceKind.NARROW)
    assert (advice.key, advice.value) == ("half_spread", "{ quote = 0.3 }")
    assert advice.text == "2 fills, 0.08333 an hour: narrow the half-spread from 0.5 to 0.3"


def test_a_relative_half_spread_is_narrowed_in_its_own_unit() -> None:
    settings = market_settings(half_spread=BpsDistance(bps=D(10)))
    assert of_kind(advise(past(settings=settings)), AdviceKind.NARROW).value == "{ bps = 6 }"


def test_swings_halve_the_order_size() -> None:  # S7: 0.1 → 0.05
    bought = [(Side.BUY, "1900", "0.1")] * 25
    advice = of_kind(advise(past(*bought)), AdviceKind.SMALLER)
    assert (advice.key, advice.value) == ("order_size_base", "0.05")
    assert advice.text.startswith("the inventory moved by 25 orders, 33.3% to 50.0% of the capital")
    outside = [(Side.BUY, "1900", "1")] * 4
    assert of_kind(advise(past(*outside)), AdviceKind.SMALLER).value == "0.05"


def test_fees_that_dominate_are_told_with_what_lower_ones_would_leave() -> None:  # S1, S7, S8
    advice = of_kind(advise(past(*BUSY, fee_quote="0.04")), AdviceKind.FEES)
    assert advice.text == (
        "fees dominate: the fills gained 1.5 and cost 1.2, 0.3 are left; 0.9 with fees 50% lower, 1.26 with fees 80% "
        "lower, as a recognised market maker pays"
    )
    assert advice.value == ""


@pytest.mark.parametrize("fee_quote", ["0.019", "0", "-0.05"])
def test_cheap_fees_and_rebates_are_no_trouble(fee_quote: str) -> None:
    assert [each.kind for each in advise(past(*BUSY, fee_quote=fee_quote))] == [AdviceKind.NOTHING]


def test_a_loss_before_fees_is_not_the_fees_fault() -> None:
    losing = [(side, price, "0.1") for _ in range(15) for side, price in ((Side.BUY, "1900.5"), (Side.SELL, "1899.5"))]
    assert [each.kind for each in advise(past(*losing, fee_quote="1"))] == [AdviceKind.NOTHING]


@pytest.mark.parametrize("changes", [{"span_ms": HOUR_MS - 1}, {"mark": None}])
def test_too_little_to_judge_by_is_said(changes: dict[str, Any]) -> None:
    assert [each.kind for each in advise(past(*BUSY[:1], **changes))] == [AdviceKind.TOO_LITTLE]


def test_a_half_spread_at_its_floor_cannot_be_narrowed() -> None:  # R36
    advice = of_kind(advise(past(floor=D("0.5"))), AdviceKind.NARROW)
    assert advice.value == ""
    assert "at its floor of 0.5: fees and cadence must cost less" in advice.text
    bound = of_kind(advise(past(floor=D("0.41"))), AdviceKind.NARROW)
    assert bound.value == "{ quote = 0.41 }"
    assert bound.text.endswith("as far as fees and cadence allow")


@given(half=st.decimals("0.001", "50", places=3), floor=st.decimals("0.0001", "50", places=9), relative=st.booleans())
def test_no_advice_undercuts_the_floor(half: Decimal, floor: Decimal, relative: bool) -> None:  # R36
    model = BpsDistance(bps=half) if relative else QuoteDistance(quote=half)
    advice = of_kind(advise(past(settings=market_settings(half_spread=model), floor=floor)), AdviceKind.NARROW)
    if advice.value:
        said = tomllib.loads(f"half_spread = {advice.value}", parse_float=Decimal)["half_spread"]
        proposed = said["bps"] * D(1900) * BPS if relative else said["quote"]
        assert floor <= proposed <= model.at(D(1900)) * D("1.001")


@pytest.mark.parametrize(
    ("model", "key", "value"),
    [
        (SigmaOptimal(distribution=Distribution.NORMAL, multiple=D(2)), "half_spread.multiple", "1.2"),
        (AvellanedaStoikov(gamma=D("0.1"), horizon_ms=60_000, decay=None), "half_spread.gamma", "0.06"),
        (Glft(gamma=D("0.1"), intensity=None, decay=None), "half_spread.gamma", "0.06"),
        (
            Regime(
                narrow=QuoteDistance(quote=ONE), wide=QuoteDistance(quote=ONE), larger=ONE, smaller=ONE, compact=ONE
            ),
            "half_spread.narrow",
            "",
        ),
    ],
)
def test_each_model_is_narrowed_by_its_own_knob(model: HalfSpread, key: str, value: str) -> None:
    advice = of_kind(advise(past(settings=market_settings(half_spread=model))), AdviceKind.NARROW)
    assert (advice.key, advice.value) == (key, value)


def test_what_was_gained_is_the_fills_at_the_mark_less_their_fees() -> None:
    figures = figures_of(past(*BUSY, fee_quote="0.04"))
    assert (figures.gross_quote, figures.fees_quote, figures.net_quote) == (D("1.50"), D("1.20"), D("0.30"))
    assert figures.net_at(D("0.5")) == D("0.9")
    assert (figures.volume_base, figures.maker_share) == (D(3), ONE)
    assert (figures.lowest_base, figures.highest_base) == (D(5), D("5.1"))


def test_a_fee_in_another_asset_is_counted_as_unknown_and_in_no_sum() -> None:  # R16
    rows, held = traded(*BUSY, fee_quote="0.001", asset=BNB)
    figures = figures_of(replace(past(), fills=rows, inventory=held))
    assert (figures.unpriced_fills, figures.fees_quote) == (30, D(0))


def test_nothing_is_known_of_a_market_without_capital_or_fills() -> None:
    figures = figures_of(replace(past(), inventory=inventory(base="0", quote="0")))
    assert (figures.maker_share, figures.lowest_ratio, figures.highest_ratio) == (None, None, None)
    assert spread_of([]) is None
    swung = replace(past(*[(Side.BUY, "1900", "0.1")] * 25), inventory=inventory(base="0", quote="0"))
    assert of_kind(advise(swung), AdviceKind.SMALLER).text.startswith("the inventory moved by 25 orders; its band")


def test_the_spread_earned_is_how_much_higher_was_sold_than_bought() -> None:
    rows, _ = traded(*BUSY)
    assert spread_of(rows) == pytest.approx(D("5.2645"), abs=D("0.001"))
