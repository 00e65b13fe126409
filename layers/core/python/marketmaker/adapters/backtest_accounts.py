"""What an account of a backtest holds: base and quote on spot; collateral and a position on a perpetual."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from marketmaker.domain.models import Perpetual
from marketmaker.domain.positions import FundingPayment, FundingRate, MarginMode, Position
from marketmaker.domain.units import ZERO, Asset, Symbol
from marketmaker.errors import Refused
from marketmaker.ports import Balance, Unknown
from marketmaker.simulation.account import Account
from marketmaker.simulation.matching import Engine
from marketmaker.simulation.perpetual import PerpetualEngine

_US = 1_000


class PlayedAccount(Protocol):
    """One account on one engine, as a venue answers about it and as it truly is."""

    @property
    def base(self) -> Decimal:
        """The base held; below zero a short position."""
        ...

    def worth(self, mid: Decimal) -> Decimal:
        """Return what the account is worth at a price."""
        ...

    def opened_at(self, mid: Decimal) -> Decimal:
        """Return what it opened with, at a price."""
        ...

    def balances(self) -> Mapping[Asset, Balance]:
        """Tell what is free and reserved."""
        ...

    def positions(self) -> Mapping[Symbol, Position | Unknown]:
        """Tell the position, where there can be one."""
        ...

    def funding_rates(self) -> Mapping[Symbol, FundingRate | Unknown]:
        """Tell what is paid next."""
        ...

    def funding_since(self, since_ms: int) -> Sequence[FundingPayment]:
        """List payments from a moment on."""
        ...

    def set_leverage(self, wanted: Perpetual) -> None:
        """Hold the position so."""
        ...


class SpotAccount:
    """A wallet of base and quote."""

    def __init__(self, engine: Engine[Account]) -> None:
        self._wallet = engine.account.wallet
        self._instrument = engine.instrument

    @property
    def base(self) -> Decimal:
        """The base held."""
        return self._wallet.total(self._instrument.base)

    def worth(self, mid: Decimal) -> Decimal:
        """Return what the wallet is worth at a price."""
        return self._wallet.total(self._instrument.quote) + self.base * mid

    def opened_at(self, mid: Decimal) -> Decimal:
        """Return what the wallet opened with, at a price."""
        initial = self._wallet.initial
        return initial.get(self._instrument.quote, ZERO) + initial.get(self._instrument.base, ZERO) * mid

    def balances(self) -> Mapping[Asset, Balance]:
        """Tell what is free and reserved."""
        wallet = self._wallet
        return {each: Balance(free=wallet.free(each), reserved=wallet.locked(each)) for each in wallet.assets}

    def positions(self) -> Mapping[Symbol, Position | Unknown]:
        """Tell that spot has none."""
        return {}

    def funding_rates(self) -> Mapping[Symbol, FundingRate | Unknown]:
        """Tell that spot has none."""
        return {}

    def funding_since(self, since_ms: int) -> Sequence[FundingPayment]:  # noqa: ARG002
        """Tell that spot has none."""
        return ()

    def set_leverage(self, wanted: Perpetual) -> None:  # noqa: ARG002
        """Refuse: a spot market has none."""
        raise Refused(f"{self._instrument.symbol} is a spot market: it has no leverage")


class MarginedAccount:
    """Collateral and one position."""

    def __init__(self, engine: PerpetualEngine) -> None:
        self._engine = engine
        self._account = engine.account
        self._instrument = engine.instrument

    @property
    def base(self) -> Decimal:
        """The position."""
        return self._account.position.size_base

    def worth(self, mid: Decimal) -> Decimal:
        """Return collateral and what closing at a price would bring."""
        return self._account.balance_quote + self._account.position.unrealised_quote(mid)

    def opened_at(self, mid: Decimal) -> Decimal:  # noqa: ARG002 - it opened flat
        """Return the collateral that it opened with."""
        return self._account.initial_quote

    def balances(self) -> Mapping[Asset, Balance]:
        """Tell the collateral, and what of it new orders may still tie up."""
        total = self._account.balance_quote
        free = min(total, self._account.available_quote)
        return {self._instrument.quote: Balance(free=free, reserved=total - free)}

    def positions(self) -> Mapping[Symbol, Position | Unknown]:
        """Tell the position; without a mark there was no market yet."""
        account, symbol = self._account, self._instrument.symbol
        if account.mark is None:
            return {symbol: Unknown(reason="there is no mark price yet")}
        position = Position(
            symbol=symbol,
            size_base=account.position.size_base,
            entry_price=account.position.entry_price,
            mark_price=account.mark,
            unrealised_quote=account.unrealised_quote,
            liquidation_price=account.liquidation_price,
            leverage=account.leverage,
            margin_mode=MarginMode.CROSS,
        )
        return {symbol: position}

    def funding_rates(self) -> Mapping[Symbol, FundingRate | Unknown]:
        """Tell what is paid next."""
        funding, symbol = self._engine.funding, self._instrument.symbol
        return {symbol: FundingRate(symbol=symbol, rate=funding.rate, next_ms=funding.next_us // _US)}

    def funding_since(self, since_ms: int) -> Sequence[FundingPayment]:
        """List payments from a moment on."""
        return [
            FundingPayment(
                symbol=self._instrument.symbol, time_ms=each.time_us // _US, amount_quote=each.received_quote
            )
            for each in self._engine.payments
            if each.time_us // _US >= since_ms
        ]

    def set_leverage(self, wanted: Perpetual) -> None:
        """Hold the position so.

        Raises:
            Refused: the margin would not do, or it is not cross margin.
        """
        if wanted.margin_mode is not MarginMode.CROSS:
            raise Refused(f"margin mode {wanted.margin_mode}: allowed is cross")
        try:
            is_changed = self._account.set_leverage(wanted.leverage)
        except ValueError as error:
            raise Refused(str(error)) from error
        if not is_changed:
            raise Refused(f"leverage {wanted.leverage}: the margin that is there would not do")
