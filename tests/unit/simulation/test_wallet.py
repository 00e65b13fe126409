"""Balances never go below zero."""

from decimal import Decimal

import pytest

from marketmaker.domain.units import Asset
from marketmaker.simulation.wallet import Wallet

D = Decimal
BASE, QUOTE = Asset("PAXG"), Asset("USDT")


def test_locking_moves_and_releasing_returns() -> None:
    wallet = Wallet({QUOTE: D(10)})
    wallet.lock(QUOTE, D(4))
    assert (wallet.free(QUOTE), wallet.locked(QUOTE), wallet.total(QUOTE)) == (D(6), D(4), D(10))
    wallet.lock(QUOTE, D(-4))
    assert wallet.free(QUOTE) == 10


def test_more_than_there_is_cannot_be_locked_released_or_spent() -> None:
    wallet = Wallet({QUOTE: D(10)})
    for amount in (D(11), D(-1)):
        with pytest.raises(ValueError, match="locking"):
            wallet.lock(QUOTE, amount)
    with pytest.raises(ValueError, match="spending"):
        wallet.add(QUOTE, D(-11))
    with pytest.raises(ValueError, match="zero or more"):
        Wallet({QUOTE: D(-1)})


def test_a_new_asset_appears_when_it_is_received() -> None:
    wallet = Wallet({QUOTE: D(10)})
    wallet.add(BASE, D(1))
    assert wallet.assets == (QUOTE, BASE)
    assert wallet.total(BASE) == 1
