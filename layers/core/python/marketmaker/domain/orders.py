"""Orders, their structured identity, and trades as the venue reports them."""

import string
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Self

from marketmaker.domain.integer_ids import SLOT_BITS, TAG_BITS, PackedIdentity
from marketmaker.domain.units import ZERO, Asset, ClientOrderId, Symbol, TradeId, VenueOrderId

_DIGITS = string.digits + string.ascii_lowercase
_LEGAL = frozenset(_DIGITS)
_PREFIX = "mm"
_TAG_WIDTH = 3
_MARKET_WIDTH = 2
_SLOT_WIDTH = 7
_ID_LENGTH = len(_PREFIX) + _TAG_WIDTH + _MARKET_WIDTH + _SLOT_WIDTH + 3

MAX_MARKET_NUMBER = len(_DIGITS) ** _MARKET_WIDTH - 1
MAX_LEVEL = len(_DIGITS) - 1
MAX_ATTEMPT = len(_DIGITS) - 1
EXIT_LEVEL = 7
"""The level of an exit's orders: the last that the ids of every venue can tell; quotes stand on those below."""


class Side(StrEnum):
    """The side of an order, a quote or a trade."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """The change of inventory that a fill on this side brings: +1 or −1."""
        return 1 if self is Side.BUY else -1


_SIDES = {side.value[0]: side for side in Side}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentTag:
    """Three base-36 characters that mark a deployment's orders; unique per venue login."""

    text: str

    def __post_init__(self) -> None:
        if len(self.text) != _TAG_WIDTH or not set(self.text) <= set(_DIGITS):
            raise ValueError(f"tag {self.text!r} is not usable; allowed: exactly {_TAG_WIDTH} of 0-9 and a-z")

    @property
    def number(self) -> int:
        """What a 32-bit id carries of the tag: its last bits."""
        return int(self.text, 36) % (1 << TAG_BITS)

    def owns(self, client_id: str | None) -> bool:
        """Tell whether an order is ours by the tag in its client id; of a 32-bit one the tag alone says little."""
        if client_id is None:
            return False
        if len(client_id) == _ID_LENGTH and client_id.startswith(_PREFIX + self.text):
            return True
        packed = PackedIdentity.unpack(client_id)
        return packed is not None and packed.tag_number == self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIdentity:
    """Who an order is: deployment, market, slot, side, level and attempt, readable back from its client id.

    The client id is `mm` + tag (3) + market number (2) + slot in seconds (7) + side (`b` or `s`) + level (1) +
    attempt (1), all base 36: 17 alphanumerics, legal on every text venue. Where a venue takes only numbers, it is one
    of `integer_ids` in decimal digits.
    """

    tag: DeploymentTag
    market_number: int
    slot_ms: int
    side: Side
    level: int
    attempt: int = 0

    def __post_init__(self) -> None:
        for name, value, top in (
            ("market_number", self.market_number, MAX_MARKET_NUMBER),
            ("level", self.level, MAX_LEVEL),
            ("attempt", self.attempt, MAX_ATTEMPT),
            ("slot_ms", self.slot_ms, 36**_SLOT_WIDTH * 1000 - 1),
        ):
            if not 0 <= value <= top:
                raise ValueError(f"{name} {value} does not fit a client order id; allowed: 0 to {top}")
        if self.slot_ms % 1000:
            raise ValueError(f"slot_ms {self.slot_ms} is not a whole second")

    def encode(self) -> ClientOrderId:
        """Write the identity as a client order id."""
        return ClientOrderId(
            _PREFIX
            + self.tag.text
            + _base36(self.market_number, _MARKET_WIDTH)
            + _base36(self.slot_ms // 1000, _SLOT_WIDTH)
            + self.side.value[0]
            + _base36(self.level, 1)
            + _base36(self.attempt, 1)
        )

    def encode_number(self) -> ClientOrderId:
        """Write the identity as a 32-bit number.

        Raises:
            ValueError: market number, level or attempt have no place in it.
        """
        packed = PackedIdentity(
            tag_number=self.tag.number,
            market_number=self.market_number,
            slot=self.slot_ms // 1000 % (1 << SLOT_BITS),
            is_sell=int(self.side is Side.SELL),
            level=self.level,
            attempt=self.attempt,
        )
        return ClientOrderId(str(packed.pack()))

    @classmethod
    def decode(cls, client_id: str, tag: DeploymentTag, created_ms: int = 0) -> Self | None:
        """Read an identity back; None for an order that is not ours. A 32-bit one needs to know when it was created."""
        packed = PackedIdentity.unpack(client_id)
        if packed is not None:
            return None if packed.tag_number != tag.number else cls._unpacked(packed, tag, created_ms)
        body = _read_body(client_id, tag)
        if body is None:
            return None
        return cls(
            tag=tag,
            market_number=int(body[:_MARKET_WIDTH], 36),
            slot_ms=int(body[_MARKET_WIDTH : _MARKET_WIDTH + _SLOT_WIDTH], 36) * 1000,
            side=_SIDES[body[_MARKET_WIDTH + _SLOT_WIDTH]],
            level=int(body[-2], 36),
            attempt=int(body[-1], 36),
        )

    @classmethod
    def _unpacked(cls, packed: PackedIdentity, tag: DeploymentTag, created_ms: int) -> Self:
        return cls(
            tag=tag,
            market_number=packed.market_number,
            slot_ms=max(0, packed.slot_before(created_ms)),
            side=Side.SELL if packed.is_sell else Side.BUY,
            level=packed.level,
            attempt=packed.attempt,
        )


def read_level(client_id: str, tag: DeploymentTag) -> int | None:
    """Read an order's level alone, which every decision does for every order; None for an order that is not ours."""
    body = _read_body(client_id, tag)
    if body is not None:
        return int(body[-2], 36)
    packed = PackedIdentity.unpack(client_id)
    return packed.level if packed is not None and packed.tag_number == tag.number else None


def was_made_by_us(client_id: str, tag: DeploymentTag, created_ms: int) -> bool:
    """Tell whether an order of the venue is ours: by its id, and of a 32-bit one by when it was created too (R4)."""
    packed = PackedIdentity.unpack(client_id)
    return read_level(client_id, tag) is not None and (packed is None or packed.fits(created_ms))


def _read_body(client_id: str, tag: DeploymentTag) -> str | None:
    """Return what follows the tag, unless the id is not ours or says no identity."""
    if len(client_id) != _ID_LENGTH or not client_id.startswith(_PREFIX + tag.text):
        return None
    body = client_id[len(_PREFIX) + _TAG_WIDTH :]
    return body if body[_MARKET_WIDTH + _SLOT_WIDTH] in _SIDES and _LEGAL.issuperset(body) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A resting order as the venue reports it."""

    venue_id: VenueOrderId
    client_id: ClientOrderId | None
    symbol: Symbol
    side: Side
    price: Decimal
    size_base: Decimal
    executed_base: Decimal
    created_ms: int
    is_live: bool = True

    @property
    def remaining_base(self) -> Decimal:
        """What can still be filled."""
        return self.size_base - self.executed_base

    @property
    def notional_quote(self) -> Decimal:
        """Value of what can still be filled."""
        return self.price * self.remaining_base


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """A limit order to be sent; unless it is `post_only` it may take.

    What is `immediate` never rests: what it cannot take is cancelled. What is `reduce_only` can close a position but
    neither open one nor turn it round.
    """

    client_id: ClientOrderId
    symbol: Symbol
    side: Side
    price: Decimal
    size_base: Decimal
    post_only: bool = True
    immediate: bool = False
    reduce_only: bool = False

    def resting(self, venue_id: VenueOrderId, created_ms: int) -> Order:
        """Return the order as it rests once the venue has accepted it."""
        return Order(
            venue_id=venue_id,
            client_id=self.client_id,
            symbol=self.symbol,
            side=self.side,
            price=self.price,
            size_base=self.size_base,
            executed_base=ZERO,
            created_ms=created_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """A fee in the asset it was charged in; positive paid, negative rebate (M1, R16)."""

    amount: Decimal
    asset: Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of ours; `fee` is None where the venue did not report one (R16: unknown, never zero)."""

    trade_id: TradeId
    venue_order_id: VenueOrderId
    symbol: Symbol
    side: Side
    price: Decimal
    size_base: Decimal
    fee: Fee | None
    time_ms: int
    is_maker: bool

    @property
    def notional_quote(self) -> Decimal:
        """Gross value of the trade."""
        return self.price * self.size_base


def _base36(value: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        value, digit = divmod(value, 36)
        digits = _DIGITS[digit] + digits
    return digits
