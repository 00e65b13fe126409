"""What the functions of a deployment ask of a venue at worst, by the request weights that venues publish (R10).

A venue counts the weight of an address in a minute. Beyond it everything is refused for a while, and who goes on is
banned: so a deployment may need no more than a share of it, the rest is for retries, operators and cancels.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import FairPriceModel
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.domain.venues import VENUES

USED_SHARE = Fraction(7, 10)
"""Of a venue's weight a minute, what the functions may need."""
_MINUTE_MS = 60_000
_SIDES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestWeights:
    """What one request of each kind weighs; open orders, balances and positions are asked for all markets at once.

    `day_volume`, `klines`, `public_trades`, `own_trades`, `premium` and `arming` are of one market.
    """

    book: int = 1
    last_price: int = 1
    premium: int = 1
    public_trades: int = 1
    day_volume: int = 1
    klines: int = 1
    open_orders: int = 1
    balances: int = 1
    positions: int = 1
    own_trades: int = 1
    create: int = 1
    cancel: int = 1
    arming: int = 1


_SPOT = RequestWeights(
    book=5,
    last_price=2,
    public_trades=4,
    day_volume=4,
    klines=2,
    open_orders=80,
    balances=20,
    own_trades=20,
)
WEIGHTS: Mapping[str, RequestWeights] = MappingProxyType(
    {
        "binance": _SPOT,
        "binanceus": _SPOT,
        "binanceusdm": RequestWeights(
            book=2,
            public_trades=20,
            klines=5,
            open_orders=40,
            balances=5,
            positions=5,
            own_trades=5,
            create=0,
            arming=10,
        ),
        "backpack": RequestWeights(),
    }
)
"""Every venue's, as it documents them; where a book or a list weighs more the longer it is, for the lengths asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The weight that is needed at worst: of the ticks of all accounts in a minute, and of what runs once a minute."""

    ticks: int = 0
    others: int = 0

    @property
    def total(self) -> int:
        """All of it, a minute."""
        return self.ticks + self.others

    def __add__(self, other: "Demand") -> "Demand":
        return Demand(ticks=self.ticks + other.ticks, others=self.others + other.others)


def allowed_weight(venue: str) -> int:
    """Return the weight that functions may need of a venue in a minute."""
    return int(VENUES[venue].request_weight_a_minute * USED_SHARE)


def demands(accounts: Iterable[AccountSettings], on_paper: Collection[AccountName]) -> dict[str, Demand]:
    """Return what accounts need at worst of each venue; those on paper only read what is public.

    At worst every tick replaces every order and finds fills in one market. A check reads as much as a tick, and
    fetch_prices asks for each market's last minute and day.
    """
    found: dict[str, Demand] = {}
    described: set[tuple[str, Symbol]] = set()
    for account in accounts:
        ticks = -(-_MINUTE_MS // account.clocks.interval_ms)
        reads, writes = _reads(account, is_paper=account.name in on_paper), 0
        if account.name not in on_paper:
            writes = _writes(account)
        need = {account.venue: Demand(ticks=ticks * (reads + writes), others=reads)}
        for listing in account.second_listings:
            book = WEIGHTS[listing.venue].book
            need[listing.venue] = need.get(listing.venue, Demand()) + Demand(ticks=ticks * book)
        described |= {(account.venue, symbol) for symbol in account.symbols}
        for venue, each in need.items():
            found[venue] = found.get(venue, Demand()) + each
    for venue, _ in described:
        found[venue] += Demand(others=WEIGHTS[venue].klines + WEIGHTS[venue].day_volume)
    return found


def _reads(account: AccountSettings, *, is_paper: bool) -> int:
    """Return what one look weighs."""
    weights = WEIGHTS[account.venue]
    public = sum(_published(market, weights) for market in account.markets)
    if is_paper:
        return public + weights.public_trades * len(account.markets)
    held = weights.positions if any(market.perpetual is not None for market in account.markets) else 0
    return public + weights.open_orders + weights.balances + held


def _published(market: MarketSettings, weights: RequestWeights) -> int:
    """Return what it weighs to read what is published of a market."""
    last = weights.last_price if market.fair_price is FairPriceModel.LAST else 0
    premium = 0 if market.perpetual is None else weights.premium
    return weights.book + last + premium


def _writes(account: AccountSettings) -> int:
    """Return what a tick weighs beside its look: every order replaced, the switch armed, fills read in one market."""
    weights = WEIGHTS[account.venue]
    orders = sum(_SIDES * market.ladder.levels for market in account.markets)
    arming = 0 if account.switch_ms is None else weights.arming * len(account.markets)
    return orders * (weights.create + weights.cancel) + arming + weights.own_trades
