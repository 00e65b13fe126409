"""Every limit, row by row: what breaks it, what is done, what a human reads, what is kept; one start and one end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.domain.accounts import BreachResponse, RiskSettings
from marketmaker.domain.calibration import Calibration
from marketmaker.domain.caution import NO_CAUTION, Caution
from marketmaker.domain.exits import ExitCause
from marketmaker.domain.exposure import Exposure, Portfolio
from marketmaker.domain.klines import DayVolume
from marketmaker.domain.markets import CapitalAmount, Event, MarketSettings
from marketmaker.domain.metering import HOUR_MS, Counts, Hour, Meter
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, SkipReason
from marketmaker.domain.state import Mode, Refreshed, Restriction
from marketmaker.domain.statistics import Unfit
from marketmaker.domain.units import ONE, ZERO, AccountName, Asset, Symbol
from marketmaker.domain.volatility import VolatilityFit
from marketmaker.errors import Fatal, MarketMakerError, Retryable
from marketmaker.ports import Severity
from tests.builders import ACCOUNT, PAXG, SLOT_MS, SYMBOL, USDT, account_settings, instrument, market_settings
from tests.fakes.desk import Bench, bench, only_market
from tests.fakes.perpetuals import FakePerpetual
from tests.fakes.venue import BOOKS
from tests.unit.usecases.test_perpetuals import SOL, USDC, market

D = Decimal
Act = Callable[[Bench], None]
LONGER = Caution(patience=D(2))
WIDER = Caution(patience=D(2), widen=D(2))
ONE_SIDED = replace(WIDER, pulls_adding=True)
GONE = "Our orders are cancelled, none placed until it is over"
PULLED = "The side that adds to what is held is not quoted until it is over"


def spot(risk: dict[str, Any], **changes: Any) -> Bench:
    wanted = replace(market_settings(), **changes)
    return bench(replace(account_settings(wanted), risk=RiskSettings(**risk)))


def perp(risk: dict[str, Any], wanted: MarketSettings | None = None) -> Bench:
    rules = instrument(
        symbol=SOL, base="SOL", quote="USDC", lot_size="0.01", min_size_base="0.01", min_notional_quote="1"
    )
    settings = replace(account_settings(wanted or market()), risk=RiskSettings(**risk))
    at = bench(settings, instruments=[rules], totals={USDC: "1000"})
    at.venue.quote(SOL, "99.99", "100.01")
    at.venue.perpetuals[SOL] = FakePerpetual(symbol=SOL)
    return at


OTHER = AccountName("other")


def together(others: dict[AccountName, int]) -> Bench:
    """Return an account in one portfolio with others that hold so much; they tell it again and again."""
    portfolio = Portfolio(accounts=(ACCOUNT, OTHER), max_notional_quote={USDT: D(10_000)})
    at = bench(replace(account_settings(), portfolio=portfolio))
    for name, held in others.items():
        at.store.tell_exposure(Exposure(account=name, time_ms=at.clock.now_ms(), notional_quote={USDT: D(held)}))
    return at


def price(low: str, high: str, symbol: Symbol = SYMBOL) -> Act:
    return lambda at: at.venue.quote(symbol, low, high)


def refresh(**refreshed: Any) -> Act:
    """Let the last tick have noted this."""

    def act(at: Bench) -> None:
        slot_ms = at.slot_ms = at.slot_ms + at.desk.settings.clocks.interval_ms
        at.clock.set(slot_ms)
        at.store.claim(at.account, slot_ms=slot_ms, owner="a tick", now_ms=slot_ms, lease_ms=1_000)
        usual: dict[str, Any] = {"book_marks": at.control.book_marks, "differing": {}, "unreachable_ticks": 0}
        at.store.release(at.account, owner="a tick", refreshed=Refreshed(**usual | refreshed))

    return act


def volatility(sigma: float) -> Act:
    def act(at: Bench) -> None:
        at.slot_ms += 60_000
        refresh()(at)
        no, fit = Unfit(reason="no"), VolatilityFit(sigma=sigma, best_distance=None, moves=600, span_ms=6_000)
        measured = Calibration(until_ms=at.clock.now_ms(), volatility=fit, intensity=no, regime=no)
        at.prices.save_calibration(at.desk.settings.venue, SYMBOL, measured)

    return act


def counted(**counts: Any) -> Act:
    """Let ticks have counted this in the hour that runs."""

    def act(at: Bench) -> None:
        now_ms = at.clock.now_ms()
        hour = Hour(start_ms=now_ms - now_ms % HOUR_MS, since_ms=now_ms, counts=Counts(**counts))
        refresh(meters={SYMBOL: Meter(hour=hour, seen_ms=now_ms)})(at)

    return act


def hold(size: str, liquidation: str | None = None) -> Act:
    def act(at: Bench) -> None:
        held = at.venue.perpetuals[SOL]
        change = D(size) - held.held.size_base
        if change:
            held.held.trade(Side.BUY if change > ZERO else Side.SELL, D(100), abs(change))
        held.liquidation_price = None if liquidation is None else D(liquidation)

    return act


def stop_ticks(at: Bench) -> None:
    at.clock.advance(61_000)


def resume_ticks(at: Bench) -> None:
    at.slot_ms = at.clock.now_ms()
    at.tick()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A limit: how it breaks and how it is over, and by hand what follows from the breach."""

    kind: str
    at: Callable[[], Bench]
    break_: Act
    end: Act
    says: str
    does: str
    mode: Mode | None = Mode.QUOTING
    caution: Caution = NO_CAUTION
    severity: Severity = Severity.CRITICAL
    account_mode: Mode = Mode.QUOTING
    orders: int = 0
    symbol: Symbol | None = SYMBOL
    is_over_by_ticks: bool = False


