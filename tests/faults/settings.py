"""The settings of a world's account: the product's defaults, and names that no other world uses."""

from dataclasses import replace
from itertools import count

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.units import AccountName
from tests.builders import account_settings, clocks

_numbers = count()


def usual_settings(*markets: MarketSettings, interval_ms: int = 5_000, dedicated: bool = False) -> AccountSettings:
    """Return an account with these markets, or with PAXG/USDT alone, and the product's default clocks."""
    usual = clocks(interval_ms=interval_ms, request_ttl_ms=2_000, function_timeout_ms=8_000)
    return replace(account_settings(*markets, dedicated=dedicated), clocks=usual)


def named(settings: AccountSettings) -> AccountSettings:
    """Name an account that no other world uses, and a venue; of a perpetual's real venue nothing is changed."""
    number = next(_numbers)
    is_perpetual = any(market.perpetual is not None for market in settings.markets)
    venue = settings.venue if is_perpetual else f"venue{number}"
    return replace(settings, name=AccountName(f"world{number}"), venue=venue)
