"""What backtests stand on, in memory: bounded however long they are; the contract suites look at the rest."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import fields, replace

import pytest

from marketmaker.adapters.dynamodb import calibrations
from marketmaker.adapters.dynamodb import prices as table
from marketmaker.adapters.memory import (
    AtOnce,
    CountingAlerts,
    CountingTelemetry,
    DeployedOnly,
    InMemoryPrices,
    InMemoryStore,
)
from marketmaker.adapters.memory.prices import KLINES_KEPT_MS, VARIANCES_KEPT_MS
from marketmaker.adapters.memory.series import Series
from marketmaker.domain.klines import MINUTE_MS, KlineMinute
from marketmaker.domain.metering import HOUR_MS
from marketmaker.errors import Retryable
from marketmaker.ports import Alert, SettingsText, Severity, Unknown
from tests.builders import ACCOUNT, SLOT_MS, SYMBOL, account_settings, kline
from tests.fakes.desk import Bench, FaultyStore, bench

LONG, LONGER = 1_000, 5_000
START_MS = SLOT_MS - SLOT_MS % MINUTE_MS


# --- a run does not grow (R24) ---------------------------------------------------------------------------------------


def tick_busily(at: Bench, count: int) -> None:
    """Work slots in which orders fill, move with the market, and now and then everything is out of its band."""
    for number in range(count):
        live = at.venue.live()
        if number % 5 == 0 and live:
            at.venue.fill(live[number // 5 % len(live)], "0.002")
        mid = 3000 if number % 250 == 100 else 1900 + number % 4
        at.venue.quote(SYMBOL, f"{mid - 0.1:.1f}", f"{mid + 0.1:.1f}")
        at.tick()
        at.venue.orders = {each.venue_id: each for each in at.venue.live()}
        at.venue.calls.clear()


def sizes(at: Bench) -> dict[str, int]:
    """Measure everything that the desk's parts in memory keep, but the ledger and the finished hours."""
    partition = at.store._partitions[ACCOUNT]
    records = {"ledgers", "hours"}
    kept = {each.name: getattr(partition, each.name) for each in fields(partition) if each.name not in records}
    assert isinstance(at.desk.telemetry, CountingTelemetry)
    return {name: len(repr(value)) for name, value in {**kept, "telemetry": at.desk.telemetry}.items()}


def test_a_longer_run_keeps_no_more_than_its_fills_and_its_hours() -> None:  # R24
    at = bench()
    alerts = CountingAlerts()
    at.desk = replace(at.desk, telemetry=CountingTelemetry(), alerts=alerts)
    tick_busily(at, LONG)
    early, fills = sizes(at), len(at.fills())
    tick_busily(at, LONGER - LONG)
    late = sizes(at)
    assert alerts.kinds["price_band"] == 2 * LONGER // 250  # each told when it starts and when it ends
    assert len(at.fills()) > 4 * fills > 0
    digits = 60  # counts and versions gain some
    assert {name: size for name, size in late.items() if size > early[name] + digits} == {}
    assert list(at.store._partitions) == [ACCOUNT]
    worked_ms = LONGER * at.desk.settings.clocks.interval_ms
    assert len(at.store._partitions[ACCOUNT].hours[SYMBOL]) <= worked_ms // HOUR_MS + 1


def test_a_ledger_that_keeps_its_newest_fills_alone_books_the_same() -> None:
    at, short = bench(), bench()
    short.store = FaultyStore(fills_kept=30)
    short.desk = replace(short.desk, store=short.store)
    for each in (at, short):
        tick_busily(each, LONG)
    every, kept = at.fills(), short.fills()
    assert 30 <= len(kept) <= 60 < len(every)
    assert kept == every[-len(kept) :]
    assert short.state().inventory == at.state().inventory
    assert short.store.opening(ACCOUNT, SYMBOL) is not None


def test_minutes_and_variances_are_kept_as_long_as_in_the_table() -> None:
    assert KLINES_KEPT_MS == table.KLINES_KEPT_S * 1000
    assert VARIANCES_KEPT_MS == calibrations.VARIANCES_KEPT_S * 1000


