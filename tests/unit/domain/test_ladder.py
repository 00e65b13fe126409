"""The multiples of a ladder's levels (P1)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.ladder import geometric_multiples, linear_multiples
from marketmaker.domain.models import Ladder

steps = st.decimals("0.01", "10", places=2)


@pytest.mark.parametrize(("step", "multiples"), [("1", "1 2 3 4"), ("0.5", "1 1.5 2 2.5"), ("0", "1 1 1 1")])
def test_linear_levels_are_a_step_apart(step: str, multiples: str) -> None:
    assert linear_multiples(4, Decimal(step)) == tuple(map(Decimal, multiples.split()))


@pytest.mark.parametrize(("ratio", "multiples"), [("2", "1 2 4 8"), ("1.5", "1 1.5 2.25 3.375"), ("1", "1 1 1 1")])
def test_geometric_levels_grow_by_a_ratio(ratio: str, multiples: str) -> None:
    assert geometric_multiples(4, Decimal(ratio)) == tuple(map(Decimal, multiples.split()))


@given(levels=st.integers(1, 8), step=steps)
def test_every_level_is_farther_than_the_one_before_and_the_nearest_is_one(levels: int, step: Decimal) -> None:
    for multiples in (linear_multiples(levels, step), geometric_multiples(levels, 1 + step)):
        assert multiples[0] == 1
        assert len(multiples) == levels
        assert list(multiples) == sorted(set(multiples))


def test_a_ladder_has_as_many_sizes_as_distances() -> None:
    with pytest.raises(ValueError, match="2 distances and 1 sizes; allowed: as many, above 0"):
        Ladder(distances=(Decimal(1), Decimal(2)), sizes=(Decimal(1),))
    with pytest.raises(ValueError, match="0 distances and 0 sizes"):
        Ladder(distances=(), sizes=())
