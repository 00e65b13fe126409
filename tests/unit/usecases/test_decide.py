"""The ledger against the venue's balances, and what a market may use."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.markets import CapitalAmount
from marketmaker.domain.models import FairPriceModel
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quotes, SkippedSide, SkipReason
from marketmaker.domain.units import Asset, Symbol
from marketmaker.errors import Retryable
from marketmaker.ports import Severity
from marketmaker.usecases.reports import TickReport
from tests.builders import PAXG, SYMBOL, USDT, account_settings, foreign_order, instrument, market_settings
from tests.fakes.desk import Bench, bench, only_market
from tests.fakes.venue import BALANCES, LAST_PRICES

SECOND, XAUT = Symbol("XAUT/USDT"), Asset("XAUT")


def reasons(report: TickReport) -> list[NoQuotesReason | None]:
    return [each.desired.reason if isinstance(each.desired, NoQuotes) else None for each in report.markets]


def quoting(*, dedicated: bool = False) -> Bench:
    """Return a desk that owns half of the account; the other half is foreign."""
    settings = replace(
        market_settings(),
        capital_base=CapitalAmount(amount=Decimal(5)),
        capital_quote=CapitalAmount(amount=Decimal(19_000)),
    )
    at = bench(account_settings(settings, dedicated=dedicated), totals={PAXG: "10", USDT: "38000"})
    at.tick(2)
    return at


def two_markets(*, dedicated: bool = False) -> Bench:
    first = replace(market_settings(), capital_quote=CapitalAmount(amount=Decimal(9_000)))
    second = replace(market_settings(symbol=SECOND, number=1), capital_quote=CapitalAmount(amount=Decimal(9_000)))
    return bench(
        account_settings(first, second, dedicated=dedicated),
        instruments=[instrument(), instrument(symbol=SECOND, base=XAUT)],
        totals={PAXG: "5", USDT: "20000", XAUT: "4"},
    )


@pytest.mark.parametrize("dedicated", [True, False])
def test_missing_balance_stops_quotes_only_after_three_ticks_in_a_row(dedicated: bool) -> None:  # S2b
    at = quoting(dedicated=dedicated)
    at.venue.totals[USDT] -= 19_001
    assert [reasons(at.tick()) for _ in range(2)] == [[None], [None]]
    assert at.control.differing == {USDT: 2}
    assert reasons(at.tick()) == [NoQuotesReason.LEDGER_DIFFERS]
    assert at.venue.live() == ()
    at.tick(2)
    assert at.alerts.kinds() == ["ledger_difference"]
    assert "the venue holds 18999" in at.alerts.sent[0].text


def test_difference_that_goes_away_starts_the_count_again() -> None:  # S2b
    at = quoting()
    at.venue.totals[PAXG] -= 6
    at.tick(2)
    at.venue.totals[PAXG] += 6
    at.tick()
    assert at.control.differing == {}
    at.venue.totals[PAXG] -= 6
    assert reasons(at.tick(2)) == [None]
    assert reasons(at.tick()) == [NoQuotesReason.LEDGER_DIFFERS]


def test_explained_difference_is_told_over_and_quoted() -> None:  # R27
    at = quoting()
    at.venue.totals[PAXG] -= 6
    at.tick(4)
    at.venue.totals[PAXG] += 6
    at.tick()
    assert [each.severity for each in at.alerts.sent] == [Severity.CRITICAL, Severity.INFO]
    assert len(at.venue.live()) == 2


def test_foreign_holdings_of_a_shared_account_may_come_and_go() -> None:  # S2a, R4
    at = quoting()
    at.venue.totals[USDT] += 500
    at.tick(4)
    at.venue.totals[USDT] -= 19_500
    assert reasons(at.tick(4)) == [None]


@pytest.mark.parametrize("change", ["500", "-500"])
def test_any_unexplained_change_counts_on_a_dedicated_account(change: str) -> None:  # S2b
    at = quoting(dedicated=True)
    assert reasons(at.tick(4)) == [None]
    at.venue.totals[USDT] += Decimal(change)
    assert reasons(at.tick(3)) == [NoQuotesReason.LEDGER_DIFFERS]


def test_unknown_balances_keep_the_count() -> None:  # R7
    at = quoting()
    at.venue.totals[USDT] -= 19_001
    at.tick(2)
    at.venue.faults.fail_once(BALANCES, Retryable("no answer"))
    at.tick()
    assert at.control.differing == {USDT: 2}
    assert reasons(at.tick()) == [NoQuotesReason.LEDGER_DIFFERS]


def test_unreported_balance_keeps_the_count() -> None:  # R7
    at = quoting()
    at.venue.totals[USDT] -= 19_001
    at.tick(2)
    at.venue.unreported = {USDT}
    at.tick()
    at.venue.unreported = set()
    assert reasons(at.tick()) == [NoQuotesReason.LEDGER_DIFFERS]


def test_fill_that_is_not_booked_yet_is_no_difference() -> None:  # S2b, R15
    at = quoting(dedicated=True)
    at.venue.hide_trades()
    at.venue.fill(at.venue.only(Side.BUY))
    assert reasons(at.tick(5)) == [NoQuotesReason.BOOKING_UNFINISHED]
    assert at.control.differing == {}
    at.venue.list_trades()
    assert reasons(at.tick()) == [None]


def test_difference_in_one_market_stays_while_another_is_not_settled() -> None:  # S2b
    at = two_markets()
    at.tick()
    at.venue.totals[PAXG] -= 1
    assert reasons(at.tick(3)) == [NoQuotesReason.LEDGER_DIFFERS, None]
    at.venue.hide_trades()
    at.venue.fill(at.venue.only(Side.BUY, SECOND))
    assert reasons(at.tick()) == [NoQuotesReason.LEDGER_DIFFERS, NoQuotesReason.BOOKING_UNFINISHED]
    assert at.alerts.kinds() == ["ledger_difference"]


def test_markets_of_a_dedicated_account_that_open_one_by_one_are_no_difference() -> None:  # S2b
    at = two_markets(dedicated=True)
    both = at.desk.settings
    at.desk = replace(at.desk, settings=replace(both, markets=both.markets[:1]))
    at.tick(2)
    at.desk = replace(at.desk, settings=both)
    at.tick()
    assert at.control.differing == {}
    assert reasons(at.tick(4)) == [None, None]


def test_quote_reserved_by_foreign_orders_is_not_used() -> None:  # S2a, R21
    at = bench()
    by_hand = at.venue.add_order(replace(foreign_order(Side.BUY, "1890"), size_base=Decimal("9.99")))
    report = only_market(at.tick())
    assert isinstance(report.desired, Quotes)
    assert [quote.size_base for quote in report.desired.quotes] == [Decimal("0.0625"), Decimal("0.1")]
    assert by_hand in at.venue.live()


def test_what_our_own_orders_reserve_is_still_ours_to_use() -> None:  # R21
    at = bench(account_settings(market_settings(order_size_base="5")), totals={PAXG: "5", USDT: "9500"})
    at.tick()
    assert at.tick().counts()["orders_kept"] == 2


def test_side_without_balance_is_skipped_with_a_reason() -> None:  # R18
    at = bench(totals={PAXG: "0", USDT: "19000"})
    report = only_market(at.tick())
    assert isinstance(report.desired, Quotes)
    assert report.desired.skipped == (SkippedSide(side=Side.SELL, reason=SkipReason.BELOW_MIN_SIZE),)
    assert [each.side for each in at.venue.live()] == [Side.BUY]


def test_unknown_last_price_pulls_the_quotes_of_a_market_that_needs_it() -> None:  # R7
    at = bench(account_settings(market_settings(fair_price=FairPriceModel.LAST)))
    at.tick()
    at.venue.faults.fail_once(LAST_PRICES, Retryable("no answer"))
    assert reasons(at.tick()) == [NoQuotesReason.PRICE_UNKNOWN]
    assert at.venue.live() == ()


def test_trouble_in_one_market_leaves_the_other_quoted() -> None:
    at = two_markets()
    at.tick()
    at.venue.quote(SYMBOL, "2100", "2100.2")
    at.tick()
    assert {each.symbol for each in at.venue.live()} == {SECOND}
    assert [alert.symbol for alert in at.alerts.sent] == [SYMBOL]