def test_minutes_expire() -> None:
    prices = InMemoryPrices()
    kept_minutes = KLINES_KEPT_MS // MINUTE_MS
    for number in (0, 1, kept_minutes, kept_minutes + 1):
        start_ms = START_MS + number * MINUTE_MS
        prices.save_klines("binance", SYMBOL, KlineMinute(start_ms=start_ms, klines=(kline(start_ms),)))
    found = prices.klines("binance", SYMBOL, 0, START_MS + 2 * KLINES_KEPT_MS)
    assert [(each.open_ms - START_MS) // MINUTE_MS for each in found] == [1, kept_minutes, kept_minutes + 1]


def test_variances_expire() -> None:
    prices = InMemoryPrices()
    prices.save_variances("binance", SYMBOL, {0: 1e-7, 600_000: None})
    prices.save_variances("binance", SYMBOL, {VARIANCES_KEPT_MS + 600_000: 2e-7})
    found = prices.variances("binance", SYMBOL, 0, 2 * VARIANCES_KEPT_MS)
    assert found == {600_000: None, VARIANCES_KEPT_MS + 600_000: 2e-7}


def test_what_comes_too_late_to_be_kept_is_not() -> None:
    series: Series[str] = Series(100)
    for start_ms in (200, 99, 100):
        series.keep(start_ms, f"at {start_ms}")
    assert series.newest_ms == 200
    assert list(series.between(0, 200)) == [(100, "at 100")]


# --- at once ---------------------------------------------------------------------------------------------------------


def test_what_is_submitted_is_done_before_submit_returns() -> None:
    done: list[int] = []
    answer = AtOnce().submit(done.append, 5)
    assert done == [5]
    assert (answer.done(), answer.running(), answer.cancel(), answer.cancelled()) == (True, False, False, False)
    assert (answer.result(timeout=0), answer.exception()) == (None, None)


def test_a_failure_is_raised_where_the_answer_is_asked_for() -> None:
    def fail() -> None:
        raise Retryable("no answer")

    answer = AtOnce().submit(fail)
    assert isinstance(answer.exception(), Retryable)
    with pytest.raises(Retryable, match="no answer"):
        answer.result()


@pytest.mark.parametrize("work", [lambda: 7, lambda: 1 // 0], ids=["done", "failed"])
def test_a_callback_is_called_at_once(work: Callable[[], int]) -> None:
    called: list[Future[int]] = []
    answer = AtOnce().submit(work)
    answer.add_done_callback(called.append)
    assert called == [answer]


# --- settings and sinks ----------------------------------------------------------------------------------------------


def test_the_deployed_file_alone_was_ever_kept() -> None:
    settings = account_settings()
    text = SettingsText(version=settings.config_hash, text="its text")
    versions = DeployedOnly(deployed=text, settings=settings)
    assert versions.deployed == text
    assert versions.read(settings.config_hash) is settings
    assert isinstance(versions.read("another"), Unknown)


@pytest.mark.parametrize("keeps_records", [False, True])
def test_telemetry_adds_up_and_keeps_lines_where_asked_for(keeps_records: bool) -> None:
    telemetry = CountingTelemetry(keeps_records=keeps_records)
    for number in range(3):
        telemetry.record("tick", {"number": number})
        telemetry.count(ACCOUNT, {"orders_placed": number, "cancels_failed": 0})
    telemetry.flush()
    assert telemetry.events == {"tick": 3}
    assert telemetry.counts == {"orders_placed": 3}
    assert telemetry.records == ([("tick", {"number": number}) for number in range(3)] if keeps_records else [])


@pytest.mark.parametrize("keeps_records", [False, True])
def test_a_line_that_nobody_keeps_is_counted_without_being_described(keeps_records: bool) -> None:
    telemetry, described = CountingTelemetry(keeps_records=keeps_records), []

    def describe() -> dict[str, int]:
        described.append(1)
        return {"number": 1}

    telemetry.record_lazily("tick", describe)
    assert telemetry.events == {"tick": 1}
    assert telemetry.records == ([("tick", {"number": 1})] if keeps_records else [])
    assert len(described) == keeps_records


def test_alerts_are_counted_by_kind() -> None:
    alerts = CountingAlerts()
    for kind in ("price_band", "stale_book", "price_band"):
        alerts.send(Alert(account=ACCOUNT, kind=kind, severity=Severity.INFO, text="told"))
    assert alerts.kinds == {"price_band": 2, "stale_book": 1}


def test_the_store_under_an_owner_is_the_same_store() -> None:
    store = InMemoryStore()
    store.under("a").save_settings(ACCOUNT, "v1", "its text")
    assert store.settings(ACCOUNT, "v1") == "its text"
