"""What is done about breaches: as the deployment file says, the strongest first."""

from dataclasses import fields, replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.accounts import BreachResponse, RiskSettings
from marketmaker.domain.breaches import (
    Breach,
    BreachKind,
    InventoryBandBreach,
    LiquidationBreach,
    LossBreach,
    PositionBreach,
    PriceBandBreach,
    StaleBook,
    TicksStopped,
)
from marketmaker.domain.caution import Caution
from marketmaker.domain.distances import PriceRange
from marketmaker.domain.responses import respond, response_to, what_stays
from marketmaker.domain.risk import Finding
from marketmaker.domain.state import Mode, Restriction
from marketmaker.domain.units import Symbol
from tests.builders import SYMBOL, USDT

ALERT, LONGER, WIDEN, PULL, CANCEL, REDUCE, CLOSE, HALT = BreachResponse
SECOND = Symbol("XAUT/USDT")
SYMBOLS = (SYMBOL, SECOND)
DEFAULT = RiskSettings()


def stale(symbol: Symbol = SYMBOL) -> StaleBook:
    return StaleBook(symbol=symbol, problem="it lacks a side")


def band(symbol: Symbol = SYMBOL) -> PriceBandBreach:
    return PriceBandBreach(symbol=symbol, fair=Decimal(3), allowed=PriceRange(low=Decimal(1), high=Decimal(2)))


def inventory(symbol: Symbol = SYMBOL) -> InventoryBandBreach:
    return InventoryBandBreach(symbol=symbol, ratio=Decimal(1), min_ratio=Decimal(0), max_ratio=Decimal("0.5"))


DRAWDOWN = LossBreach(
    kind=BreachKind.DRAWDOWN, asset=USDT, share=Decimal("0.1"), max_share=Decimal("0.05"), lost_quote=Decimal(9)
)
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


@pytest.mark.parametrize("kind", [each for each in BreachKind if each is not BreachKind.TICKS_STOPPED])
@pytest.mark.parametrize("response", BreachResponse)
def test_every_limit_has_its_own_setting(kind: BreachKind, response: BreachResponse) -> None:
    name = "stale_data" if kind is BreachKind.STALE_BOOK else kind.value
    changes: dict[str, Any] = {name: response}
    changed = replace(DEFAULT, **changes)
    assert response_to(kind, changed) is response
    others = set(BreachKind) - {kind}
    assert [response_to(each, changed) for each in others] == [response_to(each, DEFAULT) for each in others]


def test_the_watchdog_has_no_setting() -> None:  # R3
    assert response_to(BreachKind.TICKS_STOPPED, DEFAULT) is CANCEL
    assert "ticks_stopped" not in {each.name for each in fields(RiskSettings)}


@pytest.mark.parametrize(("one", "other"), list(product(BreachResponse, BreachResponse)))
def test_a_response_includes_those_before_it(one: BreachResponse, other: BreachResponse) -> None:
    order = [ALERT, LONGER, WIDEN, PULL, CANCEL, REDUCE, CLOSE, HALT]
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
    assert verdict.stops(SYMBOL) == ()
    assert verdict.restriction(SYMBOL, DEFAULT, 7) is None


@given(breaches, risk_settings)
def test_a_stronger_response_does_all_that_a_weaker_one_does(found: list[Breach], settings: RiskSettings) -> None:
    verdict = respond(map(broken, found), settings)
    for symbol in SYMBOLS:
        halting = {str(each) for each in verdict.halts if each.symbol in {None, symbol}}
        assert halting <= {str(each) for each in verdict.cancels(symbol)}
        assert set(map(str, verdict.stops(symbol))) <= set(map(str, verdict.cancels(symbol)))


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


STOP = Restriction(mode=Mode.REDUCE_ONLY, reason="a test", since_ms=5)
WIDER = Restriction(mode=Mode.QUOTING, reason="a test", since_ms=5, caution=Caution(widen=Decimal(2)))


def left(found: list[Finding], settings: RiskSettings = DEFAULT, stored: Restriction = STOP) -> Restriction | None:
    return what_stays(SYMBOL, stored, respond(found, settings), found, settings)


def stays(found: list[Finding], settings: RiskSettings = DEFAULT, stored: Restriction = STOP) -> bool:
    return left(found, settings, stored) is stored


def test_a_restriction_goes_once_all_that_could_have_set_it_is_over() -> None:
    sound = [kept(BreachKind.STALE_BOOK), kept(BreachKind.PRICE_BAND)]
    assert not stays(sound)
    for kind in (BreachKind.STALE_BOOK, BreachKind.PRICE_BAND):
        assert stays([*sound, unknown(kind)])
    assert stays([*sound, broken(band())])


def test_what_only_alerts_and_what_is_of_other_markets_holds_no_restriction() -> None:
    others = [unknown(BreachKind.INVENTORY_BAND), broken(inventory()), unknown(BreachKind.PRICE_BAND, SECOND)]
    assert not stays(others)
    assert stays(others, replace(DEFAULT, inventory_band=CANCEL))
    assert stays(others, replace(DEFAULT, inventory_band=HALT))


