"""A market's first observation: what of the account's holdings it is given, and its opening row (S2a, S2b)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.inventory import OpeningRow, open_inventory
from marketmaker.domain.markets import Capital, Instrument, MarketSettings
from marketmaker.domain.positions import Position
from marketmaker.domain.state import FundingCursor, MarketState, TradeCursor
from marketmaker.domain.units import ZERO, Asset
from marketmaker.ports import Balance, Deadline
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.perpetuals import position_asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """The account's total of each asset, and what its opened markets already claim of it."""

    totals: Mapping[Asset, Decimal]
    claimed: Mapping[Asset, Decimal]

    def give(self, capital: Capital, asset: Asset) -> Decimal:
        """Return what a new market gets: never what another market owns."""
        total = self.totals[asset]
        return max(ZERO, min(capital.of(total), total - self.claimed.get(asset, ZERO)))


def claims(markets: Iterable[MarketState], instruments: Mapping[str, Instrument]) -> dict[Asset, Decimal]:
    """Sum what the opened markets own of each asset, by the ledger; of a perpetual its position and its collateral."""
    total: dict[Asset, Decimal] = {}
    for market in markets:
        instrument, inventory = instruments[market.symbol], market.inventory
        owned = ((instrument.base, inventory.base), (instrument.quote, inventory.quote))
        if market.funding is not None:
            owned = ((position_asset(market.symbol), inventory.base), (instrument.quote, inventory.collateral_quote))
        for asset, amount in owned:
            total[asset] = total.get(asset, ZERO) + amount
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a market opens at: the fair price, and on a perpetual the position that is there already."""

    fair: Decimal
    position: Position | None = None


def open_market(
    desk: Desk, settings: MarketSettings, holdings: Holdings, start: Start, deadline: Deadline
) -> MarketState:
    """Write the opening row and the first market item; the fair price becomes the reference of a relative band."""
    instrument = desk.venue.instrument(settings.symbol)
    now_ms = desk.clock.now_ms()
    newest_id = desk.venue.newest_trade_id(settings.symbol, deadline)
    next_id = 0 if newest_id is None else newest_id + 1
    row = _opening_row(settings, holdings, start, instrument, now_ms)
    opened = MarketState(
        symbol=settings.symbol,
        version=0,
        inventory=open_inventory(row),
        reference_price=start.fair,
        cursor=TradeCursor(next_id=next_id, reread_id=next_id, reread_since_ms=now_ms, read_ms=now_ms),
        funding=None if start.position is None else FundingCursor(read_from_ms=now_ms),
    )
    given = claims([opened], {settings.symbol: instrument})
    foreign = {
        asset: holdings.totals.get(asset, amount) - holdings.claimed.get(asset, ZERO) - amount
        for asset, amount in given.items()
    }
    return desk.store.open_market(desk.settings.name, opened, row, foreign)


def _opening_row(
    settings: MarketSettings, holdings: Holdings, start: Start, instrument: Instrument, now_ms: int
) -> OpeningRow:
    """Give a market its capital; a position that is there already is its own, at what the venue says it cost."""
    given, position = holdings.give(settings.capital_quote, instrument.quote), start.position
    cost = start.fair if settings.opening_cost_quote is None else settings.opening_cost_quote
    base = ZERO
    if position is None:
        base = holdings.give(settings.capital_base, instrument.base)
    elif position.entry_price is not None:
        base, cost = position.size_base, position.entry_price
        given -= base * cost
    return OpeningRow(symbol=settings.symbol, time_ms=now_ms, base=base, quote=given, cost_quote=cost)


def totals(balances: Mapping[Asset, Balance]) -> dict[Asset, Decimal]:
    """Sum free and reserved of each asset."""
    return {asset: balance.total for asset, balance in balances.items()}
