"""A market's first observation: what of the account's holdings it is given, and its opening row (S2a, S2b)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from marketmaker.domain.inventory import OpeningRow, open_inventory
from marketmaker.domain.markets import Capital, Instrument, MarketSettings
from marketmaker.domain.state import MarketState, TradeCursor
from marketmaker.domain.units import ZERO, Asset
from marketmaker.ports import Balance, Deadline
from marketmaker.usecases.desk import Desk


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
    """Sum what the opened markets own of each asset, by the ledger."""
    total: dict[Asset, Decimal] = {}
    for market in markets:
        instrument = instruments[market.symbol]
        for asset, amount in ((instrument.base, market.inventory.base), (instrument.quote, market.inventory.quote)):
            total[asset] = total.get(asset, ZERO) + amount
    return total


def open_market(
    desk: Desk, settings: MarketSettings, holdings: Holdings, fair: Decimal, deadline: Deadline
) -> MarketState:
    """Write the opening row and the first market item; the fair price becomes the reference of a relative band."""
    instrument = desk.venue.instrument(settings.symbol)
    now_ms = desk.clock.now_ms()
    newest_id = desk.venue.newest_trade_id(settings.symbol, deadline)
    next_id = 0 if newest_id is None else newest_id + 1
    row = OpeningRow(
        symbol=settings.symbol,
        time_ms=now_ms,
        base=holdings.give(settings.capital_base, instrument.base),
        quote=holdings.give(settings.capital_quote, instrument.quote),
        cost_quote=fair if settings.opening_cost_quote is None else settings.opening_cost_quote,
    )
    opened = MarketState(
        symbol=settings.symbol,
        version=0,
        inventory=open_inventory(row),
        reference_price=fair,
        cursor=TradeCursor(next_id=next_id, reread_id=next_id, reread_since_ms=now_ms, read_ms=now_ms),
    )
    given = {instrument.base: row.base, instrument.quote: row.quote}
    foreign = {
        asset: holdings.totals[asset] - holdings.claimed.get(asset, ZERO) - amount for asset, amount in given.items()
    }
    return desk.store.open_market(desk.settings.name, opened, row, foreign)


def totals(balances: Mapping[Asset, Balance]) -> dict[Asset, Decimal]:
    """Sum free and reserved of each asset."""
    return {asset: balance.total for asset, balance in balances.items()}
