"""Days, the last 24 hours, and the points of a programme, with figures worked out by hand (S8)."""

from dataclasses import replace
from decimal import Decimal

from marketmaker.domain.compliance import Metered, of_days, of_last_day, points_of
from marketmaker.domain.metering import DAY_MS, HOUR_MS, Counts, Hour

D = Decimal
MONDAY_MS = 1_700_438_400_000
GOOD = Counts(
    placed=100,
    rejected=5,
    cancelled=40,
    cancelled_unfilled=30,
    volume_quote=D(1000),
    maker_fees_quote=D("0.5"),
    maker_fee_volume_quote=D(1000),
    two_sided_ms=HOUR_MS,
)


def hour(start_ms: int, *, after_ms: int = 0, placed: int = 1, stood_ms: int = 0) -> Hour:
    counts = Counts(placed=placed, two_sided_ms=stood_ms)
    return Hour(start_ms=start_ms, since_ms=start_ms + after_ms, counts=counts)


def week(counts: Counts, days: int = 7) -> list[Metered]:
    starts = (MONDAY_MS + number * DAY_MS for number in range(days))
    return [Metered(from_ms=start_ms, to_ms=start_ms + DAY_MS, counts=counts) for start_ms in starts]


def test_nothing_counted_is_no_day() -> None:
    assert of_days([], MONDAY_MS) == []
    empty = of_last_day([], MONDAY_MS)
    assert (empty.counts, empty.two_sided_uptime) == (Counts(), None)


def test_a_day_is_from_its_first_tick_to_now_and_one_between_counts_though_nothing_came() -> None:
    now_ms = MONDAY_MS + 2 * DAY_MS + 6 * HOUR_MS
    hours = [
        hour(MONDAY_MS + 20 * HOUR_MS, after_ms=HOUR_MS // 2, stood_ms=HOUR_MS // 4),
        hour(MONDAY_MS + 21 * HOUR_MS, stood_ms=HOUR_MS),
        hour(MONDAY_MS + 2 * DAY_MS + 5 * HOUR_MS, stood_ms=HOUR_MS),
    ]
    monday, tuesday, today = of_days(hours, now_ms)
    assert (monday.from_ms, monday.to_ms) == (MONDAY_MS + 20 * HOUR_MS + HOUR_MS // 2, MONDAY_MS + DAY_MS)
    assert monday.two_sided_uptime == D(5) / D(14)  # 1.25 of 3.5 hours
    assert tuesday.counts == Counts()
    assert tuesday.two_sided_uptime == 0
    assert (today.from_ms, today.to_ms) == (MONDAY_MS + 2 * DAY_MS, now_ms)
    assert today.two_sided_uptime == D(1) / D(6)


def test_the_last_day_is_24_hours_the_running_one_with_them() -> None:
    now_ms = MONDAY_MS + DAY_MS + HOUR_MS // 2
    hours = [hour(MONDAY_MS + number * HOUR_MS, placed=number + 1) for number in range(25)]
    found = of_last_day(hours, now_ms)
    assert found.from_ms == MONDAY_MS + HOUR_MS
    assert found.counts.placed == sum(range(2, 26))
    late = of_last_day([hour(MONDAY_MS + 10 * HOUR_MS, after_ms=5)], now_ms)
    assert late.from_ms == MONDAY_MS + 10 * HOUR_MS + 5


def test_a_good_week_meets_every_point() -> None:
    points = points_of(week(GOOD), D(120_000))
    assert [(each.name, each.wanted, each.found, each.is_met) for each in points] == [
        ("days quoted", "at least 7", "7", True),
        ("order success", "at least 95.0%", "95.2%", True),
        ("cancel ratio", "at most 30.0%", "30.0%", True),
        ("account in USD", "at least 100000", "120000", True),
        ("maker fee in bps", "at most 5", "5", True),
    ]


def test_what_is_missed_is_said() -> None:
    bad = replace(GOOD, rejected=6, cancelled_unfilled=31, maker_fees_quote=D("0.501"))
    points = points_of(week(bad, days=6), D("99999.99"))
    assert [each.is_met for each in points] == [False] * 5
    assert [each.found for each in points] == ["6", "94.3%", "31.0%", "99999.99", "5.01"]


def test_what_nobody_can_tell_is_neither_met_nor_missed() -> None:
    points = points_of(week(Counts()), None)
    assert [each.is_met for each in points] == [False, None, None, None, None]
    assert [each.found for each in points[1:]] == ["unknown"] * 4
