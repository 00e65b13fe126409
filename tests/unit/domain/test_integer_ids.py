"""Orders at venues whose client ids are 32-bit numbers: read back whole, told from strangers by when they were made."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.integer_ids import SLOT_BITS, PackedIdentity
from marketmaker.domain.orders import EXIT_LEVEL, DeploymentTag, OrderIdentity, Side, read_level, was_made_by_us
from tests.builders import SLOT_MS, TAG

tags = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=3).map(
    lambda text: DeploymentTag(text=text)
)
identities = st.builds(
    OrderIdentity,
    tag=tags,
    market_number=st.integers(0, 15),
    slot_ms=st.integers(200_000, 4_000_000_000).map(lambda second: second * 1000),
    side=st.sampled_from(Side),
    level=st.integers(0, EXIT_LEVEL),
    attempt=st.integers(0, 1),
)
WHO = OrderIdentity(tag=TAG, market_number=3, slot_ms=SLOT_MS, side=Side.SELL, level=5, attempt=1)
NUMBER = WHO.encode_number()


@given(identities, st.integers(-2_000, 30_000))
def test_an_identity_reads_back_from_its_number_and_when_it_was_created(who: OrderIdentity, late_ms: int) -> None:
    number, created_ms = who.encode_number(), who.slot_ms + late_ms
    assert number.isdecimal()
    assert int(number) < 2**32
    assert OrderIdentity.decode(number, who.tag, created_ms) == who
    assert read_level(number, who.tag) == who.level
    assert was_made_by_us(number, who.tag, created_ms)


@pytest.mark.parametrize("late_ms", [-2_001, 30_001, -3_600_000, 3_600_000, 2**SLOT_BITS * 1000 - 60_000])
def test_an_order_that_was_not_created_at_its_slot_is_a_strangers(late_ms: int) -> None:  # R4
    assert not was_made_by_us(NUMBER, TAG, SLOT_MS + late_ms)


def test_an_order_of_another_tag_is_a_strangers() -> None:  # R4
    other = next(
        tag for tag in (DeploymentTag(text=f"aa{digit}") for digit in "0123456789") if tag.number != TAG.number
    )
    assert not other.owns(NUMBER)
    assert read_level(NUMBER, other) is None
    assert OrderIdentity.decode(NUMBER, other, SLOT_MS) is None
    assert not was_made_by_us(NUMBER, other, SLOT_MS)


def test_every_field_changes_the_number() -> None:
    changed = [
        replace(WHO, market_number=4),
        replace(WHO, slot_ms=SLOT_MS + 1_000),
        replace(WHO, side=Side.BUY),
        replace(WHO, level=4),
        replace(WHO, attempt=0),
    ]
    assert len({NUMBER, *(each.encode_number() for each in changed)}) == 6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"market_number": 16}, "market_number 16 does not fit a 32-bit order id; allowed: 0 to 15"),
        ({"level": 8}, "level 8 does not fit a 32-bit order id; allowed: 0 to 7"),
        ({"attempt": 2}, "attempt 2 does not fit a 32-bit order id; allowed: 0 to 1"),
    ],
)
def test_what_has_no_place_in_a_number_is_refused(change: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(WHO, **change).encode_number()  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "007", "4294967296", "-1", "1.5", "12345678901", "١٢", "mm", WHO.encode()])
def test_what_is_no_32_bit_number_is_none(text: str) -> None:
    assert PackedIdentity.unpack(text) is None


@given(st.integers(0, 2**32 - 1))
def test_every_number_reads_back_to_itself(number: int) -> None:
    packed = PackedIdentity.unpack(str(number))
    assert packed is not None
    assert packed.pack() == number


def test_a_text_id_is_ours_whenever_it_was_created() -> None:
    assert was_made_by_us(WHO.encode(), TAG, 0)
    assert not TAG.owns(None)
    assert not TAG.owns("by-hand")