def test_an_unknown_drawdown_holds_what_it_may_have_set_where_it_does_not_halt() -> None:
    found = [unknown(BreachKind.DRAWDOWN, None)]
    holds = {each for each in BreachResponse if stays(found, replace(DEFAULT, drawdown=each))}
    assert holds == {CANCEL, REDUCE, CLOSE}
    wider = {each for each in BreachResponse if stays(found, replace(DEFAULT, drawdown=each), WIDER)}
    assert wider == {WIDEN, PULL, CANCEL, REDUCE, CLOSE}


def test_a_milder_breach_does_not_keep_the_stronger_restriction() -> None:
    settings = replace(DEFAULT, inventory_band=WIDEN)
    assert not stays([kept(BreachKind.PRICE_BAND), broken(inventory())], settings)
    assert stays([kept(BreachKind.PRICE_BAND), broken(inventory())], settings, WIDER)


@pytest.mark.parametrize(("response", "rank"), [(LONGER, 1), (WIDEN, 2), (PULL, 3)])
def test_of_a_stronger_restriction_as_much_stays_as_an_unknown_limit_may_ask_for(
    response: BreachResponse, rank: int
) -> None:  # R7
    found = [kept(BreachKind.PRICE_BAND), unknown(BreachKind.NOTIONAL)]
    now = left(found, replace(DEFAULT, notional=response))
    assert now is not None
    assert (now.mode, now.caution.rank, now.reason, now.since_ms) == (Mode.QUOTING, rank, STOP.reason, STOP.since_ms)


def test_what_is_unknown_asks_for_nothing_that_was_not_in_force() -> None:
    found = [unknown(BreachKind.NOTIONAL)]
    assert left(found, replace(DEFAULT, notional=CANCEL), WIDER) is WIDER


def test_nobody_is_closed_out_by_a_limit_that_is_unknown() -> None:
    closing = replace(STOP, caution=Caution(target_base=Decimal(0)))
    now = left([unknown(BreachKind.NOTIONAL)], replace(DEFAULT, notional=REDUCE), closing)
    assert now == STOP


def test_a_milder_breach_is_what_is_left_of_a_stronger_restriction() -> None:
    now = left([kept(BreachKind.PRICE_BAND), broken(inventory())], replace(DEFAULT, inventory_band=PULL))
    assert now is not None
    assert (now.mode, now.caution.pulls_adding, now.reason) == (Mode.QUOTING, True, str(inventory()))


def test_stopped_ticks_hold_no_restriction() -> None:
    assert not stays([unknown(BreachKind.TICKS_STOPPED, None), broken(STOPPED)])


# What a market's breaches ask for together


POSITION = PositionBreach(symbol=SYMBOL, base=Decimal(-9), max_base=Decimal(5))
NEAR = LiquidationBreach(symbol=SYMBOL, base=Decimal(-9), distance=Decimal("0.01"), min_distance=Decimal("0.1"))


def asked(response: BreachResponse, *breaches: Breach) -> Restriction | None:
    names = ("inventory_band", "liquidation", "price_band")
    changes: dict[str, Any] = dict.fromkeys(names, response)
    settings = replace(DEFAULT, widen=Decimal(3), patience=Decimal(4), **changes)
    return respond(map(broken, breaches or (POSITION,)), settings).restriction(SYMBOL, settings, 7)


@pytest.mark.parametrize(
    ("response", "mode", "caution"),
    [
        (LONGER, Mode.QUOTING, Caution(patience=Decimal(4))),
        (WIDEN, Mode.QUOTING, Caution(patience=Decimal(4), widen=Decimal(3))),
        (PULL, Mode.QUOTING, Caution(patience=Decimal(4), widen=Decimal(3), pulls_adding=True)),
        (CANCEL, Mode.REDUCE_ONLY, Caution()),
        (REDUCE, Mode.REDUCE_ONLY, Caution(target_base=Decimal(-5))),
        (CLOSE, Mode.REDUCE_ONLY, Caution(target_base=Decimal(0))),
        (HALT, Mode.REDUCE_ONLY, Caution()),
    ],
)
def test_each_response_restricts_a_market_so_much(response: BreachResponse, mode: Mode, caution: Caution) -> None:
    assert asked(response) == Restriction(mode=mode, reason=str(POSITION), since_ms=7, caution=caution)


def test_an_alert_restricts_nothing() -> None:
    assert asked(ALERT) is None


def test_the_least_that_any_breach_allows_is_kept() -> None:
    together = asked(REDUCE, POSITION, NEAR)
    assert together is not None
    assert together.caution.target_base == Decimal("-4.5")
    assert together.reason == f"{POSITION}; {NEAR}"


def test_a_breach_that_less_would_not_end_reduces_nothing() -> None:
    assert asked(REDUCE, band()) == Restriction(mode=Mode.REDUCE_ONLY, reason=str(band()), since_ms=7)


@given(st.lists(st.sampled_from(BreachResponse), min_size=2, max_size=2))
def test_of_two_responses_the_stronger_restricts_more(pair: list[BreachResponse]) -> None:
    strength = list(BreachResponse)[:-1]
    weak, strong = sorted((each if each is not HALT else CANCEL for each in pair), key=strength.index)
    one, other = asked(weak), asked(strong)
    if weak is strong or one is None or other is None:
        assert other is None or other == one or one is None
    else:
        assert other.exceeds(one)
        assert not one.exceeds(other)
