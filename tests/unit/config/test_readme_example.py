"""The README's settings are usable as they stand, and its table names every key that a model takes."""

import re
from pathlib import Path

import msgspec
import pytest

from marketmaker.config import parse_deployment
from marketmaker.config import market_schema, model_schema
from marketmaker.config.market_schema import MarketTable
from marketmaker.config.tables import Table
from marketmaker.domain.models import FairPriceModel, Glft, Placement, ReservationPrice
from marketmaker.domain.units import AccountName

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
TABLE = [line for line in README.splitlines() if line.startswith("| `")]
SHOWN_IN_FILES = {"symbol", "number", "capital_base", "capital_quote", "opening_cost_quote", "fees", "order_size_base"} | {
    "price_band", "replace", "max_book_age_s", "post_only"
}
"""Keys of a market that the deployment files explain."""


def test_the_example_is_a_deployment_of_the_models_that_it_names() -> None:
    (example,) = EXAMPLES
    deployment = parse_deployment(example, file="README.md")
    (market,) = deployment.accounts[AccountName("main")].markets

    assert deployment.advice == ()
    assert market.fair_price is FairPriceModel.REFERENCE
    assert market.reference is not None
    assert market.reference.divides
    assert isinstance(market.half_spread, Glft)
    assert isinstance(market.inventory_band, ReservationPrice)
    assert market.ladder.levels == 3
    assert market.touch is not None
    assert market.touch.placement is Placement.JOIN
    assert market.run_guard is not None


@pytest.mark.parametrize("field", [each for each in msgspec.structs.fields(MarketTable) if each.name not in SHOWN_IN_FILES])
def test_every_key_of_a_market_has_a_row(field: msgspec.structs.FieldInfo) -> None:
    assert [row for row in TABLE if row.startswith(f"| `{field.name}` |")]