NEAR, USUAL = price("1989.9", "1990.1"), price("1899.9", "1900.1")
LOST = price("1839.9", "1840.1")
ROWS = [
    Row(
        kind="price_band",
        at=lambda: spot({}),
        break_=price("2000.9", "2001.1"),
        end=USUAL,
        says="fair price 2001 is outside [1800, 2000]",
        does=GONE,
        mode=Mode.REDUCE_ONLY,
        is_over_by_ticks=True,
    ),
    Row(
        kind="stale_book",
        at=lambda: spot({}),
        break_=price("1901", "1900"),
        end=USUAL,
        says="the book cannot be trusted: its bid 1901 is at or above its ask 1900",
        does=GONE,
        mode=Mode.REDUCE_ONLY,
        is_over_by_ticks=True,
    ),
    Row(
        kind="inventory_band",
        at=lambda: spot(
            {}, inventory_band=replace(market_settings().inventory_band, min_ratio=D("0.2"), max_ratio=D("0.34"))
        ),
        break_=NEAR,
        end=USUAL,
        says="inventory ratio 34.37% is outside [20.00%, 34.00%]",
        does="Nothing was changed",
        mode=None,
        orders=2,
    ),
    Row(
        kind="inventory_band",
        at=lambda: perp({}, market(max_base="0.2")),
        break_=hold("-0.3"),
        end=hold("-0.2"),
        says="the position is -0.3, allowed are 0.2 either way",
        does="Nothing was changed",
        mode=None,
        orders=4,
        symbol=SOL,
    ),
    Row(
        kind="notional",
        at=lambda: spot({}, max_notional_quote=D(9_600)),
        break_=NEAR,
        end=USUAL,
        says="the market holds 9950 USDT, allowed are 9600",
        does=PULLED,
        caution=ONE_SIDED,
        orders=2,
    ),
    Row(
        kind="liquidation",
        at=lambda: perp({}),
        break_=hold("1", "95"),
        end=hold("1", "50"),
        says="liquidation is 5.00% away, at least 10.00% is wanted",
        does="Our orders are cancelled and what is too much is traded away; none placed until it is over",
        mode=Mode.REDUCE_ONLY,
        caution=Caution(target_base=D("0.5")),
        symbol=SOL,
    ),
    Row(
        kind="volatility",
        at=lambda: spot({}, max_volatility=D("1.5")),
        break_=volatility(0.0004),
        end=volatility(0.0001),
        says="volatility is 225% a year, allowed are 150%",
        does="Quotes stand further away until it is over",
        caution=WIDER,
        severity=Severity.INFO,
        orders=2,
    ),
    Row(
        kind="ledger_difference",
        at=lambda: spot({}),
        break_=refresh(differing={USDT: 3}),
        end=refresh(),
        says="for 3 ticks the ledger has not explained what the venue holds of USDT",
        does=GONE,
        mode=Mode.REDUCE_ONLY,
        is_over_by_ticks=True,
    ),
    Row(
        kind="drawdown",
        at=lambda: spot({"max_drawdown_share": D("0.01")}),
        break_=LOST,
        end=USUAL,
        says="300 USDT lost since the peak equity, 1.05% of it; allowed 1.00%",
        does="The account is halted and our orders are cancelled; `mm resume` lifts it",
        mode=None,
        account_mode=Mode.HALTED,
        symbol=None,
    ),
    Row(
        kind="daily_loss",
        at=lambda: spot({"max_daily_loss_share": D("0.01")}),
        break_=LOST,
        end=USUAL,
        says="300 USDT lost since the day began, 1.05% of the equity of then; allowed 1.00%",
        does=GONE,
        mode=Mode.REDUCE_ONLY,
        symbol=None,
    ),
    Row(
        kind="account_notional",
        at=lambda: spot({"max_notional_quote": {USDT: D(9_600)}}),
        break_=NEAR,
        end=USUAL,
        says="the account's markets hold 9950 USDT, allowed are 9600",
        does=PULLED,
        caution=ONE_SIDED,
        orders=2,
        symbol=None,
    ),
    Row(
        kind="portfolio_notional",
        at=lambda: together({OTHER: 300}),
        break_=NEAR,
        end=USUAL,
        says="the markets of all accounts hold 10250 USDT, allowed are 10000",
        does=PULLED,
        caution=ONE_SIDED,
        orders=2,
        symbol=None,
    ),
    Row(
        kind="open_orders",
        at=lambda: spot({"max_open_orders_quote": {USDT: D(380)}}, order_size_base=D("0.1")),
        break_=lambda at: (NEAR(at), at.tick(), None)[-1],
        end=USUAL,
        says="our orders rest for 398 USDT, allowed are 380",
        does="The account is halted and our orders are cancelled; `mm resume` lifts it",
        mode=None,
        account_mode=Mode.HALTED,
        symbol=None,
    ),
    Row(
        kind="venue_errors",
        at=lambda: spot({}),
        break_=refresh(unreachable_ticks=12),
        end=refresh(),
        says="12 ticks in a row could not read the venue",
        does="Nothing was changed",
        mode=None,
        orders=2,
        symbol=None,
    ),
    Row(
        kind="cancel_ratio",
        at=lambda: spot({"max_cancel_ratio": D("0.3")}),
        break_=counted(placed=100, cancelled=40, cancelled_unfilled=31),
        end=counted(placed=100, cancelled=40, cancelled_unfilled=30),
        says="31.0% of a day's orders were cancelled with nothing filled, allowed 30.0%",
        does="Orders are replaced less often until it is over",
        caution=LONGER,
        severity=Severity.INFO,
        orders=2,
    ),
    Row(
        kind="order_success",
        at=lambda: spot({"min_order_success": D("0.95")}),
        break_=counted(placed=94, rejected=6),
        end=counted(placed=95, rejected=5),
        says="94.0% of a day's orders were accepted, at least 95.0% are wanted",
        does="Orders are replaced less often until it is over",
        caution=LONGER,
        severity=Severity.INFO,
        orders=2,
    ),
    Row(
        kind="taker_share",
        at=lambda: spot({"max_taker_share": D("0.2")}),
        break_=counted(fills=20, taker_fills=1, volume_quote=D(1000), taker_volume_quote=D(201)),
        end=counted(fills=20, taker_fills=1, volume_quote=D(1000), taker_volume_quote=D(200)),
        says="20.1% of a day's volume took, allowed are 20.0%",
        does="Nothing was changed",
        mode=None,
        orders=2,
    ),
    Row(
        kind="fee_tier",
        at=lambda: spot({}),
        break_=counted(fills=5, maker_fees_quote=D("0.16"), maker_fee_volume_quote=D(1000)),
        end=counted(fills=5, maker_fees_quote=D("0.15"), maker_fee_volume_quote=D(1000)),
        says="makers' fills cost 1.60 bps in this hour, fees.maker_bps is 1",
        does="Nothing was changed",
        mode=None,
        orders=2,
    ),
    Row(
        kind="ticks_stopped",
        at=lambda: spot({}),
        break_=stop_ticks,
        end=resume_ticks,
        says="no tick for 61 s while 2 of our orders rest",
        does="They are cancelled; quoting goes on when ticks come again",
        mode=None,
        symbol=None,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind} of {row.symbol}" if row.symbol else row.kind)
def test_each_limit_has_its_response_its_words_and_its_record(row: Row) -> None:
    at = row.at()
    at.tick()
    assert not at.check().is_breached
    row.break_(at)
    at.check()
    where = row.symbol or SYMBOL
    (alert,) = at.alerts.sent
    assert (alert.kind, alert.severity, alert.symbol) == (row.kind, row.severity, row.symbol)
    assert f"{row.says}. {row.does}" in alert.text
    assert len(at.venue.live(where)) == row.orders
    assert at.control.mode is row.account_mode
    kept = at.control.restrictions.get(where)
    if row.mode is None:
        assert kept is None
    else:
        assert kept is not None
        assert (kept.mode, kept.caution, kept.reason) == (row.mode, row.caution, row.says)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind} of {row.symbol}" if row.symbol else row.kind)
