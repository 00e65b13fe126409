"""The deployments that `make demo` runs are valid, and the ones that the recordings need."""

from decimal import Decimal
from pathlib import Path

import pytest

from marketmaker.config import Stage, load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.markets import AbsoluteBand, CapitalShare, FeeSchedule
from marketmaker.domain.models import FairPriceModel, ShiftBand
from marketmaker.domain.units import AccountName

ROOT = Path(__file__).parents[3]
LOCAL = load_deployment(ROOT / "infra" / "deployments" / "local.toml")
RECORDED = {
    file.stem: load_deployment(file) for file in sorted((ROOT / "infra" / "local" / "recordings").glob("*.toml"))
}
MAIN = AccountName("main")
ACCOUNTS = {"local": LOCAL.accounts[MAIN], **{name: each.accounts[MAIN] for name, each in RECORDED.items()}}


def test_each_has_one_market_an_account() -> None:
    assert {name: [market.symbol for market in account.markets] for name, account in ACCOUNTS.items()} == {
        "local": ["PAXG/USDT"],
        "binance_btcusdt": ["BTC/USDT"],
        "gemini_ethusd": ["ETH/USD"],
        "hyperliquid_btc": ["BTC/USDC"],
        "hyperliquid_sol": ["SOL/USDC"],
        "lighter_paxg": ["PAXG/USDC"],
    }


def test_none_can_reach_a_real_venue() -> None:
    assert {each.stage for each in (LOCAL, *RECORDED.values())} == {Stage.LOCAL}
    assert {each.name for each in (LOCAL, *RECORDED.values())} == {"local"}


def test_the_generated_market_is_the_guides_example() -> None:
    (market,) = ACCOUNTS["local"].markets

    assert market.fair_price is FairPriceModel.MID
    assert market.half_spread == QuoteDistance(quote=Decimal("0.5"))
    assert market.order_size_base == Decimal("0.1")
    assert market.fees == FeeSchedule(maker_bps=Decimal(1), taker_bps=Decimal(10))
    assert market.price_band == AbsoluteBand(low=Decimal(1800), high=Decimal(2000))
    assert market.inventory_band == ShiftBand(
        min_ratio=Decimal("0.2"), max_ratio=Decimal("0.5"), max_shift_share=Decimal("0.5"), ramp_ratio=Decimal("0.1")
    )


@pytest.mark.parametrize("account", ACCOUNTS.values(), ids=ACCOUNTS)
def test_a_kept_order_still_stands_beyond_the_maker_fee(account: AccountSettings) -> None:
    (market,) = account.markets
    price = Decimal(1900)
    assert isinstance(market.half_spread, QuoteDistance | BpsDistance)
    assert market.tolerance is not None
    nearest = (1 - market.tolerance.price_share) * market.half_spread.at(price)

    assert nearest >= market.fees.break_even_half_spread(price)


@pytest.mark.parametrize("account", ACCOUNTS.values(), ids=ACCOUNTS)
def test_a_market_has_the_whole_login(account: AccountSettings) -> None:
    (market,) = account.markets

    assert account.venue == "binance"
    assert account.dedicated
    assert market.capital_base == market.capital_quote == CapitalShare(share=Decimal(1))
