"""The README's settings are usable as they stand, and its table knows every model's keys and their defaults."""

import re
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from marketmaker.config import ladder_schema, market_schema, model_schema, parse_deployment
from marketmaker.config.ladder_schema import LadderTable
from marketmaker.config.market_schema import FeesTable, MarketTable, ReplaceTable
from marketmaker.config.risk_schema import RiskTable
from marketmaker.config.tables import Table
from marketmaker.domain.accounts import BreachResponse
from marketmaker.domain.hooks import HookKind
from marketmaker.domain.models import FairPriceModel, Glft, Perpetual, Placement, PositionSkew, ReservationPrice
from marketmaker.domain.units import AccountName, plain
from tests.unit.config.documents import minimal_document, text_of

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
    for module in (market_schema, model_schema, ladder_schema)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Table) and kind not in {Table, MarketTable, FeesTable, ReplaceTable}
}


def test_the_example_is_a_deployment_of_the_models_that_it_names() -> None:
    deployment = parse_deployment(EXAMPLES[0], file="README.md")
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


def test_the_example_of_a_perpetual_is_its_preset_with_what_stands_over_it() -> None:
    deployment = parse_deployment(EXAMPLES[1], file="README.md")
    (market,) = deployment.accounts[AccountName("main")].markets

    assert deployment.advice == ()
    assert market.perpetual == Perpetual(leverage=Decimal(2))
    assert isinstance(market.inventory_band, PositionSkew)
    assert (market.inventory_band.max_base, market.inventory_band.skew) == (Decimal(5), Decimal("0.7"))
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("preset", ["neutral", "balanced", "aggressive", "conservative"])
def test_the_table_of_presets_says_what_they_are(preset: str) -> None:
    text = EXAMPLES[1].replace('"neutral"', f'"{preset}"').replace("inventory = { max_base = 5 }", "")
    (use,) = parse_deployment(text, file="README.md").preset_uses
    keys = ("target_base", "max_base", "threshold_base", "skew")
    said = [
        f"{use.values['half_spread.bps']} bps",
        use.values["order_size_base"],
        f"{use.values['ladder.levels']} level",
        *(use.values[f"inventory.{key}"] for key in keys),
        use.values.get("stop_loss.loss_quote", "off"),
        use.values["take_profit_quote"],
    ]
    (row,) = [line for line in README.splitlines() if line.startswith(f"| {preset} |")]
    assert [cell.strip().replace("levels", "level") for cell in row.split("|")[2:-1]] == said


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


@pytest.mark.parametrize("field", msgspec.structs.fields(RiskTable), ids=lambda each: each.name)
def test_every_limit_of_an_account_is_named_with_its_default(field: msgspec.structs.FieldInfo) -> None:
    told, default = "\n".join(ROWS), field.default
    if isinstance(default, BreachResponse):
        assert f"| `{field.name}` | {default.value} |" in told
    elif isinstance(default, int | Decimal):
        assert f"`{field.name}` {plain(Decimal(default))}" in README
    else:
        assert f"`{field.name}" in told


def test_the_example_of_hooks_is_usable() -> None:
    (hooks,) = [each for each in EXAMPLES if each.startswith("[alerts]")]
    deployment = parse_deployment(text_of(minimal_document()) + hooks, file="README.md")
    assert {name: (each.kind, each.hears_info) for name, each in deployment.hooks.items()} == {
        "desk": (HookKind.DINGTALK, True),
        "night": (HookKind.TELEGRAM, False),
    }
