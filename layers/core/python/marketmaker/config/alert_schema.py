"""Who is told of alerts: the tables of `[alerts]`."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from marketmaker.config.ranges import Email, NameOfAccount, NameOfHook, Phone, SymbolText, whole
from marketmaker.config.tables import Contradiction, Table
from marketmaker.domain.hooks import HookKind, HookName, HookSettings
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.ports import Severity


class HookTable(Table, frozen=True, kw_only=True):
    """A chat robot, or any program that takes HTTP requests; by default it gets every message, as e-mail does.

    With `critical` it gets those and their ends. What names no account or market, as an alarm, goes to every hook.
    """

    kind: HookKind
    severity: Severity = Severity.INFO
    accounts: tuple[NameOfAccount, ...] = ()
    markets: tuple[SymbolText, ...] = ()


class AlertsTable(Table, frozen=True, kw_only=True):
    """Who is told: e-mail everything, SMS what is critical, hooks what each asks for (S12).

    Of what is critical and lasts they are reminded, by default twice an hour.
    """

    email: tuple[Email, ...] = ()
    sms: tuple[Phone, ...] = ()
    hooks: Mapping[NameOfHook, HookTable] = msgspec.field(default_factory=dict)
    remind_every_min: Annotated[int, whole(5, 1440)] = 30

    def unknown(self, symbols: Mapping[str, tuple[str, ...]]) -> Iterator[Contradiction]:
        """Refuse to tell of accounts and markets that are not in the file; `symbols` are each account's."""
        for name, hook in self.hooks.items():
            key = f"alerts.hooks.{name}"
            for account in hook.accounts:
                if account not in symbols:
                    allowed = f"one of {', '.join(symbols)}"
                    yield Contradiction(key=f"{key}.accounts", value=account, allowed=allowed)
            heard = hook.accounts or tuple(symbols)
            known = dict.fromkeys(symbol for account in heard for symbol in symbols.get(account, ()))
            for symbol in hook.markets:
                if symbol not in known:
                    allowed = f"one of {', '.join(known)}"
                    yield Contradiction(key=f"{key}.markets", value=symbol, allowed=allowed)

    def untold(self) -> Iterator[Contradiction]:
        """Refuse hooks alone: that one fails must reach a human some other way."""
        if self.hooks and not (self.email or self.sms):
            allowed = "email or sms beside them, which tell of a hook that fails"
            yield Contradiction(key="alerts.hooks", value="hooks alone", allowed=allowed)


def read_hooks(table: AlertsTable) -> dict[HookName, HookSettings]:
    """Return the hooks as the rest of the product sees them."""
    return {HookName(name): _read(HookName(name), hook) for name, hook in table.hooks.items()}


def _read(name: HookName, table: HookTable) -> HookSettings:
    return HookSettings(
        name=name,
        kind=table.kind,
        hears_info=table.severity is Severity.INFO,
        accounts=tuple(map(AccountName, table.accounts)),
        symbols=tuple(map(Symbol, table.markets)),
    )