def test_each_breach_is_one_start_and_one_end(row: Row) -> None:
    at = row.at()
    at.tick()
    at.check()
    row.break_(at)
    for _ in range(3):
        at.check()
    assert [each.kind for each in at.alerts.sent] == [row.kind]
    row.end(at)
    if row.account_mode is Mode.HALTED:
        assert len(at.alerts.sent) == 1
        return
    at.tick()
    at.check()
    assert at.control.restrictions == {}
    if row.is_over_by_ticks:
        at.tick()
    at.check()
    assert [(each.kind, each.severity) for each in at.alerts.sent[1:]] == [(row.kind, Severity.INFO)]
    assert f"{row.kind} is over" in at.alerts.sent[1].text


# What ticks make of each response


def banded(response: BreachResponse, max_ratio: str = "0.34") -> Bench:
    """Return a market whose ratio, a third at 1900, is above its band once the price has risen."""
    band = replace(market_settings().inventory_band, min_ratio=D("0.2"), max_ratio=D(max_ratio))
    return spot({"inventory_band": response, "patience": D(3)}, inventory_band=band)


@pytest.mark.parametrize(
    ("response", "caution"),
    [
        (BreachResponse.QUOTE_LONGER, Caution(patience=D(3))),
        (BreachResponse.WIDEN, Caution(patience=D(3), widen=D(2))),
    ],
)
def test_a_milder_response_leaves_both_sides_resting(response: BreachResponse, caution: Caution) -> None:
    at = banded(response)
    at.tick()
    NEAR(at)
    at.check()
    assert at.control.restrictions[SYMBOL].caution == caution
    at.tick()
    assert sorted(each.side for each in at.venue.live(SYMBOL)) == [Side.BUY, Side.SELL]


