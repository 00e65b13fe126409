"""Deployment documents with a perpetual for tests."""

from decimal import Decimal
from typing import Any

from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.units import AccountName
from tests.unit.config.documents import parse

SOL = "SOL/USDC:USDC"
AT_SOL = f"accounts.main.markets[0 {SOL}]"


def perpetual_market(symbol: str = SOL, number: int = 1, **keys: Any) -> dict[str, Any]:
    """A perpetual with the required keys only, and these beside."""
    return {
        "symbol": symbol,
        "number": number,
        "capital_quote": {"amount": 1000},
        "fees": {"maker_bps": 2, "taker_bps": 5},
        "half_spread": {"bps": 100},
        "order_size_base": Decimal("0.1"),
        "inventory": {"policy": "position", "max_base": 5},
        "stop_loss": {"loss_quote": 100},
        "price_band": {"bps": 2000},
        **keys,
    }


def perpetual_document(*markets: dict[str, Any], venue: str = "backpack", stage: str = "local") -> dict[str, Any]:
    """A deployment with perpetuals at a venue, or with the usual one alone."""
    account = {"venue": venue, "dedicated": True, "markets": [*(markets or (perpetual_market(),))]}
    return {"name": "test", "tag": "tst", "stage": stage, "accounts": {"main": account}}


def perpetual(venue: str = "backpack", **keys: Any) -> MarketSettings:
    """The settings of the usual perpetual with these keys."""
    deployment = parse(perpetual_document(perpetual_market(**keys), venue=venue))
    (market,) = deployment.accounts[AccountName("main")].markets
    return market
