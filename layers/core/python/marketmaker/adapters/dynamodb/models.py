"""The items of the state, the ledger and the prices table. They describe; `client.py` talks to the service."""

from decimal import Decimal
from typing import Any

from pynamodb.attributes import BooleanAttribute, ListAttribute, MapAttribute, UnicodeAttribute
from pynamodb.models import Model

from marketmaker.adapters.dynamodb.attributes import DecimalAttribute, IntegerAttribute, MappingAttribute, optional
from marketmaker.domain.units import ONE, ZERO, Asset, Symbol


class Nested(MapAttribute[str, Any]):
    """A map inside an item, with the attributes that its class declares."""

    def __init__(self, **values: object) -> None:
        super().__init__(**values)  # type: ignore[no-untyped-call]


class FeeMap(Nested):
    """A fee in the asset it was charged in."""

    asset = UnicodeAttribute()
    amount = DecimalAttribute()


class InventoryMap(Nested):
    """A market's holdings and what they cost."""

    base = DecimalAttribute()
    quote = DecimalAttribute()
    deposited_quote = DecimalAttribute()
    cost_basis_quote = DecimalAttribute()
    fees_in_basis_quote = DecimalAttribute()
    realised_quote = DecimalAttribute()
    fees_quote = DecimalAttribute()
    funding_quote = DecimalAttribute(default=lambda: ZERO)
    unpriced_fees = ListAttribute(of=FeeMap)
    fills_without_fee = IntegerAttribute()
    opened_ms = optional(IntegerAttribute())


class CursorMap(Nested):
    """How far trades are booked."""

    next_id = IntegerAttribute()
    reread_id = IntegerAttribute()
    reread_since_ms = IntegerAttribute()
    read_ms = IntegerAttribute()


class WorkingOrderMap(Nested):
    """A resting order; its symbol is the item's."""

    venue_id = UnicodeAttribute()
    client_id = optional(UnicodeAttribute())
    side = UnicodeAttribute()
    price = DecimalAttribute()
    size_base = DecimalAttribute()
    executed_base = DecimalAttribute()
    created_ms = IntegerAttribute()
    is_live = BooleanAttribute()


class UnresolvedOrderMap(Nested):
    """A create whose outcome is unknown; its symbol is the item's."""

    client_id = UnicodeAttribute()
    side = UnicodeAttribute()
    price = DecimalAttribute()
    size_base = DecimalAttribute()
    signed_ms = IntegerAttribute()


class BookMarkMap(Nested):
    """How long a market's book has stood still."""

    symbol = UnicodeAttribute()
    update_id = IntegerAttribute()
    since_ms = IntegerAttribute()


class RestrictionMap(Nested):
    """What one market may do at most, and how its quotes change; `rank` tells the milder of two of one mode."""

    mode = IntegerAttribute()
    reason = UnicodeAttribute()
    since_ms = IntegerAttribute()
    rank = IntegerAttribute(default=0)
    patience = DecimalAttribute(default=lambda: ONE)
    widen = DecimalAttribute(default=lambda: ONE)
    pulls_adding = BooleanAttribute(default=False)
    target_base = optional(DecimalAttribute())


class EquityMap(Nested):
    """The equity of one quote asset; its markets' symbols, which have no spaces, stand in one text."""

    markets = UnicodeAttribute()
    deposited_quote = DecimalAttribute()
    gains_quote = DecimalAttribute()


class DayMap(EquityMap):
    """The first equity of one quote asset in a UTC day."""

    day = IntegerAttribute()


class ActiveSettingsMap(Nested):
    """Which settings were applied last, over which."""

    version = UnicodeAttribute()
    base = UnicodeAttribute()
    previous = UnicodeAttribute()
    since_ms = IntegerAttribute()
    reason = UnicodeAttribute()


class RunOrderMap(Nested):
    """An order of a run on one side, and when it filled last."""

    venue_id = UnicodeAttribute()
    time_ms = IntegerAttribute()


class FundingCursorMap(Nested):
    """How far funding is booked."""

    read_from_ms = IntegerAttribute()
    due_ms = optional(IntegerAttribute())


class ExitMap(Nested):
    """An exit under way."""

    cause = UnicodeAttribute()
    started_ms = IntegerAttribute()
    target_base = DecimalAttribute()
    attempts = IntegerAttribute()
    reason = UnicodeAttribute()


class ExitStateMap(Nested):
    """What a market remembers of its exits."""

    current = optional(ExitMap())
    stopped_at = optional(DecimalAttribute())
    ended_ms = optional(IntegerAttribute())
    resume_ms = IntegerAttribute()
    repeats = IntegerAttribute()
    day = optional(IntegerAttribute())
    day_open = optional(DecimalAttribute())


class StateItem(Model):
    """An item of an account's partition."""

    account = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)


class ControlItem(StateItem):
    """`control`: lease, last slot, mode, epoch, restrictions; a missing attribute is what a new account has."""

    mode = IntegerAttribute(default=0)
    epoch = IntegerAttribute(default=0)
    mode_reason = UnicodeAttribute(default="")
    mode_since_ms = IntegerAttribute(default=0)
    last_slot_ms = IntegerAttribute(default=0)
    lease_owner = optional(UnicodeAttribute())
    lease_expires_ms = optional(IntegerAttribute())
    taken_over_from = UnicodeAttribute(default="")
    book_marks = ListAttribute(of=BookMarkMap, default=list)
    foreign = MappingAttribute[Asset, Decimal](DecimalAttribute())
    differing = MappingAttribute[Asset, int](IntegerAttribute())
    unreachable_ticks = IntegerAttribute(default=0)
    blocked_until_ms = IntegerAttribute(default=0)
    is_banned = BooleanAttribute(default=False)
    restrictions = MappingAttribute[Symbol, RestrictionMap](RestrictionMap())
    armed_ms = IntegerAttribute(default=0)
    stops = MappingAttribute[Symbol, RestrictionMap](RestrictionMap())
    peaks = MappingAttribute[Asset, EquityMap](EquityMap())
    days = MappingAttribute[Asset, DayMap](DayMap())
    deployed = optional(UnicodeAttribute())
    settings = optional(ActiveSettingsMap())
    meters = UnicodeAttribute(default="")


