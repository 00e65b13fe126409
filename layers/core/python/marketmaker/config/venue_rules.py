"""What a market may say depends on where it is: spot or perpetual, and on what its venue can do."""

from collections.abc import Iterator, Sequence

from marketmaker.config.market_schema import (
    NO_CAPITAL,
    AmountTable,
    CapitalTable,
    FallStopTable,
    MarketTable,
    PerpetualTable,
)
from marketmaker.config.model_schema import PositionTable, PublicVenue
from marketmaker.config.tables import Contradiction, index_label
from marketmaker.domain.units import plain
from marketmaker.domain.venues import VENUES, LeverageScope, MarketKind, Trading, trading_at

_SHAPES = {
    MarketKind.SPOT: 'a spot market as BASE/QUOTE, such as "PAXG/USDT"',
    MarketKind.PERPETUAL: 'a perpetual as BASE/QUOTE:QUOTE, such as "SOL/USDC:USDC"',
}


def misplaced(markets: Sequence[MarketTable], venue: str) -> Iterator[Contradiction]:
    """Yield what the markets of an account say that their kind or their venue does not allow."""
    traded = trading_at(venue)
    for index, market in enumerate(markets):
        for each in _misplaced(market, venue, traded):
            here = f"markets{index_label(index, market.symbol)}"
            yield Contradiction(key=f"{here}.{each.key}", value=each.value, allowed=each.allowed)
    if traded.leverage is LeverageScope.ACCOUNT:
        yield from _unlike_leverages(markets, venue)


def _misplaced(market: MarketTable, venue: str, traded: Trading) -> Iterator[Contradiction]:
    kinds = VENUES[venue].kinds
    if market.kind not in kinds:
        allowed = f"{' or '.join(_SHAPES[kind] for kind in sorted(kinds))}: nothing else is traded at {venue}"
        yield Contradiction(key="symbol", value=market.symbol, allowed=allowed)
    if market.number > traded.client_ids.max_market_number:
        allowed = (
            f"a whole number from 0 to {traded.client_ids.max_market_number}: an order id at {venue}, "
            f"{traded.client_ids}, carries no more"
        )
        yield Contradiction(key="number", value=str(market.number), allowed=allowed)
    if market.kind is MarketKind.SPOT:
        yield from _not_spot(market)
        return
    yield from _not_perpetual(market)
    if market.reference is not None and market.reference.venue is None and venue not in list(PublicVenue):
        allowed = f"it is required at {venue}, one of {', '.join(f'"{each}"' for each in PublicVenue)}"
        yield Contradiction(key="reference.venue", value="a missing key", allowed=allowed)
    mode = _held(market).margin_mode
    if mode not in traded.margin_modes:
        allowed = f"{' or '.join(f'"{each}"' for each in sorted(traded.margin_modes))}: all there is at {venue}"
        yield Contradiction(key="perpetual.margin_mode", value=f'"{mode}"', allowed=allowed)


def _not_spot(market: MarketTable) -> Iterator[Contradiction]:
    if market.capital_base is None:
        allowed = "it is required, { amount = ... } or { share = ... }"
        yield Contradiction(key="capital_base", value="a missing key", allowed=allowed)
    if market.perpetual is not None:
        allowed = f"only on a perpetual, and {market.symbol} is a spot market"
        yield Contradiction(key="perpetual", value="a table", allowed=allowed)


def _not_perpetual(market: MarketTable) -> Iterator[Contradiction]:
    """Refuse what needs a holding of base: a perpetual has collateral and a position, which may be short."""
    if market.capital_base is not None and market.capital_base != NO_CAPITAL:
        allowed = "no such key, or { amount = 0 }: a perpetual is opened with quote alone"
        yield Contradiction(key="capital_base", value=_capital(market.capital_base), allowed=allowed)
    if market.capital_quote == NO_CAPITAL:
        yield Contradiction(key="capital_quote.amount", value="0", allowed="more than 0: a position needs collateral")
    if not isinstance(market.inventory, PositionTable):
        policy = market.inventory.__struct_config__.tag
        allowed = '{ policy = "position", max_base = ... } on a perpetual: ratios are of what is owned'
        yield Contradiction(key="inventory.policy", value=f'"{policy}"', allowed=allowed)
    if market.opening_cost_quote is not None:
        allowed = "only on spot: the venue knows what a position was entered at"
        yield Contradiction(key="opening_cost_quote", value=plain(market.opening_cost_quote), allowed=allowed)
    if isinstance(market.stop_loss, FallStopTable):
        allowed = "{ loss_quote = ... } on a perpetual: a short does not lose by a fall"
        yield Contradiction(key="stop_loss", value=f"a fall of {plain(market.stop_loss.fall)}", allowed=allowed)
    for key, table in (("size_skew", market.size_skew), ("implied", market.implied)):
        if table is not None:
            yield Contradiction(key=key, value="a table", allowed=f"only on spot: {_WHY_SPOT[key]}")


_WHY_SPOT = {
    "size_skew": "its sizes follow a ratio of what is owned",
    "implied": "a venue of perpetuals lists no market of the asset in another one",
}


def _unlike_leverages(markets: Sequence[MarketTable], venue: str) -> Iterator[Contradiction]:
    """Refuse two leverages where the venue has one for the whole login."""
    first = _held(markets[0]).leverage
    for index, market in enumerate(markets):
        leverage = _held(market).leverage
        if leverage != first:
            key = f"markets{index_label(index, market.symbol)}.perpetual.leverage"
            allowed = f"{first}, that of {markets[0].symbol}: {venue} has one leverage for the whole account"
            yield Contradiction(key=key, value=str(leverage), allowed=allowed)


def _held(market: MarketTable) -> PerpetualTable:
    return market.perpetual or PerpetualTable()


def _capital(table: CapitalTable) -> str:
    key, amount = ("amount", table.amount) if isinstance(table, AmountTable) else ("share", table.share)
    return f"{{ {key} = {plain(amount)} }}"