def test_wider_quotes_stand_twice_as_far_away() -> None:
    at = banded(BreachResponse.WIDEN)
    at.tick()
    prices = {each.side: each.price for each in at.venue.live(SYMBOL)}
    assert prices == {Side.BUY: D("1899.50"), Side.SELL: D("1900.50")}
    NEAR(at)
    at.check()
    at.tick()
    prices = {each.side: each.price for each in at.venue.live(SYMBOL)}
    assert 2 <= prices[Side.SELL] - prices[Side.BUY] <= D("2.02")


def test_longer_resting_orders_survive_a_move_that_replaces_them_otherwise() -> None:  # C2
    def moved(response: BreachResponse) -> int:
        at = banded(response, "0.33")
        at.tick()
        at.check()
        before = {each.venue_id for each in at.venue.live(SYMBOL)}
        price("1900.15", "1900.35")(at)
        at.tick()
        return len(before & {each.venue_id for each in at.venue.live(SYMBOL)})

    assert moved(BreachResponse.ALERT) == 0
    assert moved(BreachResponse.QUOTE_LONGER) == 2


def test_a_pulled_side_is_the_one_that_adds() -> None:  # P4
    at = spot({}, max_notional_quote=D(8_000))
    at.tick()
    at.check()
    at.tick()
    assert [each.side for each in at.venue.live(SYMBOL)] == [Side.SELL]
    (market_report,) = at.tick().markets
    skipped = {each.side: each.reason for each in market_report.desired.skipped}  # type: ignore[union-attr]
    assert skipped == {Side.BUY: SkipReason.LIMIT_BROKEN}


