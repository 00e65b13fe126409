"""The values of a `--vary`: separated by commas, or as an array of TOML."""

import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.config.variations import read_variation
from marketmaker.errors import ConfigError

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.one_of(
    st.booleans(),
    st.integers(min_value=-(10**9), max_value=10**9),
    st.decimals(min_value=-1000, max_value=1000, places=4).map(lambda each: Decimal(str(each))),
    TEXTS,
)


def as_set_reads(text: str) -> object:
    """What `--set KEY=text` makes of it."""
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        return text


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("half_spread.bps=2,4, 8.50", ("2", "4", "8.5")),
        ("fair_price=mid,last", ("mid", "last")),
        ("fair_price=['mid', \"last\"]", ("mid", "last")),
        ("half_spread={bps = 2},{quote = 0.5}", ("{ bps = 2 }", "{ quote = 0.5 }")),
        (
            "inventory=[{policy = 'position', max_base = 2}]",
            ('{ policy = "position", max_base = 2 }',),
        ),
        ("spacing=[[1, 1.5], [1, 3]]", ("[1, 1.5]", "[1, 3]")),
        ("post_only=true,false", ("true", "false")),
        ("odd=['true', '1', '', 'a,b']", ('"true"', '"1"', '""', "a,b")),
        ("replace = {price_share = 0.5, size_share = 1}", ("{ price_share = 0.5, size_share = 1 }",)),
    ],
)
def test_values_are_read_as_in_the_file(text: str, values: tuple[str, ...]) -> None:
    assert read_variation(text).values == values


@given(VALUES)
def test_any_value_in_a_table_means_the_same_after_set(value: object) -> None:
    table = f"{{ k = {_toml(value)} }}"
    (written,) = read_variation(f"key={table}").values
    assert as_set_reads(written) == as_set_reads(table)


@given(TEXTS)
def test_any_text_means_the_same_after_set(value: str) -> None:
    (written,) = read_variation(f"key=[{_toml(value)}]").values
    assert as_set_reads(written) == value


@pytest.mark.parametrize(
    "text", ["half_spread.bps", "=1,2", "half_spread.bps=", "fair_price=mid,,last", "a=[1, 2", "a={bps = 1", "a=[]"]
)
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--vary: .* is not allowed: KEY=V1,V2 or KEY="):
        read_variation(text)


@pytest.mark.parametrize("text", ["a=1,2,1", "a=4,4.0", "a=['mid', 'mid']"])
def test_a_value_twice_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="twice is not allowed: each value once"):
        read_variation(text)


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + "".join(f"\\U{ord(each):08x}" for each in value) + '"'
        case _:
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
