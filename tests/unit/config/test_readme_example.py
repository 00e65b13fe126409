"""The README's settings are usable as they stand, and its table knows every model's keys and their defaults."""

import re
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from marketmaker.config import market_schema, model_schema, parse_deployment
from marketmaker.config.market_schema import FeesTable, LadderTable, MarketTable, ReplaceTable
from marketmaker.config.tables import Table
from marketmaker.domain.models import FairPriceModel, Glft, Placement, ReservationPrice
from marketmaker.domain.units import AccountName, plain

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
ROWS = [line for line in README.splitlines() if line.startswith("| `")]
IN_THE_FILES = {
    *("symbol", "number", "capital_base", "capital_quote", "opening_cost_quote", "fees", "order_size_base"),
    *("price_band", "replace", "max_book_age_s", "post_only"),
}
"""Keys of a market that every deployment file explains."""
TABLES = {
    kind
    for module in (market_schema, model_schema)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Table) and kind not in {Table, MarketTable, FeesTable, ReplaceTable}
}


def test_the_example_is_a_deployment_of_the_models_that_it_names() -> None:
    (example,) = EXAMPLES
    deployment = parse_deployment(example, file="README.md")
    (market,) = deployment.accounts[AccountName("main")].markets

    assert deployment.advice == ()
    assert market.fair_price is FairPriceModel.REFERENCE
    assert market.second_price is not None
    assert market.second_price.divides
    assert isinstance(market.half_spread, Glft)
    assert isinstance(market.inventory_band, ReservationPrice)
    assert market.ladder.levels == 3
    assert market.touch is not None
    assert market.touch.placement is Placement.JOIN
    assert market.run_guard is not None


@pytest.mark.parametrize("key", [each for each in MarketTable.__struct_fields__ if each not in IN_THE_FILES])
def test_every_key_of_a_market_has_a_row(key: str) -> None:
    assert [row for row in ROWS if row.startswith(f"| `{key}` |")]


@pytest.mark.parametrize("kind", sorted(TABLES - {LadderTable}, key=repr))
def test_every_key_of_a_model_is_named_with_its_default(kind: type[Table]) -> None:
    told = "\n".join(ROWS)
    for field in msgspec.structs.fields(kind):
        if field.name in {"amount", "share", "low", "high"}:
            continue
        number = field.default
        has_number = isinstance(number, int | Decimal) and not isinstance(number, bool)
        pattern = rf"`{field.name}` {re.escape(plain(Decimal(number)))}\b" if has_number else rf"`.*\b{field.name}\b.*`"
        assert re.search(pattern, told), f"{field.name} of {kind.__name__}"