def test_of_a_flat_position_both_sides_are_pulled() -> None:  # S17: another market fills the account
    at = perp({"max_notional_quote": {USDC: D(1)}})
    at.tick()
    restricted = Restriction(mode=Mode.QUOTING, reason="full", since_ms=1, caution=ONE_SIDED)
    at.store.restrict(at.account, SOL, restricted)
    at.tick()
    assert at.venue.live(SOL) == ()


def test_a_position_is_reduced_to_what_the_limit_allows_and_then_quoted_again() -> None:
    at = perp({"inventory_band": BreachResponse.REDUCE}, market(max_base="0.2"))
    at.tick()
    (bid,) = [each for each in at.venue.live(SOL) if each.price == D(99)]
    at.venue.fill(bid)
    at.tick()
    at.desk = replace(at.desk, settings=replace(at.desk.settings, markets=(market(max_base="0.04"),)))
    at.check()
    assert at.control.restrictions[SOL].caution.target_base == D("0.04")
    at.tick()
    exits = at.state(SOL).exits.current
    assert exits is not None
    assert (exits.cause, exits.target_base) == (ExitCause.LIMIT, D("0.04"))
    assert exits.reason == "reduce_only: the position is 0.1, allowed are 0.04 either way"
    at.tick()
    assert at.state(SOL).inventory.base == D("0.04")
    at.check()
    assert at.control.restrictions == {}


def test_a_close_leaves_nothing() -> None:
    at = perp({"liquidation": BreachResponse.CLOSE})
    at.tick()
    (bid,) = [each for each in at.venue.live(SOL) if each.price == D(99)]
    at.venue.fill(bid)
    at.tick()
    at.venue.perpetuals[SOL].liquidation_price = D(95)
    at.check()
    at.tick()
    assert at.venue.perpetuals[SOL].held.size_base == ZERO


def test_the_strongest_of_several_answers_wins_and_the_milder_is_left_when_it_is_over() -> None:
    at = spot({}, max_notional_quote=D(9_600))
    at.tick()
    price("2000.9", "2001.1")(at)
    at.check()
    kept = at.control.restrictions[SYMBOL]
    assert (kept.mode, kept.caution) == (Mode.REDUCE_ONLY, NO_CAUTION)
    assert kept.reason == "fair price 2001 is outside [1800, 2000]; the market holds 10005 USDT, allowed are 9600"
    NEAR(at)
    report = at.check()
    kept = at.control.restrictions[SYMBOL]
    assert (kept.mode, kept.caution, report.lifted) == (Mode.QUOTING, ONE_SIDED, ())
    at.tick()
    assert [each.side for each in at.venue.live(SYMBOL)] == [Side.SELL]
    USUAL(at)
    assert at.check().lifted == (SYMBOL,)


def test_a_breach_that_grows_strengthens_the_restriction() -> None:
    at = spot({}, max_notional_quote=D(9_600))
    at.tick()
    NEAR(at)
    at.check()
    epoch = at.control.epoch
    price("2000.9", "2001.1")(at)
    at.check()
    assert at.control.restrictions[SYMBOL].mode is Mode.REDUCE_ONLY
    assert at.control.epoch == epoch + 1


def test_a_day_begins_with_its_first_look_and_its_loss_is_over_with_it() -> None:
    at = spot({"max_daily_loss_share": D("0.01")})
    at.tick()
    at.check()
    LOST(at)
    at.check()
    assert SYMBOL in at.control.restrictions
    at.clock.advance(86_400_000)
    at.slot_ms = at.clock.now_ms()
    at.venue.quote(SYMBOL, "1839.8", "1840.0")
    at.tick()
    at.check()
    assert at.control.restrictions == {}
    assert at.control.days[USDT].day == at.clock.now_ms() // 86_400_000


def test_the_factor_of_a_width_that_changes_nothing_is_no_caution() -> None:
    at = spot({"notional": BreachResponse.QUOTE_LONGER, "patience": ONE}, max_notional_quote=D(1))
    at.tick()
    at.check()
    assert only_market(at.tick()).situation.view is not None
    assert at.control.restrictions[SYMBOL].caution.rank == 0


# Accounts side by side (S16)


def test_accounts_tell_each_other_what_they_hold() -> None:
    at = together({})
    at.tick()
    report = at.check()
    assert "portfolio_notional" in report.unknown
    told = at.store.exposures()[ACCOUNT]
    assert (told.time_ms, told.notional_quote, told.unknown) == (at.clock.now_ms(), {USDT: D(9_500)}, frozenset())