class ExposureItem(StateItem):
    """`exposure#ACCOUNT` of the portfolio's partition: what an account told the others that it holds."""

    time_ms = IntegerAttribute()
    notional_quote = MappingAttribute[Asset, Decimal](DecimalAttribute())
    unknown = UnicodeAttribute()


class MarketItem(StateItem):
    """`market#SYMBOL`: inventory, cursor and working orders; `write_id` names the call that wrote it last."""

    version = IntegerAttribute()
    write_id = UnicodeAttribute()
    inventory = InventoryMap()
    reference_price = DecimalAttribute()
    cursor = CursorMap()
    working = ListAttribute(of=WorkingOrderMap)
    unresolved = ListAttribute(of=UnresolvedOrderMap)
    not_before_ms = IntegerAttribute()
    run_side = optional(UnicodeAttribute())
    run = ListAttribute(of=RunOrderMap, default=list)
    exits = optional(ExitStateMap())
    funding = optional(FundingCursorMap())


class EpisodeItem(StateItem):
    """`episode#KEY`: an open alert. `told_ms` is 0 until it was told; one that has none was told as it opened."""

    text = UnicodeAttribute()
    opened_ms = IntegerAttribute()
    is_critical = BooleanAttribute(default=True)
    told_ms = optional(IntegerAttribute())
    tried_ms = optional(IntegerAttribute())
    ended = optional(UnicodeAttribute())
    version = IntegerAttribute(default=0)


class ConfigItem(StateItem):
    """`config#VERSION`: the text of a deployment file, never changed."""

    text = UnicodeAttribute()


class ComplianceItem(StateItem):
    """`compliance#SYMBOL#DAY`: what ticks counted in each hour of a UTC day, an attribute an hour."""


class PaperItem(StateItem):
    """`paper`: a whole paper account as JSON; `write_id` names the call that wrote it last."""

    version = IntegerAttribute()
    write_id = UnicodeAttribute()
    content = UnicodeAttribute()


class LedgerItem(Model):
    """A row of a market's ledger; `by_time` orders them by `time_ms`."""

    market = UnicodeAttribute(hash_key=True)
    row = UnicodeAttribute(range_key=True)
    time_ms = IntegerAttribute()


class OpeningItem(LedgerItem):
    """`opening#`: what the market was given."""

    base = DecimalAttribute()
    quote = DecimalAttribute()
    cost_quote = DecimalAttribute()


class FundingItem(LedgerItem):
    """`funding#TIME`: one funding payment, above zero received."""

    amount_quote = DecimalAttribute()


class TransferItem(LedgerItem):
    """`transfer#ID`: money that came from outside, or below zero went there."""

    asset = UnicodeAttribute()
    amount = DecimalAttribute()
    price_quote = DecimalAttribute()
    reason = UnicodeAttribute()
    base_change = DecimalAttribute()
    quote_change = DecimalAttribute()
    realised_quote = DecimalAttribute()


class FillItem(LedgerItem):
    """`fill#ID`: one booked fill with its effect."""

    venue_order_id = UnicodeAttribute()
    client_id = optional(UnicodeAttribute())
    side = UnicodeAttribute()
    price = DecimalAttribute()
    size_base = DecimalAttribute()
    fee_asset = optional(UnicodeAttribute())
    fee_amount = optional(DecimalAttribute())
    is_maker = BooleanAttribute()
    base_change = DecimalAttribute()
    quote_change = DecimalAttribute()
    realised_quote = DecimalAttribute()
    fee_quote = optional(DecimalAttribute())


class PricesItem(Model):
    """What a venue publishes of a market, partition `venue#SYMBOL`."""

    market = UnicodeAttribute(hash_key=True)
    row = UnicodeAttribute(range_key=True)


class MetadataItem(PricesItem):
    """`metadata`: the venue's description of the market."""

    fetched_ms = IntegerAttribute()
    payload = UnicodeAttribute()


class DayVolumeItem(PricesItem):
    """`day_volume`: what was traded in the 24 h before `time_ms`."""

    time_ms = IntegerAttribute()
    volume_base = DecimalAttribute()
    volume_quote = DecimalAttribute()


class KlinesItem(PricesItem):
    """`klines#MINUTE`: a minute's klines as JSON of exact numbers, gone some time after `expires_s`.

    One text, because a week of klines as DynamoDB's own lists would take seconds to read. Each is
    `[ms since the minute, open, high, low, close, base volume]`.
    """

    interval_ms = IntegerAttribute()
    klines = UnicodeAttribute()
    expires_s = IntegerAttribute()


class CalibrationItem(PricesItem):
    """`calibration`: what was measured of the time up to `until_ms`, as JSON."""

    until_ms = IntegerAttribute()
    content = UnicodeAttribute()


class VariancesItem(PricesItem):
    """`variance#DAY`: the realised variance of each ten minutes, gone some time after `expires_s`.

    Each is an attribute of its own, named by its number in the day, so that none is ever written twice; null is one
    that the venue does not list enough for.
    """

    expires_s = IntegerAttribute()


class TriangleItem(PricesItem):
    """`triangle#ACCOUNT`: whether an edge round the market's triangle stands open, and since when so."""

    is_open = BooleanAttribute()
    since_ms = IntegerAttribute()
