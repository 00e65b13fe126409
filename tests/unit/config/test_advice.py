"""What is allowed and unwise is pointed out with its key and what to write instead (P8)."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.config.documents import parse
from tests.unit.config.perpetuals import SOL, perpetual_document, perpetual_market
from tests.unit.config.test_models import document

AT = f"accounts.main.markets[{SOL}]"
AT_PAXG = "accounts.main.markets[PAXG/USDT]"


def advice(**keys: Any) -> tuple[str, ...]:
    """Return what is said of a perpetual with these keys; None takes one out."""
    market = {key: value for key, value in perpetual_market(**keys).items() if value is not None}
    return parse(perpetual_document(market)).advice


def test_a_perpetual_with_a_stop_and_a_paying_spread_needs_none() -> None:
    assert advice() == ()


def test_a_position_without_a_stop_is_told_its_worst_case() -> None:
    assert advice(stop_loss=None) == (
        f"{AT}.stop_loss: off, so nothing but max_base = 5 bounds the position; the worst case is all of capital_quote"
        ": at max_exposure = 2 after a move of 50% against it; set stop_loss = { loss_quote = ... } to the most that "
        "you would lose",
    )


def test_the_aggressive_preset_is_told_its_worst_case_and_the_others_are_not() -> None:
    own = {"stop_loss": None, "half_spread": None, "order_size_base": None, "inventory": None}
    told = {name: advice(preset=name, **own) for name in ("neutral", "balanced", "aggressive", "conservative")}
    assert [name for name, lines in told.items() if lines] == ["aggressive"]
    (line,) = told["aggressive"]
    assert line.startswith(f"{AT}.stop_loss: off, so nothing but max_base = 10 bounds the position")


def test_more_exposure_than_twice_the_equity_is_pointed_out() -> None:  # S17
    assert advice(perpetual={"leverage": 5, "max_exposure": 4}) == (
        f"{AT}.perpetual.max_exposure: position and resting orders may reach 4 times the equity, and a move of 25% "
        "takes it all; set max_exposure = 2 or less",
    )
    assert advice(perpetual={"leverage": 5, "max_exposure": 2}) == ()


def test_a_half_spread_below_the_fees_says_how_far_it_will_be_widened() -> None:  # R36
    assert advice(half_spread={"bps": Decimal("0.5")}) == (
        f"{AT}.half_spread: 0.5 bps is below the fees' break-even and will be widened by 1.5 bps at least; set bps = 2 "
        "or more",
    )
    assert advice(half_spread={"bps": 2}) == ()


def test_a_half_spread_in_quote_is_held_against_the_highest_price_of_the_band() -> None:
    assert parse(document(half_spread={"quote": Decimal("0.15")})).advice == (
        f"{AT_PAXG}.half_spread: 0.15 in quote currency is below the fees' break-even at 2000 and will be widened by "
        "0.05 there at least; set quote = 0.2 or more",
    )
    assert parse(document(half_spread={"quote": Decimal("0.2")})).advice == ()


@pytest.mark.parametrize(
    "keys",
    [
        {"half_spread": {"quote": Decimal("0.15")}, "price_band": {"bps": 100}},
        {"half_spread": {"model": "sigma_optimal"}},
        {"half_spread": {"bps": 3}, "fees": {"maker_bps": -1, "taker_bps": 5}},
    ],
)
def test_what_cannot_be_known_or_pays_is_not_told(keys: dict[str, Any]) -> None:
    assert parse(document(**keys)).advice == ()


def test_a_baseline_without_floors_is_not_told_that_it_will_be_widened() -> None:
    found = document(half_spread={"bps": Decimal("0.5")}, floors=False)
    assert parse({**found, "stage": "local"}).advice == ()
