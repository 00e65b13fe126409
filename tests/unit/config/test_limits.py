"""An account's limits in the deployment file: what each may be answered by, and when a market stands aside."""

from decimal import Decimal

import pytest

from marketmaker.config import parse_deployment
from marketmaker.domain.accounts import BreachResponse, RiskSettings
from marketmaker.domain.exposure import Portfolio
from marketmaker.domain.markets import Event
from marketmaker.domain.units import AccountName, Asset
from marketmaker.errors import ConfigError

ACCOUNT = """
name = "test"
tag = "tst"
stage = "local"
[accounts.main]
venue = "binance"
"""
MARKET = """
[[accounts.main.markets]]
symbol = "PAXG/USDT"
number = 1
capital_base = { share = 1.0 }
capital_quote = { share = 1.0 }
fees = { maker_bps = 1, taker_bps = 10 }
half_spread = { bps = 10 }
order_size_base = 0.1
price_band = { bps = 500 }
"""
AT_RISK = "test.toml: accounts.main.risk"
PRICELESS = "any but close: it says nothing against what is held, or leaves no price to trade at"
SHRINKABLE = "only of inventory_band, notional, liquidation: nothing else says how much may be held"


def parse(*, risk: str = "", market: str = "") -> tuple[RiskSettings, tuple[Event, ...]]:
    text = f"{ACCOUNT}[accounts.main.risk]\n{risk}\n{MARKET}{market}"
    account = parse_deployment(text, file="test.toml").accounts[AccountName("main")]
    return account.risk, account.markets[0].events


def refused(**said: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(**said)
    return str(caught.value)


def test_every_limit_may_be_bounded_and_answered() -> None:
    risk, _ = parse(
        risk='daily_loss = "close"\nnotional = "reduce"\nvolatility = "pull_side"\nledger_difference = "halt"\n'
        "max_daily_loss_share = 0.03\nmax_notional_quote = { USDT = 5000 }\nmax_open_orders_quote = { USDT = 900 }\n"
        "max_unreachable_ticks = 24\nwiden = 3\npatience = 1.5\nmax_cancel_ratio = 0.3\nmin_order_success = 0.95\n"
        'max_taker_share = 0.1\nmax_fee_difference_bps = 1\ncancel_ratio = "alert"\nfee_tier = "halt"'
    )
    assert risk == RiskSettings(
        daily_loss=BreachResponse.CLOSE,
        notional=BreachResponse.REDUCE,
        volatility=BreachResponse.PULL_SIDE,
        ledger_difference=BreachResponse.HALT,
        max_daily_loss_share=Decimal("0.03"),
        max_notional_quote={Asset("USDT"): Decimal(5_000)},
        max_open_orders_quote={Asset("USDT"): Decimal(900)},
        max_unreachable_ticks=24,
        widen=Decimal(3),
        patience=Decimal("1.5"),
        max_cancel_ratio=Decimal("0.3"),
        min_order_success=Decimal("0.95"),
        max_taker_share=Decimal("0.1"),
        max_fee_difference_bps=Decimal(1),
        cancel_ratio=BreachResponse.ALERT,
        fee_tier=BreachResponse.HALT,
    )


def test_what_the_file_does_not_say_is_what_the_domain_takes() -> None:
    assert parse() == (RiskSettings(), ())


@pytest.mark.parametrize("key", ["price_band", "stale_data"])
@pytest.mark.parametrize("response", ["alert", "quote_longer", "widen", "pull_side"])
def test_nothing_rests_where_the_guide_forbids_it(key: str, response: str) -> None:  # S3
    expected = f'{AT_RISK}.{key}: {response} is not allowed: "cancel" or "halt": nothing that adds risk may rest (S3)'
    assert refused(risk=f'{key} = "{response}"') == expected


@pytest.mark.parametrize("key", ["price_band", "drawdown", "daily_loss", "account_notional", "volatility"])
def test_only_a_limit_that_says_how_much_may_be_held_reduces(key: str) -> None:
    assert refused(risk=f'{key} = "reduce"') == f"{AT_RISK}.{key}: reduce is not allowed: {SHRINKABLE}"


@pytest.mark.parametrize("key", ["stale_data", "ledger_difference", "venue_errors"])
def test_nothing_is_closed_without_a_price_to_trust(key: str) -> None:
    assert refused(risk=f'{key} = "close"') == f"{AT_RISK}.{key}: close is not allowed: {PRICELESS}"


def test_resting_orders_above_their_bound_halt_or_are_told() -> None:
    allowed = '"alert" or "halt": once cancelled they are within their bound, and would be placed again'
    assert refused(risk='open_orders = "cancel"') == f"{AT_RISK}.open_orders: cancel is not allowed: {allowed}"
    assert parse(risk='open_orders = "alert"')[0].open_orders is BreachResponse.ALERT


@pytest.mark.parametrize("key", ["cancel_ratio", "order_success"])
@pytest.mark.parametrize("response", ["widen", "pull_side", "cancel", "halt"])
def test_too_many_cancels_are_never_answered_by_cancels(key: str, response: str) -> None:  # C2
    allowed = '"alert" or "quote_longer": anything more cancels what rests, or leaves a side out (C2)'
    assert refused(risk=f'{key} = "{response}"') == f"{AT_RISK}.{key}: {response} is not allowed: {allowed}"


@pytest.mark.parametrize("key", ["widen", "patience"])
def test_a_factor_never_makes_quotes_bolder(key: str) -> None:
    assert refused(risk=f"{key} = 0.9") == f"{AT_RISK}.{key}: 0.9 is not allowed: 1 or more: it multiplies"


def test_events_are_moments_of_utc() -> None:
    _, events = parse(market='events = [{ start = "2026-12-16T18:30:00Z", end = "2026-12-16T20:00:00Z" }]')
    assert events == (Event(start_ms=1_797_445_800_000, end_ms=1_797_451_200_000),)


@pytest.mark.parametrize("moment", ["2026-12-16 18:30", "2026-13-16T18:30:00Z", "2026-12-16T18:30:00+01:00", "soon"])
def test_a_moment_that_is_none_is_refused(moment: str) -> None:
    said = refused(market=f'events = [{{ start = "{moment}", end = "2026-12-16T20:00:00Z" }}]')
    assert said == (
        f'test.toml: accounts.main.markets[0 PAXG/USDT].events[0].start: "{moment}" is not allowed: '
        'a moment of UTC such as "2026-12-16T18:30:00Z"'
    )


def test_an_event_ends_after_it_starts() -> None:
    said = refused(market='events = [{ start = "2026-12-16T18:30:00Z", end = "2026-12-16T18:30:00Z" }]')
    assert said.endswith('.end: "2026-12-16T18:30:00Z" is not allowed: later than its start, 2026-12-16T18:30:00Z')


def test_accounts_of_one_portfolio_share_a_bound() -> None:  # S16
    text = f"{ACCOUNT}{MARKET}\n[portfolio]\nmax_notional_quote = {{ USDT = 90000 }}\n"
    (account,) = parse_deployment(text, file="test.toml").accounts.values()
    assert account.portfolio == Portfolio(
        accounts=(AccountName("main"),), max_notional_quote={Asset("USDT"): Decimal(90_000)}
    )
    with pytest.raises(ConfigError, match=r"portfolio\.max_notional_quote: a missing key is not allowed"):
        parse_deployment(f"{ACCOUNT}{MARKET}\n[portfolio]\n", file="test.toml")