def test_an_account_that_told_nothing_of_late_is_unknown_and_holds_what_is_in_force() -> None:  # R7
    at = together({OTHER: 800})
    at.tick()
    assert at.check().is_breached
    at.venue.quote(SYMBOL, "1819.9", "1820.1")
    at.clock.advance(301_000)
    at.slot_ms = at.clock.now_ms()
    at.tick()
    assert "portfolio_notional" in at.check().unknown
    assert at.control.restrictions[SYMBOL].caution == ONE_SIDED
    at.store.tell_exposure(Exposure(account=OTHER, time_ms=at.clock.now_ms(), notional_quote={}))
    at.check()
    assert at.control.restrictions == {}


def test_what_an_account_cannot_value_it_tells_as_unknown() -> None:  # R7
    at = together({OTHER: 1})
    at.tick()
    at.venue.faults.fail_always(BOOKS, Retryable("503"))
    at.check()
    assert at.store.exposures()[ACCOUNT].unknown == {USDT}


def test_others_that_cannot_be_read_are_unknown() -> None:  # R7
    at = together({OTHER: 1})
    at.tick()
    at.store.faults.fail_always("exposures", Retryable("timeout"))
    assert "portfolio_notional" in at.check().unknown


# When nothing is quoted (S10)


def traded(volume: str) -> Act:
    def act(at: Bench) -> None:
        day = DayVolume(symbol=SYMBOL, time_ms=at.clock.now_ms(), volume_base=ONE, volume_quote=D(volume))
        at.prices.save_day_volume(at.desk.settings.venue, day)

    return act


def why(at: Bench) -> tuple[NoQuotesReason, str]:
    desired = only_market(at.tick()).desired
    assert isinstance(desired, NoQuotes)
    return desired.reason, desired.detail


def test_a_market_in_which_too_little_is_traded_is_not_quoted() -> None:
    at = spot({}, min_day_volume_quote=D(1_000_000))
    assert why(at) == (NoQuotesReason.ILLIQUID, "what was traded in the last 24 h is not known")
    at.slot_ms += 60_000
    traded("999999")(at)
    assert why(at) == (NoQuotesReason.ILLIQUID, "999999 traded in 24 h, at least 1000000 is wanted")
    at.slot_ms += 60_000
    at.clock.set(at.slot_ms)
    traded("1000000")(at)
    at.tick()
    assert len(at.venue.live(SYMBOL)) == 2


@pytest.mark.parametrize("error", [Retryable("no answer"), Fatal("no such table")])
def test_a_day_that_cannot_be_read_ends_no_caution_and_is_unknown(error: MarketMakerError) -> None:  # R7
    at = spot({"max_cancel_ratio": D("0.3")})
    counted(placed=100, cancelled=40, cancelled_unfilled=31)(at)
    at.check()
    (caution,) = at.control.restrictions.values()
    counted(placed=100, cancelled=40, cancelled_unfilled=0)(at)
    at.store.faults.fail_once("hours", error)
    report = at.check()
    assert (report.answers, f"cancel_ratio#{SYMBOL}" in report.unknown) == ((), True)
    assert list(at.control.restrictions.values()) == [caution]
    assert at.alerts.kinds() == ["cancel_ratio"]
    at.check()
    assert at.control.restrictions == {}


def test_a_volume_that_is_an_hour_old_is_not_known() -> None:  # R7
    at = spot({}, min_day_volume_quote=D(1))
    traded("5")(at)
    at.tick()
    assert len(at.venue.live(SYMBOL)) == 2
    at.slot_ms += 3_600_000
    at.venue.quote(SYMBOL, "1899.8", "1900.2")
    assert why(at) == (NoQuotesReason.ILLIQUID, "what was traded in the last 24 h is not known")
    assert at.venue.live(SYMBOL) == ()


def test_nothing_is_quoted_during_an_event() -> None:
    event = Event(start_ms=SLOT_MS + 10_000, end_ms=SLOT_MS + 20_000)
    at = spot({}, events=(event,))
    at.tick()
    assert len(at.venue.live(SYMBOL)) == 2
    assert why(at) == (NoQuotesReason.EVENT, "an event is on for another 10 s")
    assert at.venue.live(SYMBOL) == ()
    assert why(at)[0] is NoQuotesReason.EVENT
    at.tick()
    assert len(at.venue.live(SYMBOL)) == 2
    assert at.alerts.sent == []


