"""The deployment that `make demo` runs is valid and is the one the recordings need."""

from decimal import Decimal
from pathlib import Path

import pytest

from marketmaker.config import load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.markets import AbsoluteBand, CapitalShare, FairPriceModel, FeeSchedule, QuoteDistance, ShiftBand
from marketmaker.domain.units import AccountName

LOCAL = load_deployment(Path(__file__).parents[3] / "infra" / "deployments" / "local.toml")


def test_it_has_one_market_an_account() -> None:
    assert (LOCAL.name, LOCAL.tag.text, LOCAL.region) == ("local", "loc", "ap-northeast-1")
    assert {name: [market.symbol for market in account.markets] for name, account in LOCAL.accounts.items()} == {
        "generated": ["PAXG/USDT"],
        "gemini_ethusd": ["ETH/USD"],
        "binance_btcusdt": ["BTC/USDT"],
        "hyperliquid_sol": ["SOL/USDC"],
        "hyperliquid_btc": ["BTC/USDC"],
        "lighter_paxg": ["PAXG/USDC"],
    }


def test_the_generated_market_is_the_guides_example() -> None:
    (market,) = LOCAL.accounts[AccountName("generated")].markets

    assert market.fair_price is FairPriceModel.MID
    assert market.half_spread == QuoteDistance(quote=Decimal("0.5"))
    assert market.order_size_base == Decimal("0.1")
    assert market.fees == FeeSchedule(maker_bps=Decimal(1), taker_bps=Decimal(10))
    assert market.price_band == AbsoluteBand(low=Decimal(1800), high=Decimal(2000))
    assert market.inventory_band == ShiftBand(
        min_ratio=Decimal("0.2"), max_ratio=Decimal("0.5"), max_shift_share=Decimal("0.5"), ramp_ratio=Decimal("0.1")
    )


@pytest.mark.parametrize("account", LOCAL.accounts.values(), ids=LOCAL.accounts)
def test_a_kept_order_still_stands_beyond_the_maker_fee(account: AccountSettings) -> None:
    (market,) = account.markets
    price = Decimal(1900)
    nearest = (1 - market.tolerance.price_share) * market.half_spread.at(price)

    assert nearest >= market.fees.break_even_half_spread(price)


@pytest.mark.parametrize("account", LOCAL.accounts.values(), ids=LOCAL.accounts)
def test_a_market_has_the_whole_login(account: AccountSettings) -> None:
    (market,) = account.markets

    assert account.venue == "binance"
    assert account.dedicated
    assert market.capital_base == market.capital_quote == CapitalShare(share=Decimal(1))
