from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.adapters.dynamodb.attributes import DecimalAttribute, IntegerAttribute, MappingAttribute

attribute = DecimalAttribute()


@st.composite
def storable(draw: st.DrawFn) -> Decimal:
    """Build any number of at most 38 digits whose first digit stands between 1E-130 and 1E125."""
    first, rest = draw(st.integers(1, 9)), draw(st.lists(st.integers(0, 9), max_size=37))
    exponent = draw(st.integers(-130, 125)) - len(rest)
    return Decimal((draw(st.integers(0, 1)), (first, *rest), exponent))


@given(value=storable())
def test_any_storable_number_comes_back_equal(value: Decimal) -> None:
    assert attribute.deserialize(attribute.serialize(value)) == value


@given(value=storable())
def test_text_has_no_exponent_and_no_trailing_zeros(value: Decimal) -> None:
    text = attribute.serialize(value)
    assert "E" not in text
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("0E-30", "0"),
        ("0E-200", "0"),
        ("0E+200", "0"),
        ("1.50", "1.5"),
        ("1E+3", "1000"),
        ("-1E-18", "-0.000000000000000001"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        ("1000.000000000000000000000000000000000000000000", "1000"),
    ],
)
def test_number_is_written_plainly(text: str, stored: str) -> None:
    assert attribute.serialize(Decimal(text)) == stored


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_numbers_that_are_not_finite_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: finite numbers"):
        attribute.serialize(Decimal(text))


def test_more_than_38_digits_are_refused() -> None:
    assert attribute.serialize(Decimal("1." + "1" * 37)) == "1." + "1" * 37
    with pytest.raises(ValueError, match="39 significant digits; allowed: at most 38"):
        attribute.serialize(Decimal("1." + "1" * 38))


@pytest.mark.parametrize("text", ["1E+126", "9.9E-131"])
def test_numbers_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: 1E-130 to 1E125"):
        attribute.serialize(Decimal(text))


@pytest.mark.parametrize("value", [0.1, 1, "1"])
def test_only_decimals_are_money(value: object) -> None:
    with pytest.raises(TypeError, match="money is a Decimal"):
        attribute.serialize(value)


@given(value=st.integers())
def test_whole_numbers_come_back_equal(value: int) -> None:
    assert IntegerAttribute().deserialize(IntegerAttribute().serialize(value)) == value


@pytest.mark.parametrize("value", [1.0, "1", Decimal(1)])
def test_only_whole_numbers_are_whole_numbers(value: object) -> None:
    with pytest.raises(TypeError, match="allowed: whole numbers"):
        IntegerAttribute().serialize(value)


@given(value=st.dictionaries(st.text(), storable()))
def test_any_map_comes_back_equal(value: dict[str, Decimal]) -> None:
    amounts = MappingAttribute[str, Decimal](attribute)
    assert amounts.deserialize(amounts.serialize(value)) == value