# No order may take a holding past its bound (S16, P4)


def resting(at: Bench, side: Side, symbol: Symbol = SYMBOL) -> Decimal:
    return sum((each.size_base for each in at.venue.live(symbol) if each.side is side), ZERO)


def test_no_bid_takes_a_market_past_its_bound() -> None:
    at = spot({"notional": BreachResponse.ALERT}, max_notional_quote=D(9_595))
    at.tick()
    assert (resting(at, Side.BUY), resting(at, Side.SELL)) == (D("0.05"), D("0.1"))
    NEAR(at)
    at.tick()
    assert (resting(at, Side.BUY), resting(at, Side.SELL)) == (ZERO, D("0.1"))


def test_no_order_takes_a_position_past_its_bound_on_either_side() -> None:
    bounded = replace(market(levels=1, max_base="50"), order_size_base=D(1), max_notional_quote=D(150))
    at = perp({"notional": BreachResponse.ALERT}, bounded)
    at.tick()
    assert (resting(at, Side.BUY, SOL), resting(at, Side.SELL, SOL)) == (D(1), D(1))
    (ask,) = [each for each in at.venue.live(SOL) if each.side is Side.SELL]
    at.venue.fill(ask)
    at.tick()
    assert at.state(SOL).inventory.base == D(-1)
    assert (resting(at, Side.BUY, SOL), resting(at, Side.SELL, SOL)) == (D(1), D("0.5"))


def two(bound: int) -> Bench:
    first = replace(market_settings(), capital_quote=CapitalAmount(amount=D(9_000)))
    second = replace(market_settings(symbol="XAUT/USDT", number=1), capital_quote=CapitalAmount(amount=D(9_000)))
    risk = RiskSettings(account_notional=BreachResponse.ALERT, max_notional_quote={USDT: D(bound)})
    return bench(
        replace(account_settings(first, second), risk=risk),
        instruments=[instrument(), instrument(symbol="XAUT/USDT", base="XAUT")],
        totals={PAXG: "2.5", USDT: "20000", "XAUT": "2.5"},
    )


def test_markets_of_one_quote_share_the_accounts_bound() -> None:
    at = two(9_595)
    at.tick(2)
    assert resting(at, Side.BUY) == resting(at, Side.BUY, Symbol("XAUT/USDT")) == D("0.05")
    at = two(9_499)
    at.tick(2)
    assert resting(at, Side.BUY) == resting(at, Side.BUY, Symbol("XAUT/USDT")) == ZERO
    assert resting(at, Side.SELL) == D("0.1")


def test_nothing_is_added_while_another_market_cannot_be_valued() -> None:  # R7
    at = two(50_000)
    at.tick(2)
    assert resting(at, Side.BUY) == D("0.1")
    at.venue.quote(Symbol("XAUT/USDT"), "1901", "1900")
    at.tick()
    assert (resting(at, Side.BUY), resting(at, Side.SELL)) == (ZERO, D("0.1"))


def test_a_position_of_another_market_that_is_unknown_lets_nothing_be_added() -> None:  # R7
    first, second = market(), replace(market(), symbol=Symbol("BTC/USDC:USDC"), number=1)
    rules = [
        instrument(
            symbol=each, base=each[:3], quote="USDC", lot_size="0.01", min_size_base="0.01", min_notional_quote="1"
        )
        for each in (SOL, "BTC/USDC:USDC")
    ]
    settings = replace(account_settings(first, second), risk=RiskSettings(max_notional_quote={USDC: D(500)}))
    at = bench(settings, instruments=rules, totals={USDC: "1000"})
    for each in settings.symbols:
        at.venue.quote(each, "99.99", "100.01")
        at.venue.perpetuals[each] = FakePerpetual(symbol=each)
    at.tick(2)
    assert resting(at, Side.BUY, SOL) == D("0.2")
    at.venue.unreported.add(Asset("BTC/USDC:USDC"))
    at.tick()
    assert resting(at, Side.BUY, SOL) == resting(at, Side.SELL, SOL) == ZERO


def test_a_market_whose_own_book_is_broken_is_left_to_its_guards() -> None:
    at = spot({}, max_notional_quote=D(9_600))
    at.tick()
    price("1901", "1900")(at)
    assert why(at)[0] is NoQuotesReason.BOOK_CROSSED
