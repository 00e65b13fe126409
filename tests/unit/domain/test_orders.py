"""Orders and their identity: who an order is can be read from its client id alone (R1, R2, R4)."""

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.orders import (
    MAX_ATTEMPT,
    MAX_LEVEL,
    MAX_MARKET_NUMBER,
    DeploymentTag,
    Fee,
    OrderIdentity,
    Side,
    read_level,
)
from marketmaker.domain.units import VenueOrderId
from tests.builders import OTHER_TAG, SLOT_MS, TAG, fee, fill, foreign_order, identity, new_order, order

BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
LAST_SLOT_MS = (36**7 - 1) * 1000

tags = st.text(BASE_36, min_size=3, max_size=3).map(lambda text: DeploymentTag(text=text))
identities = st.builds(
    OrderIdentity,
    tag=tags,
    market_number=st.integers(0, MAX_MARKET_NUMBER),
    slot_ms=st.integers(0, 36**7 - 1).map(lambda second: second * 1000),
    side=st.sampled_from(Side),
    level=st.integers(0, MAX_LEVEL),
    attempt=st.integers(0, MAX_ATTEMPT),
)


@given(identities)
def test_an_identity_reads_back_from_its_client_id(who: OrderIdentity) -> None:
    assert OrderIdentity.decode(who.encode(), who.tag) == who


@given(identities)
def test_a_client_id_is_17_lower_case_alphanumerics(who: OrderIdentity) -> None:
    client_id = who.encode()
    assert len(client_id) == 17
    assert set(client_id) <= set(BASE_36)


def test_every_field_of_an_identity_changes_its_client_id() -> None:
    neighbours = [
        identity(side, level=level, market_number=market, slot_ms=slot_ms, attempt=attempt, owner=owner)
        for side, level, market, slot_ms, attempt, owner in product(
            Side, (0, 1), (0, 1), (SLOT_MS, SLOT_MS + 1000), (0, 1), (TAG, OTHER_TAG)
        )
    ]
    assert len({each.encode() for each in neighbours}) == len(neighbours)


def test_the_extremes_of_every_field_fit() -> None:
    highest = identity(
        Side.SELL, level=MAX_LEVEL, market_number=MAX_MARKET_NUMBER, slot_ms=LAST_SLOT_MS, attempt=MAX_ATTEMPT
    )
    assert highest.encode() == "mmabczzzzzzzzzszz"
    assert identity(Side.BUY, slot_ms=0).encode() == "mmabc000000000b00"


@given(who=identities, other=tags)
def test_another_deployments_order_never_decodes(who: OrderIdentity, other: DeploymentTag) -> None:
    if other != who.tag:
        assert OrderIdentity.decode(who.encode(), other) is None
        assert not other.owns(who.encode())


@given(who=identities, other=tags)
def test_the_level_alone_reads_back_as_the_whole_identity_does(who: OrderIdentity, other: DeploymentTag) -> None:
    assert read_level(who.encode(), who.tag) == who.level
    assert read_level(who.encode(), other) == (who.level if other == who.tag else None)


@given(st.text(BASE_36 + "BS-", min_size=12, max_size=12))
def test_a_level_is_read_only_of_an_id_that_decodes(body: str) -> None:
    client_id = f"mm{TAG.text}{body}"
    who = OrderIdentity.decode(client_id, TAG)
    assert read_level(client_id, TAG) == (None if who is None else who.level)


@given(st.text())
def test_a_foreign_id_never_decodes(client_id: str) -> None:  # R4
    assert OrderIdentity.decode(client_id, TAG) is None


@given(st.text(min_size=12, max_size=12))
def test_an_id_under_our_tag_decodes_only_if_we_could_have_written_it(body: str) -> None:
    client_id = "mm" + TAG.text + body
    decoded = OrderIdentity.decode(client_id, TAG)
    assert decoded is None or decoded.encode() == client_id


@pytest.mark.parametrize(
    "client_id",
    [
        "",
        "mmabc",
        "mmabc000000000b0",
        "mmabc000000000b000",
        "MMABC000000000B00",
        "mmabc000000000x00",
        "mmabc00000000 b00",
        "mmabc-00000000b00",
        "mmabc00000000_b00",
        "mmabc0000000\u0660\u0660b00",
        "xxabc000000000b00",
    ],
)
def test_an_id_that_is_almost_ours_does_not_decode(client_id: str) -> None:
    assert OrderIdentity.decode(client_id, TAG) is None


def test_a_tag_owns_its_own_orders_only() -> None:
    assert TAG.owns(order().client_id)
    assert not OTHER_TAG.owns(order().client_id)
    assert not TAG.owns(foreign_order().client_id)
    assert not TAG.owns("web_5f3c")


@pytest.mark.parametrize("text", ["", "ab", "abcd", "ABC", "a-c", "ab\u0660", "äbc"])
def test_a_tag_is_exactly_three_base_36_characters(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: exactly 3 of 0-9 and a-z"):
        DeploymentTag(text=text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("market_number", -1),
        ("market_number", MAX_MARKET_NUMBER + 1),
        ("level", -1),
        ("level", MAX_LEVEL + 1),
        ("attempt", -1),
        ("attempt", MAX_ATTEMPT + 1),
        ("slot_ms", -1000),
        ("slot_ms", LAST_SLOT_MS + 1000),
    ],
)
def test_an_identity_that_does_not_fit_its_id_cannot_be_built(name: str, value: int) -> None:
    fields: dict[str, int] = {"market_number": 0, "slot_ms": 0, "level": 0, "attempt": 0, name: value}
    with pytest.raises(ValueError, match=f"{name} {value} does not fit"):
        OrderIdentity(tag=TAG, side=Side.BUY, **fields)


def test_a_slot_is_a_whole_second() -> None:
    with pytest.raises(ValueError, match="slot_ms 1500 is not a whole second"):
        identity(slot_ms=1500)


def test_sides_oppose_each_other_and_move_inventory_oppositely() -> None:
    assert (Side.BUY.opposite, Side.SELL.opposite) == (Side.SELL, Side.BUY)
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)


def test_an_orders_notional_is_what_can_still_be_filled() -> None:  # R13
    partly = order(price="1900", size_base="0.1", executed_base="0.04")
    assert partly.remaining_base == Decimal("0.06")
    assert partly.notional_quote == Decimal(114)


def test_an_accepted_order_rests_with_nothing_executed() -> None:
    resting = new_order(Side.SELL, "1900.5", "0.1").resting(VenueOrderId("77"), SLOT_MS)
    assert resting == order(Side.SELL, "1900.5", "0.1", venue_id="77")
    assert resting.is_live


def test_a_fills_notional_is_gross_of_its_fee() -> None:
    charged: Fee = fee("0.19")
    assert fill(price="1900", size_base="0.1", charged=charged).notional_quote == 190
    assert replace(fill(price="1900", size_base="0.1"), fee=None).notional_quote == 190
