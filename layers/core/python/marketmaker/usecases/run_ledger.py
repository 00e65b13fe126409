"""Whether, after a run has stopped, the venue holds what the ledger explains: by fresh reads, and to the digit."""

from collections.abc import Iterator
from decimal import Decimal

from marketmaker.domain.markets import Instrument
from marketmaker.domain.risk import check_ledger
from marketmaker.domain.state import AccountState
from marketmaker.domain.units import ZERO, Asset, Symbol
from marketmaker.errors import MarketMakerError
from marketmaker.ports import Deadline, Observation, Unknown
from marketmaker.usecases.desk import Desk
from marketmaker.usecases.opening import claims
from marketmaker.usecases.perpetuals import book_due_funding, known_position
from marketmaker.usecases.run_report import LedgerCheck
from marketmaker.usecases.settle import settle

LOOKS = 3
LOOK_AGAIN_S = 1.0
"""A venue may list a trade or a balance a moment late."""


def check_ledger_at_end(desk: Desk) -> LedgerCheck:
    """Book what is listed late, and compare; a difference is looked at again before it is told.

    Unlike in a tick, money that came or went by other hands is a difference on a shared account too: nothing follows
    from it but that it is told.
    """
    checked = _look(desk)
    for _ in range(LOOKS - 1):
        if checked.matches:
            break
        desk.clock.sleep(LOOK_AGAIN_S)
        checked = _look(desk)
    return checked


def _look(desk: Desk) -> LedgerCheck:
    deadline = Deadline(at_ms=desk.clock.now_ms() + desk.settings.clocks.function_timeout_ms, clock=desk.clock)
    try:
        desk.ensure_metadata(deadline)
        observation = desk.venue.observe(desk.settings.symbols, (), deadline)
        missing = _book_rest(desk, observation, deadline)
    except MarketMakerError as error:
        return LedgerCheck(matches=None, said=f"the venue could not be compared with the ledger: {error}")
    book = observation.books[desk.settings.symbols[0]]
    mark = None if isinstance(book, Unknown) else book.mid
    state = desk.store.read_account(desk.settings.name)
    told = [*missing, *_differences(desk, observation, state)]
    unknown = next((each.reason for each in told if isinstance(each, Unknown)), None)
    if unknown is not None:
        return LedgerCheck(matches=None, said=f"the venue could not be compared with the ledger: {unknown}", mark=mark)
    return LedgerCheck(matches=not told, said="; ".join(map(str, told)), mark=mark)


def _book_rest(desk: Desk, observation: Observation, deadline: Deadline) -> list[str | Unknown]:
    """Book what filled and was paid since the last tick; returns what could not be."""
    if isinstance(observation.open_orders, Unknown):
        return [observation.open_orders]
    missing: list[str | Unknown] = []
    for symbol, market in desk.store.read_account(desk.settings.name).markets.items():
        settings = desk.settings.market(symbol)
        settled = settle(desk, settings, market, observation.open_orders, deadline, read_trades=True)
        funded = book_due_funding(desk, settled.market, observation.funding_rates, deadline)
        desk.store.save_market(desk.settings.name, settled.market if funded is None else funded)
        missing += [f"the venue does not list {settled.missing} yet"] if settled.missing else []
    return missing


def _differences(desk: Desk, observation: Observation, state: AccountState) -> Iterator[str | Unknown]:
    """Yield every asset of which the venue holds something else than the ledger explains, or does not tell."""
    instruments: dict[str, Instrument] = {symbol: desk.venue.instrument(symbol) for symbol in state.markets}
    for asset, ledger in claims(state.markets.values(), instruments).items():
        total, foreign = _total(desk, observation, asset), state.control.foreign.get(asset, ZERO)
        if isinstance(total, Unknown):
            yield total
            continue
        difference = check_ledger(asset, ledger=ledger, foreign=foreign, venue=total, dedicated=True)
        if difference is not None:
            yield str(difference)


def _total(desk: Desk, observation: Observation, asset: Asset) -> Decimal | Unknown:
    """Return what the venue holds of an asset, or the position that is named like one."""
    if Symbol(asset) in desk.settings.symbols:
        position = known_position(observation, Symbol(asset))
        return position if isinstance(position, Unknown) else position.size_base
    if isinstance(observation.balances, Unknown):
        return observation.balances
    balance = observation.balances.get(asset)
    return Unknown(reason=f"the venue reports no balance of {asset}") if balance is None else balance.total
