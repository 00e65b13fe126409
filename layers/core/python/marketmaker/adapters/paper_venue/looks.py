"""One look at the public market, and what of the account is known after it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from marketmaker.adapters.ccxt_venue import Premium
from marketmaker.adapters.paper_venue.exchange import PaperExchange
from marketmaker.adapters.paper_venue.parts import PaperLogin, PublicMarket
from marketmaker.domain.positions import FundingRate, Position
from marketmaker.domain.units import Asset, Symbol
from marketmaker.errors import Retryable
from marketmaker.ports import Balance, Deadline, Unknown

type Premiums = Mapping[Symbol, Premium | Unknown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Where an account looks: at the public side of its venue."""

    login: PaperLogin
    public: PublicMarket

    def premiums(self, symbols: Sequence[Symbol], deadline: Deadline) -> Premiums:
        """Read marks and the next funding of the account's own perpetuals among these markets."""
        wanted = self.login.perpetuals(symbols)
        return self.public.premiums(wanted, deadline) if wanted else {}

    def catch_up(
        self, exchange: PaperExchange, symbols: Iterable[Symbol], deadline: Deadline, *, arriving: bool = False
    ) -> None:
        """Play markets' public trades to the orders that rest there, then let funding times pass.

        Where orders are `arriving`, those meet only later trades.

        Raises:
            Retryable: the trades could not be read.
        """
        if exchange.before.stands_still:
            return
        played, quoted = tuple(symbols), exchange.before.quoted
        wanted = {symbol: exchange.next_public_id(symbol) for symbol in played if arriving or symbol in quoted}
        for symbol, read in (self.public.public_trades(wanted, deadline) if wanted else {}).items():
            if isinstance(read, Unknown):
                raise Retryable(f"the public trades of {symbol} could not be read: {read.reason}")
            exchange.play(symbol, read)
        exchange.let_time_pass(played)


def tell(exchange: PaperExchange, premiums: Premiums) -> None:
    """Let perpetuals know what is published of them; what could not be read leaves them at what they knew."""
    for symbol, premium in premiums.items():
        if not isinstance(premium, Unknown):
            exchange.tell(symbol, premium)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of an account after a look; a perpetual whose mark could not be read is unknown (R7)."""

    balances: Mapping[Asset, Balance]
    positions: Mapping[Symbol, Position | Unknown]
    funding_rates: Mapping[Symbol, FundingRate | Unknown]

    @classmethod
    def of(cls, exchange: PaperExchange, premiums: Premiums) -> Self:
        """Read an exchange that was told everything."""
        return cls(
            balances=exchange.balances(),
            positions={
                symbol: each if isinstance(each, Unknown) else exchange.position(symbol, each)
                for symbol, each in premiums.items()
            },
            funding_rates={
                symbol: each if isinstance(each, Unknown) else each.rate for symbol, each in premiums.items()
            },
        )
