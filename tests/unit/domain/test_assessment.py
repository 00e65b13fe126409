"""What one look shows of every limit: broken, kept, or unknown (R3, R6, R7, R11, S2, S3)."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.account_limits import stopped_after_ms
from marketmaker.domain.accounts import AccountSettings, RiskSettings
from marketmaker.domain.assessment import Assessment, assess
from marketmaker.domain.breaches import (
    BreachKind,
    InventoryBandBreach,
    LiquidationBreach,
    LossBreach,
    NotionalBreach,
    PositionBreach,
    PriceBandBreach,
    StaleBook,
    TicksStopped,
)
from marketmaker.domain.drawdown import DayStart, Equity
from marketmaker.domain.looks import AccountLook, MarketLook, is_settled
from marketmaker.domain.markets import BpsBand
from marketmaker.domain.metering import Counts
from marketmaker.domain.models import FairPriceModel, Perpetual, PositionSkew, Ramp, SkewEffect
from marketmaker.domain.positions import Position
from marketmaker.domain.pricing import Book
from marketmaker.domain.risk import Finding
from marketmaker.domain.state import UnresolvedOrder
from marketmaker.domain.statistics import Statistics
from marketmaker.domain.units import Symbol
from tests.builders import (
    PAXG,
    SLOT_MS,
    SYMBOL,
    USDT,
    account_settings,
    book,
    clocks,
    control,
    inventory,
    market_settings,
    market_state,
    new_order,
    order,
)

SECOND = Symbol("XAUT/USDT")
PEAK = Equity(markets=(SYMBOL,), deposited_quote=Decimal(28_500), gains_quote=Decimal(0))


def look(**seen: Any) -> MarketLook:
    usual: dict[str, Any] = {
        "settings": market_settings(),
        "base": PAXG,
        "quote": USDT,
        "book": book(),
        "book_age_ms": 0,
        "last_price": None,
        "market": market_state(),
        "is_settled": True,
        "this_hour": Counts(),
    }
    return MarketLook(**usual | seen)


def at(price: str) -> Book:
    middle = Decimal(price)
    return book(bids=[(middle - 1, 5)], asks=[(middle + 1, 5)])


def account(
    *markets: MarketLook, last_slot_ms: int = SLOT_MS, peaks: Mapping[Any, Equity] | None = None, own_orders: int = 0
) -> AccountLook:
    known = replace(control(last_slot_ms=last_slot_ms), peaks=peaks or {})
    return AccountLook(markets=markets or (look(),), control=known, own_orders=own_orders, now_ms=SLOT_MS)


def judged(seen: AccountLook, settings: AccountSettings | None = None) -> Assessment:
    return assess(seen, settings or account_settings())


def finding(seen: AccountLook, kind: BreachKind, symbol: Symbol | None = None) -> Finding:
    (found,) = [each for each in judged(seen).findings if (each.kind, each.symbol) == (kind, symbol)]
    return found


def of_market(seen: MarketLook, kind: BreachKind) -> Finding:
    return finding(account(seen), kind, SYMBOL)


def test_every_limit_of_a_market_in_order_is_kept() -> None:
    findings = judged(account(peaks={USDT: PEAK})).findings
    assert [(each.name, each.is_kept) for each in findings] == [
        ("stale_book#PAXG/USDT", True),
        ("price_band#PAXG/USDT", True),
        ("inventory_band#PAXG/USDT", True),
        ("ledger_difference#PAXG/USDT", True),
        ("fee_tier#PAXG/USDT", True),
        ("drawdown", True),
        ("venue_errors", True),
        ("ticks_stopped", True),
    ]


# Books


def test_a_book_is_stale_once_it_stands_still_for_longer_than_allowed() -> None:  # R11
    assert of_market(look(book_age_ms=30_000), BreachKind.STALE_BOOK).is_kept
    found = of_market(look(book_age_ms=30_001), BreachKind.STALE_BOOK)
    assert found.breach == StaleBook(symbol=SYMBOL, problem="nobody has seen it change for 30 s")


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (book(bids=[]), "it lacks a side"),
        (book(asks=[]), "it lacks a side"),
        (book(bids=[("1900.1", 1)], asks=[("1900.1", 1)]), "its bid 1900.1 is at or above its ask 1900.1"),
        (book(bids=[("1900.2", 1)], asks=[("1900.1", 1)]), "its bid 1900.2 is at or above its ask 1900.1"),
    ],
)
def test_a_broken_book_is_a_breach_at_once(broken: Book, problem: str) -> None:  # R11
    found = of_market(look(book=broken), BreachKind.STALE_BOOK)
    assert found.breach == StaleBook(symbol=SYMBOL, problem=problem)


def test_an_unread_book_is_unknown_until_nobody_has_seen_it_change_for_too_long() -> None:  # R7, R11
    fresh = of_market(look(book=None, book_age_ms=4_000), BreachKind.STALE_BOOK)
    assert (fresh.breach, fresh.unknown) == (None, "the book was not read")
    assert of_market(look(book=None, book_age_ms=None), BreachKind.STALE_BOOK).unknown is not None
    old = of_market(look(book=None, book_age_ms=31_000), BreachKind.STALE_BOOK)
    assert old.breach == StaleBook(symbol=SYMBOL, problem="nobody has seen it change for 31 s")


@pytest.mark.parametrize("seen", [look(book=at("2500"), book_age_ms=31_000), look(book=book(bids=[])), look(book=None)])
def test_by_a_book_that_cannot_be_trusted_nothing_else_is_judged(seen: MarketLook) -> None:  # R7, R11
    for kind in (BreachKind.PRICE_BAND, BreachKind.INVENTORY_BAND):
        assert of_market(seen, kind).unknown is not None
    assert finding(account(seen), BreachKind.DRAWDOWN).unknown == "the equity in USDT is not known"


# Prices


def test_a_fair_price_outside_its_band_is_a_breach() -> None:  # S3
    found = of_market(look(book=at("2001")), BreachKind.PRICE_BAND)
    assert isinstance(found.breach, PriceBandBreach)
    assert found.breach.symbol == SYMBOL
    assert found.breach.fair == 2001


def test_an_absolute_band_needs_no_state() -> None:  # S3, R34
    found = of_market(look(book=at("2001"), market=None), BreachKind.PRICE_BAND)
    assert found.breach is not None


def test_a_band_round_the_reference_price_is_unknown_before_the_market_opens() -> None:  # S3, R7
    settings = market_settings(price_band=BpsBand(bps=Decimal(500)))
    outside = look(settings=settings, book=at("2001"), market=market_state(reference_price="1900"))
    assert of_market(outside, BreachKind.PRICE_BAND).breach is not None
    assert of_market(replace(outside, market=market_state(reference_price="2001")), BreachKind.PRICE_BAND).is_kept
    unopened = of_market(replace(outside, market=None), BreachKind.PRICE_BAND)
    assert unopened.unknown == "the reference price of the band is not known"


@pytest.mark.parametrize("last", [None, Decimal(0), Decimal(-1)])
def test_a_price_that_is_missing_or_none_is_unknown(last: Decimal | None) -> None:  # R7
    seen = look(settings=market_settings(fair_price=FairPriceModel.LAST), last_price=last)
    assert of_market(seen, BreachKind.PRICE_BAND).unknown == "no fair price is known"


def test_the_fair_price_is_the_one_that_quotes_are_made_by() -> None:  # M5
    seen = look(settings=market_settings(fair_price=FairPriceModel.LAST), last_price=Decimal(2001))
    assert of_market(seen, BreachKind.PRICE_BAND).breach is not None


# Inventory


def test_too_much_or_too_little_base_is_a_breach() -> None:  # S2
    heavy = of_market(look(market=market_state(owned=inventory(base="9", quote="1900"))), BreachKind.INVENTORY_BAND)
    assert isinstance(heavy.breach, InventoryBandBreach)
    assert heavy.breach.ratio == Decimal("0.9")
    light = of_market(look(market=market_state(owned=inventory(base="0"))), BreachKind.INVENTORY_BAND)
    assert isinstance(light.breach, InventoryBandBreach)
    assert light.breach.ratio == 0


@pytest.mark.parametrize(
    "seen",
    [
        look(market=None),
        look(is_settled=False),
        look(market=market_state(owned=inventory(base="0", quote="0"))),
    ],
)
def test_an_inventory_that_is_not_known_is_not_judged(seen: MarketLook) -> None:  # R7
    assert of_market(seen, BreachKind.INVENTORY_BAND).unknown is not None


def test_the_market_is_settled_while_it_has_every_fill_that_orders_show() -> None:  # R7, R13
    booked = order(venue_id="1", executed_base="0.02")
    market = market_state(working=(booked,))
    assert is_settled(market, [booked])
    assert is_settled(market, [replace(booked, executed_base=Decimal("0.01"))])
    assert not is_settled(market, [replace(booked, executed_base=Decimal("0.03"))])
    assert not is_settled(market, [])
    assert is_settled(market, [booked, order(venue_id="2")])
    assert not is_settled(market, [booked, order(venue_id="2", executed_base="0.01")])
    unknown = replace(market, unresolved=(UnresolvedOrder(order=new_order(), signed_ms=0),))
    assert not is_settled(unknown, [booked])


# Drawdown


def test_more_than_the_allowed_loss_since_the_peak_is_a_breach() -> None:  # R6
    settings = replace(account_settings(), risk=RiskSettings(max_drawdown_share=Decimal("0.01")))
    seen = account(look(book=at("1843")), peaks={USDT: PEAK})
    assert judged(seen, settings).drawdowns == {USDT: Decimal("0.01")}
    assert not [each for each in judged(seen, settings).findings if each.breach]
    lower = account(look(book=at("1842")), peaks={USDT: PEAK})
    (breach,) = [each.breach for each in judged(lower, settings).findings if each.breach]
    assert breach == LossBreach(
        kind=BreachKind.DRAWDOWN,
        asset=USDT,
        share=Decimal(290) / Decimal(28_500),
        max_share=Decimal("0.01"),
        lost_quote=Decimal(290),
    )


def test_a_first_equity_is_the_first_peak() -> None:  # R6
    assert judged(account()).new_peaks == {USDT: PEAK}


def test_only_an_equity_above_the_peak_is_a_new_one() -> None:  # R6
    assert judged(account(peaks={USDT: PEAK})).new_peaks == {}
    assert judged(account(look(book=at("1899")), peaks={USDT: PEAK})).new_peaks == {}
    (higher,) = judged(account(look(book=at("1902")), peaks={USDT: PEAK})).new_peaks.values()
    assert higher.gains_quote == 10


def test_a_price_outside_its_band_shows_a_loss_but_sets_no_peak() -> None:  # R6: a wrong base
    above = judged(account(look(book=at("19000")), peaks={USDT: PEAK}))
    assert above.new_peaks == {}
    assert above.drawdowns == {USDT: 0}
    below = judged(account(look(book=at("1500")), peaks={USDT: PEAK}))
    assert BreachKind.DRAWDOWN in {each.kind for each in below.findings if each.breach}


def test_markets_of_one_quote_asset_gain_and_lose_together() -> None:  # S16, R6
    second = look(
        settings=market_settings(symbol=SECOND, number=1), market=market_state(symbol=SECOND), book=at("1880")
    )
    (both,) = judged(account(look(book=at("1920")), second)).new_peaks.values()
    assert both == Equity(markets=(SYMBOL, SECOND), deposited_quote=Decimal(57_000), gains_quote=Decimal(0))


def test_markets_of_different_quote_assets_are_measured_apart() -> None:
    second = look(settings=market_settings(symbol=SECOND, number=1), market=market_state(symbol=SECOND), quote=PAXG)
    seen = account(look(book=at("1950")), replace(second, book=None), peaks={USDT: PEAK})
    assert judged(seen).drawdowns == {USDT: 0}
    assert [(each.unknown is None) for each in judged(seen).findings if each.kind is BreachKind.DRAWDOWN] == [
        True,
        False,
    ]


@pytest.mark.parametrize("change", [{"book": None}, {"is_settled": False}])
def test_one_market_that_is_not_known_makes_the_drawdown_of_its_asset_unknown(change: dict[str, Any]) -> None:  # R7
    second = look(settings=market_settings(symbol=SECOND, number=1), market=market_state(symbol=SECOND), **change)
    seen = account(look(book=at("1500")), second, peaks={USDT: PEAK})
    assessment = judged(seen)
    assert finding(seen, BreachKind.DRAWDOWN).unknown == "the equity in USDT is not known"
    assert (assessment.drawdowns, assessment.new_peaks) == ({}, {})


def test_a_market_that_has_not_opened_has_no_equity() -> None:
    second = look(settings=market_settings(symbol=SECOND, number=1), market=None)
    assert judged(account(look(), second)).new_peaks == {USDT: PEAK}
    nothing = judged(account(look(market=None)))
    assert BreachKind.DRAWDOWN not in {each.kind for each in nothing.findings}


@given(st.lists(st.integers(-400, 400), min_size=1, max_size=20))
def test_a_kept_peak_never_falls_whatever_prices_do(moves: list[int]) -> None:  # R6
    peaks: dict[Any, Equity] = {}
    highest = None
    for move in moves:
        price = Decimal(1900) + move
        assessment = judged(account(look(book=at(str(price))), peaks=peaks))
        peaks |= assessment.new_peaks
        if Decimal(1800) <= price <= Decimal(2000):
            highest = max(price, highest or price)
        assert (USDT in peaks) == (highest is not None)
        if highest is not None:
            assert peaks[USDT].gains_quote == 5 * (highest - 1900)


# Ticks


@pytest.mark.parametrize(("interval_ms", "bound_ms"), [(5_000, 60_000), (20_000, 60_000), (60_000, 180_000)])
def test_ticks_have_stopped_after_a_minute_or_three_intervals(interval_ms: int, bound_ms: int) -> None:  # R3
    assert stopped_after_ms(clocks(interval_ms=interval_ms)) == bound_ms


def test_orders_that_rest_without_ticks_are_a_breach() -> None:  # R3
    fine = account(last_slot_ms=SLOT_MS - 60_000, own_orders=2)
    assert finding(fine, BreachKind.TICKS_STOPPED).is_kept
    stopped = finding(account(last_slot_ms=SLOT_MS - 60_001, own_orders=2), BreachKind.TICKS_STOPPED)
    assert stopped.breach == TicksStopped(age_ms=60_001, own_orders=2)


def test_orders_of_an_account_that_never_ticked_are_a_breach() -> None:  # R3
    never = finding(account(last_slot_ms=0, own_orders=1), BreachKind.TICKS_STOPPED)
    assert never.breach == TicksStopped(age_ms=None, own_orders=1)


@pytest.mark.parametrize("last_slot_ms", [0, SLOT_MS - 60_001])
def test_ticks_that_stopped_are_not_over_once_no_order_rests(last_slot_ms: int) -> None:  # R27
    quiet = finding(account(last_slot_ms=last_slot_ms), BreachKind.TICKS_STOPPED)
    assert (quiet.breach, quiet.unknown) == (None, "ticks have stopped and none of our orders rests")


# Without the state


def test_without_the_state_bands_and_books_are_judged_and_nothing_else() -> None:  # R7, R34
    def seen(price: str) -> AccountLook:
        return AccountLook(
            markets=(look(book=at(price), market=None, is_settled=False, this_hour=None),),
            control=None,
            own_orders=2,
            now_ms=SLOT_MS,
        )

    assert {each.kind: each.is_kept for each in judged(seen("1900")).findings} == {
        BreachKind.STALE_BOOK: True,
        BreachKind.PRICE_BAND: True,
        BreachKind.INVENTORY_BAND: False,
        BreachKind.LEDGER_DIFFERENCE: False,
        BreachKind.FEE_TIER: False,
        BreachKind.VENUE_ERRORS: False,
        BreachKind.TICKS_STOPPED: False,
    }
    broken = [each.kind for each in judged(seen("2001")).findings if each.breach]
    assert broken == [BreachKind.PRICE_BAND]


# Amounts, days, positions


def test_what_is_known_of_a_sum_may_be_too_much_already() -> None:  # S16, R7
    bounded = replace(account_settings(), risk=RiskSettings(max_notional_quote={USDT: Decimal(5_000)}))
    second = look(settings=market_settings(symbol=SECOND, number=1))
    unseen = look(settings=market_settings(symbol=SECOND, number=1), is_settled=False)

    def sum_of(*markets: MarketLook) -> Finding:
        findings = judged(account(*markets), bounded).findings
        (found,) = [each for each in findings if each.kind is BreachKind.ACCOUNT_NOTIONAL]
        return found

    assert sum_of(second, unseen).breach is not None
    flat = look(market=replace(market_state(), inventory=replace(market_state().inventory, base=Decimal(0))), book=None)
    assert sum_of(flat).is_kept
    assert sum_of(flat, unseen).unknown == "what is held for USDT is not known"


def test_a_bound_on_an_asset_that_no_market_has_is_kept() -> None:
    bounded = replace(account_settings(), risk=RiskSettings(max_notional_quote={PAXG: Decimal(1)}))
    assert all(each.is_kept for each in judged(account(), bounded).findings)


def perpetual_look(**seen: Any) -> MarketLook:
    policy = PositionSkew(
        min_ratio=Decimal("0.2"),
        max_ratio=Decimal("0.5"),
        target_base=Decimal(0),
        threshold_base=Decimal(0),
        max_base=Decimal(2),
        skew=Decimal(0),
        effect=SkewEffect.SHIFT,
        ramp=Ramp.LINEAR,
    )
    held = replace(market_settings(inventory_band=policy), perpetual=Perpetual())
    return look(settings=held, **seen)


def test_a_position_that_was_not_read_is_unknown_whatever_the_ledger_says() -> None:  # R7
    seen = perpetual_look()
    for kind in (BreachKind.INVENTORY_BAND, BreachKind.LIQUIDATION):
        assert of_market(seen, kind).unknown == "the position is not known"


def test_a_position_is_judged_without_price_or_ledger() -> None:  # R34
    position = Position(
        symbol=SYMBOL,
        size_base=Decimal(-3),
        entry_price=None,
        mark_price=Decimal(1900),
        unrealised_quote=Decimal(0),
        liquidation_price=Decimal(1920),
    )
    seen = perpetual_look(position=position, book=None, market=None, is_settled=False)
    too_large = of_market(seen, BreachKind.INVENTORY_BAND).breach
    assert isinstance(too_large, PositionBreach)
    assert too_large.reduced_base == -2
    near = of_market(seen, BreachKind.LIQUIDATION).breach
    assert isinstance(near, LiquidationBreach)
    assert near.reduced_base == Decimal("-1.5")


def test_a_limit_on_the_notional_needs_price_and_holding() -> None:  # R7
    bounded = replace(market_settings(), max_notional_quote=Decimal(5_000))
    breach = of_market(look(settings=bounded), BreachKind.NOTIONAL).breach
    assert isinstance(breach, NotionalBreach)
    assert breach.reduced_base == Decimal(5_000) / 1_900
    for unseen in ({"book": None}, {"is_settled": False}):
        assert of_market(look(settings=bounded, **unseen), BreachKind.NOTIONAL).unknown is not None


@pytest.mark.parametrize(
    "known",
    [None, Statistics(until_ms=SLOT_MS), Statistics(until_ms=SLOT_MS - 900_001, sigma=0.1)],
    ids=["never measured", "not measurable", "too old"],
)
def test_a_volatility_that_was_not_measured_of_late_is_unknown(known: Statistics | None) -> None:  # R7
    bounded = replace(market_settings(), max_volatility=Decimal(1))
    assert of_market(look(settings=bounded, statistics=known), BreachKind.VOLATILITY).unknown is not None


def test_a_day_is_replaced_by_a_later_one_or_by_its_own_with_other_markets() -> None:
    today, wider = DayStart(day=7, equity=PEAK), DayStart(day=7, equity=replace(PEAK, markets=(SYMBOL, SECOND)))
    assert today.replaces(None)
    assert not today.replaces(today)
    assert wider.replaces(today)
    assert DayStart(day=8, equity=PEAK).replaces(wider)
    assert not DayStart(day=6, equity=wider.equity).replaces(today)


def test_without_the_state_no_venue_error_is_known() -> None:  # R7
    seen = AccountLook(markets=(look(),), control=None, own_orders=0, now_ms=SLOT_MS)
    (found,) = [each for each in judged(seen).findings if each.kind is BreachKind.VENUE_ERRORS]
    assert found.unknown is not None
