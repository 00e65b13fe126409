"""A market's first tick: what it is given, what stays foreign, and what it never takes."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.inventory import OpeningRow
from marketmaker.domain.markets import BpsBand, Capital, CapitalAmount, CapitalShare, MarketSettings
from marketmaker.domain.models import FairPriceModel
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason
from marketmaker.domain.units import Symbol
from marketmaker.errors import Conflict, Retryable
from tests.builders import PAXG, SYMBOL, USDT, account_settings, foreign_order, instrument, market_settings, order
from tests.fakes.desk import Bench, bench, only_market
from tests.fakes.venue import BALANCES, BOOKS, LAST_PRICES

SECOND = Symbol("XAUT/USDT")


def given(at: Bench, symbol: Symbol = SYMBOL) -> tuple[Decimal, Decimal]:
    row = at.store.ledger(at.account, symbol)[0]
    assert isinstance(row, OpeningRow)
    return row.base, row.quote


def capital(base: Capital, quote: Capital, settings: MarketSettings | None = None) -> MarketSettings:
    return replace(settings or market_settings(), capital_base=base, capital_quote=quote)


def share(text: str) -> CapitalShare:
    return CapitalShare(share=Decimal(text))


def amount(text: str) -> CapitalAmount:
    return CapitalAmount(amount=Decimal(text))


def two_markets(first: MarketSettings, second: MarketSettings) -> Bench:
    return bench(
        account_settings(first, second),
        instruments=[instrument(), instrument(symbol=SECOND, base="XAUT")],
        totals={PAXG: "5", USDT: "20000", "XAUT": "4"},
    )


def detail(at: Bench) -> str:
    desired = only_market(at.tick()).desired
    assert isinstance(desired, NoQuotes)
    assert desired.reason is NoQuotesReason.OBSERVATION_FAILED
    return desired.detail


@pytest.mark.parametrize(
    ("base", "quote", "expected"),
    [
        (share("1"), share("1"), ("5", "19000")),
        (share("0.5"), share("0.25"), ("2.5", "4750")),
        (amount("2"), amount("3000"), ("2", "3000")),
        (amount("7"), amount("100000"), ("5", "19000")),
    ],
)
def test_market_is_given_its_capital_and_never_more_than_there_is(  # S2a
    base: Capital, quote: Capital, expected: tuple[str, str]
) -> None:
    at = bench(account_settings(capital(base, quote)))
    at.tick()
    assert given(at) == (Decimal(expected[0]), Decimal(expected[1]))
    assert at.control.foreign == {PAXG: 5 - Decimal(expected[0]), USDT: 19_000 - Decimal(expected[1])}


def test_market_opens_once() -> None:  # S2b
    at = bench()
    at.tick(3)
    assert len(at.store.ledger(at.account, SYMBOL)) == 1


def test_base_is_opened_at_the_first_fair_price() -> None:  # S2b
    at = bench()
    at.tick()
    assert at.state().inventory.average_cost_quote == 1900
    assert at.state().reference_price == 1900


def test_base_is_opened_at_the_files_cost_where_it_names_one() -> None:  # S2b
    at = bench(account_settings(market_settings(opening_cost_quote="1850")))
    at.tick()
    assert at.state().inventory.average_cost_quote == 1850
    assert at.state().reference_price == 1900


def test_relative_band_is_armed_at_the_first_fair_price() -> None:  # S3
    at = bench(account_settings(market_settings(price_band=BpsBand(bps=Decimal(100)))))
    at.tick()
    at.venue.quote(SYMBOL, "1918", "1918.2")
    at.tick()
    assert len(at.venue.live()) == 2
    at.venue.quote(SYMBOL, "1919.5", "1919.7")
    at.tick()
    assert at.venue.live() == ()


def test_last_price_model_opens_at_the_last_price() -> None:
    at = bench(account_settings(market_settings(fair_price=FairPriceModel.LAST)))
    at.venue.last_prices[SYMBOL] = Decimal("1899.95")
    at.tick()
    assert at.state().reference_price == Decimal("1899.95")


def test_quote_that_another_market_owns_is_not_given_again() -> None:  # S2a
    at = two_markets(market_settings(), market_settings(symbol=SECOND, number=1))
    at.tick()
    assert given(at) == (Decimal(5), Decimal(20_000))
    assert given(at, SECOND) == (Decimal(4), Decimal(0))


def test_shares_of_one_asset_are_of_the_account_and_not_of_the_rest() -> None:  # S2a
    half = capital(share("1"), share("0.5"))
    at = two_markets(half, replace(half, symbol=SECOND, number=1))
    at.tick()
    assert given(at)[1] == given(at, SECOND)[1] == 10_000
    assert at.control.foreign[USDT] == 0


def test_market_added_later_never_takes_what_the_first_has_earned() -> None:  # S2a: even listed before it in the file
    first = capital(share("1"), amount("10000"))
    second = market_settings(symbol=SECOND, number=1)
    at = two_markets(first, second)
    at.desk = replace(at.desk, settings=account_settings(first))
    at.tick()
    at.venue.fill(at.venue.only(Side.SELL))
    at.desk = replace(at.desk, settings=account_settings(second, first))
    at.tick()
    assert at.state().inventory.quote > 10_000
    assert given(at, SECOND)[1] + at.state().inventory.quote == at.venue.totals[USDT]


def test_market_waits_to_open_while_another_is_not_settled() -> None:  # S2a
    first = capital(share("1"), amount("10000"))
    second = market_settings(symbol=SECOND, number=1)
    at = two_markets(first, second)
    at.desk = replace(at.desk, settings=account_settings(first))
    at.tick()
    at.venue.hide_trades()
    at.venue.fill(at.venue.only(Side.SELL))
    at.desk = replace(at.desk, settings=account_settings(first, second))
    waiting = at.tick().markets[1].desired
    assert waiting == NoQuotes(
        reason=NoQuotesReason.OBSERVATION_FAILED, detail="what the other markets own is not settled"
    )
    at.venue.list_trades()
    at.tick()
    assert given(at, SECOND)[1] + at.state().inventory.quote == at.venue.totals[USDT]


def test_market_taken_out_of_the_file_does_not_stop_a_new_one() -> None:
    at = two_markets(capital(share("1"), amount("10000")), market_settings(symbol=SECOND, number=1))
    both = at.desk.settings
    at.desk = replace(at.desk, settings=replace(both, markets=both.markets[:1]))
    at.tick()
    at.desk = replace(at.desk, settings=replace(both, markets=both.markets[1:]))
    at.tick()
    assert SECOND in at.store.read_account(at.account).markets
    assert {each.symbol for each in at.venue.live()} == {SECOND}


def test_trades_before_the_opening_are_not_booked() -> None:  # R15: they are in the opening balance
    at = bench()
    early = at.venue.add_order(order(Side.BUY, "1880"))
    at.venue.fill(early)
    at.tick(15)
    assert at.fills() == []
    assert at.state().inventory.base == at.venue.totals[PAXG]


def test_own_orders_of_an_earlier_opening_are_cancelled_before_the_market_opens() -> None:  # R2, R31
    at = bench()
    left = at.venue.add_order(order(Side.BUY, "1899.5"))
    at.venue.fill(left, "0.04")
    by_hand = at.venue.add_order(foreign_order(Side.SELL, "1950"))
    assert detail(at) == "orders of an earlier opening are cancelled first"
    assert at.venue.live() == (by_hand,)
    at.tick(2)
    assert at.state().inventory.base == at.venue.totals[PAXG]
    assert len(at.venue.live()) == 3


@pytest.mark.parametrize("part", [BALANCES, BOOKS])
def test_market_does_not_open_on_an_unknown_balance_or_book(part: str) -> None:  # R7
    at = bench()
    at.venue.faults.fail_once(part, Retryable("no answer"))
    assert detail(at) in {"no answer", "no fair price to open at"}
    at.tick()
    assert given(at) == (Decimal(5), Decimal(19_000))


def test_market_does_not_open_on_a_balance_that_is_not_reported() -> None:  # R7
    at = bench()
    at.venue.unreported = {PAXG, USDT}
    assert detail(at) == "the venue reports no balance of PAXG, USDT"
    assert at.store.ledger(at.account, SYMBOL) == []


@pytest.mark.parametrize(("bid", "ask"), [("", "1900.1"), ("1899.9", ""), ("1900.1", "1900.1")])
def test_market_does_not_open_on_a_broken_book(bid: str, ask: str) -> None:  # R11
    at = bench()
    at.venue.quote(SYMBOL, bid, ask)
    assert detail(at) == "no fair price to open at"


def test_market_does_not_open_on_an_unknown_last_price() -> None:  # R7
    at = bench(account_settings(market_settings(fair_price=FairPriceModel.LAST)))
    at.venue.faults.fail_once(LAST_PRICES, Retryable("no answer"))
    assert detail(at) == "no fair price to open at"


def test_market_opened_by_another_writer_first_is_left_to_the_next_tick() -> None:  # R25
    at = bench()
    at.store.faults.fail_once("open_market", Conflict("already open"))
    assert detail(at) == "already open"
    at.tick()
    assert len(at.venue.live()) == 2
