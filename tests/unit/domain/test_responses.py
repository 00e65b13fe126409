"""What is done about breaches: as the deployment file says, the strongest first."""

from dataclasses import fields, replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.accounts import BreachResponse, RiskSettings
from marketmaker.domain.distances import PriceRange
from marketmaker.domain.responses import may_lift, respond, response_to
from marketmaker.domain.risk import (
    Breach,
    BreachKind,
    DrawdownBreach,
    Finding,
    InventoryBandBreach,
    PriceBandBreach,
    StaleBook,
    TicksStopped,
)
from marketmaker.domain.units import Symbol
from tests.builders import SYMBOL, USDT

ALERT, CANCEL, HALT = BreachResponse
SECOND = Symbol("XAUT/USDT")
SYMBOLS = (SYMBOL, SECOND)
DEFAULT = RiskSettings()


def stale(symbol: Symbol = SYMBOL) -> StaleBook:
    return StaleBook(symbol=symbol, problem="it lacks a side")


def band(symbol: Symbol = SYMBOL) -> PriceBandBreach:
    return PriceBandBreach(symbol=symbol, fair=Decimal(3), allowed=PriceRange(low=Decimal(1), high=Decimal(2)))


def inventory(symbol: Symbol = SYMBOL) -> InventoryBandBreach:
    return InventoryBandBreach(symbol=symbol, ratio=Decimal(1), min_ratio=Decimal(0), max_ratio=Decimal("0.5"))


DRAWDOWN = DrawdownBreach(asset=USDT, share=Decimal("0.1"), max_share=Decimal("0.05"), lost_quote=Decimal(9))
STOPPED = TicksStopped(age_ms=61_000, own_orders=1)


def broken(breach: Breach) -> Finding:
    return Finding(kind=breach.kind, symbol=breach.symbol, breach=breach)


breaches = st.lists(
    st.sampled_from([*(make(symbol) for make in (stale, band, inventory) for symbol in SYMBOLS), DRAWDOWN, STOPPED])
)
responses = st.sampled_from(BreachResponse)
risk_settings = st.builds(
    RiskSettings, price_band=responses, inventory_band=responses, stale_data=responses, drawdown=responses
)


def test_every_limit_has_its_own_setting_and_the_watchdog_has_none() -> None:
    settings = replace(DEFAULT, price_band=HALT, inventory_band=CANCEL, stale_data=ALERT, drawdown=CANCEL)
    assert {kind: response_to(kind, settings) for kind in BreachKind} == {
        BreachKind.PRICE_BAND: HALT,
        BreachKind.INVENTORY_BAND: CANCEL,
        BreachKind.STALE_BOOK: ALERT,
        BreachKind.DRAWDOWN: CANCEL,
        BreachKind.TICKS_STOPPED: CANCEL,
    }
    assert len(fields(RiskSettings)) == 5


@pytest.mark.parametrize(("one", "other"), list(product(BreachResponse, BreachResponse)))
def test_a_response_includes_those_before_it(one: BreachResponse, other: BreachResponse) -> None:
    order = [ALERT, CANCEL, HALT]
    assert one.includes(other) == (order.index(one) >= order.index(other))


def test_answers_come_strongest_first_and_then_in_the_order_found() -> None:
    found = [broken(each) for each in (inventory(), stale(SECOND), band(), DRAWDOWN)]
    assert [each.breach for each in respond(found, DEFAULT).answers] == [DRAWDOWN, stale(SECOND), band(), inventory()]


def test_what_is_kept_or_unknown_is_not_answered() -> None:  # R7
    found = [
        Finding(kind=BreachKind.DRAWDOWN, symbol=None),
        Finding(kind=BreachKind.PRICE_BAND, symbol=SYMBOL, unknown="no fair price is known"),
    ]
    assert respond(found, DEFAULT).answers == ()


def test_a_cancel_is_for_its_own_market_or_for_all() -> None:
    verdict = respond([broken(band()), broken(inventory(SECOND))], DEFAULT)
    assert (verdict.cancels(SYMBOL), verdict.cancels(SECOND), verdict.halts) == ((band(),), (), ())
    everywhere = respond([broken(DRAWDOWN)], replace(DEFAULT, drawdown=CANCEL))
    assert everywhere.cancels(SYMBOL) == everywhere.cancels(SECOND) == (DRAWDOWN,)


def test_stopped_ticks_cancel_and_restrict_nothing() -> None:  # R3
    verdict = respond([broken(STOPPED)], DEFAULT)
    assert verdict.cancels(SYMBOL) == (STOPPED,)
    assert verdict.restricts(SYMBOL) == ()


@given(breaches, risk_settings)
def test_a_stronger_response_does_all_that_a_weaker_one_does(found: list[Breach], settings: RiskSettings) -> None:
    verdict = respond(map(broken, found), settings)
    for symbol in SYMBOLS:
        halting = {str(each) for each in verdict.halts if each.symbol in {None, symbol}}
        assert halting <= {str(each) for each in verdict.cancels(symbol)}
        assert set(map(str, verdict.restricts(symbol))) <= set(map(str, verdict.cancels(symbol)))


@given(breaches, risk_settings)
def test_every_breach_has_one_answer(found: list[Breach], settings: RiskSettings) -> None:
    answers = respond(map(broken, found), settings).answers
    assert sorted(str(each.breach) for each in answers) == sorted(map(str, found))
    strengths = [list(BreachResponse).index(each.response) for each in answers]
    assert strengths == sorted(strengths, reverse=True)


# Lifting


def kept(kind: BreachKind, symbol: Symbol | None = SYMBOL) -> Finding:
    return Finding(kind=kind, symbol=symbol)


def unknown(kind: BreachKind, symbol: Symbol | None = SYMBOL) -> Finding:
    return Finding(kind=kind, symbol=symbol, unknown="not read")


def test_a_restriction_may_be_lifted_once_all_that_could_have_set_it_is_over() -> None:
    sound = [kept(BreachKind.STALE_BOOK), kept(BreachKind.PRICE_BAND)]
    assert may_lift(SYMBOL, sound, DEFAULT)
    for kind in (BreachKind.STALE_BOOK, BreachKind.PRICE_BAND):
        assert not may_lift(SYMBOL, [*sound, unknown(kind)], DEFAULT)
    assert not may_lift(SYMBOL, [*sound, broken(band())], DEFAULT)


def test_what_only_alerts_and_what_is_of_other_markets_holds_no_restriction() -> None:
    others = [unknown(BreachKind.INVENTORY_BAND), broken(inventory()), unknown(BreachKind.PRICE_BAND, SECOND)]
    assert may_lift(SYMBOL, others, DEFAULT)
    assert not may_lift(SYMBOL, others, replace(DEFAULT, inventory_band=CANCEL))
    assert not may_lift(SYMBOL, others, replace(DEFAULT, inventory_band=HALT))


def test_an_unknown_drawdown_holds_restrictions_only_where_it_cancels() -> None:
    found = [unknown(BreachKind.DRAWDOWN, None)]
    assert [may_lift(SYMBOL, found, replace(DEFAULT, drawdown=each)) for each in BreachResponse] == [True, False, True]


def test_stopped_ticks_hold_no_restriction() -> None:
    assert may_lift(SYMBOL, [unknown(BreachKind.TICKS_STOPPED, None), broken(STOPPED)], DEFAULT)
