"""What `mm status` writes of accounts as they stand: every kind of trouble is on it, and in red."""

from decimal import Decimal

import pytest
from rich.console import Console

from marketmaker.cli.documents import account_document
from marketmaker.cli.reports import account_parts
from marketmaker.cli.style import bps, clock_time, exact, figure, gain, moment, span
from marketmaker.cli.watching import repeat
from marketmaker.domain.orders import Side
from marketmaker.domain.state import Mode, Refreshed
from marketmaker.domain.units import Symbol
from marketmaker.errors import Retryable, StateUnreachable
from marketmaker.usecases.standing import describe
from marketmaker.usecases.standing_report import AccountStanding
from tests.builders import ACCOUNT, BNB, PAXG, SYMBOL, USDT, fee, foreign_order, instrument, order
from tests.fakes.desk import Bench, bench


def written(standing: AccountStanding, *, width: int = 200, colours: bool = False) -> str:
    console = Console(
        width=width, highlight=False, force_terminal=colours, color_system="standard" if colours else None
    )
    with console.capture() as capture:
        for part in account_parts(standing):
            console.print(part, soft_wrap=isinstance(part, str))
    return capture.get()


def shown(at: Bench) -> str:
    return written(describe(at.desk, at.deadline()))


def test_halted_account_shows_why_in_red_and_since_when() -> None:
    at = bench()
    at.store.strengthen(ACCOUNT, Mode.HALTED, reason="a [drill] (operator)", now_ms=at.clock.now_ms())
    at.clock.advance(130_000)
    standing = describe(at.desk, at.deadline())
    assert "main  halted (a [drill] (operator))  last tick never" in written(standing)
    assert "since 2023-11-14T22:13:20Z (2 min), epoch 1, lease free, binance, config 0123456789abcdef" in written(
        standing
    )
    assert "\x1b[31mhalted\x1b[0m" in written(standing, colours=True)


def test_resumed_account_shows_why_it_quotes() -> None:
    at = bench()
    at.store.strengthen(ACCOUNT, Mode.HALTED, reason="drill", now_ms=at.clock.now_ms())
    at.store.resume(ACCOUNT, reason="back (operator)", now_ms=at.clock.now_ms())
    assert "since 2023-11-14T22:13:20Z (0 s): back (operator), epoch 2" in shown(at)


def test_late_account_says_so_in_red() -> None:
    at = bench()
    at.tick()
    assert "late" not in shown(at)
    at.clock.advance(16_000)
    assert "\x1b[31m16 s ago, late" in written(describe(at.desk, at.deadline()), colours=True)


def test_lease_block_alert_and_restriction_are_shown() -> None:
    at = bench()
    at.tick()
    at.check()
    at.venue.quote(SYMBOL, "2000.9", "2001.1")
    at.check()
    now_ms = at.clock.now_ms()
    at.store.open_episode(ACCOUNT, "kind", text="what [happened]", now_ms=now_ms)
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 5_000, owner="first", now_ms=now_ms, lease_ms=20_000)
    refreshed = Refreshed(book_marks={}, differing={}, unreachable_ticks=0, blocked_until_ms=now_ms + 60_000)
    at.store.release(ACCOUNT, owner="first", refreshed=refreshed)
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 10_000, owner="second", now_ms=now_ms, lease_ms=20_000)
    text = shown(at)
    assert f"lease held by second to {moment(now_ms + 20_000)} (20 s)" in text
    assert f"blocked: the venue wants no requests but cancels, until {moment(now_ms + 60_000)}" in text
    assert f"alert: kind since {moment(now_ms)} (0 s): what [happened]" in text
    assert f"restricted: PAXG/USDT reduce_only for 0 s, since {moment(now_ms)}: fair price 2001 is outside" in text
    assert "USDT: peak equity 28500, drawdown 0.00%" in text


def test_ban_is_told_from_a_limit() -> None:
    at = bench()
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms, owner="first", now_ms=at.clock.now_ms(), lease_ms=20_000)
    until_ms = at.clock.now_ms() + 60_000
    refreshed = Refreshed(book_marks={}, differing={}, unreachable_ticks=0, blocked_until_ms=until_ms, is_banned=True)
    at.store.release(ACCOUNT, owner="first", refreshed=refreshed)
    assert "blocked: the venue bans us, cancels too, until " in shown(at)


def test_fees_that_cannot_be_priced_stand_beside_the_sum() -> None:  # R16
    at = bench(totals={PAXG: "5", USDT: "19000", BNB: "1"})
    at.tick()
    at.venue.trade_fee = fee("0.001", BNB)
    at.venue.fill(at.venue.only(Side.BUY), "0.05")
    at.venue.trade_fee = None
    at.venue.fill(at.venue.only(Side.BUY), "0.05")
    at.tick()
    assert "fees 0 and 0.001 BNB and unknown of 1 fill" in shown(at)


def test_ratio_outside_its_band_is_red() -> None:  # S2
    at = bench(totals={PAXG: "10", USDT: "9500"})
    at.tick()
    assert "\x1b[31mratio 66.7%, band 20% to 50%" in written(describe(at.desk, at.deadline()), colours=True)


def test_empty_side_is_none_and_orders_of_a_silent_venue_are_unknown() -> None:  # R7
    at = bench()
    at.venue.quote(SYMBOL, "", "1900.1")
    text = shown(at)
    assert "others none / 1900.1" in text
    assert "orders  none" in text
    at.venue.faults.fail_once("observe", Retryable("a [503]"))
    silent = shown(at)
    assert "the venue cannot be read: a [503]" in silent
    assert "orders of others on this login: unknown" in silent
    assert "orders  unknown" in silent


def test_without_its_state_an_account_shows_no_mode() -> None:  # R7
    at = bench()
    at.tick()
    at.store.faults.fail_once("read_account", StateUnreachable("no [table]"))
    text = shown(at)
    assert "main  mode unknown" in text
    assert "the state cannot be read: no [table]" in text
    assert "not opened" not in text
    assert "holds" not in text


def test_own_orders_in_markets_that_the_file_does_not_list_are_shown_apart() -> None:  # R3
    second = Symbol("XAUT/USDT")
    at = bench(
        instruments=(instrument(), instrument(symbol=second, base="XAUT")),
        totals={PAXG: "5", USDT: "19000", "XAUT": "5"},
    )
    at.venue.add_order(order(Side.BUY, "1890", symbol=second))
    at.venue.add_order(foreign_order(Side.BUY, "1700"))
    standing = describe(at.desk, at.deadline())
    text = written(standing)
    assert "orders of others on this login: 1" in text
    head, _, strays = text.partition("own orders in markets that the file does not list")
    assert "1890" not in head
    assert "orphan" in strays
    (listed,) = account_document(standing)["stray_orders"]
    assert (listed["symbol"], listed["distance_bps"]) == (second, None)


def test_tables_fold_to_the_width() -> None:
    at = bench()
    at.tick()
    lines = written(describe(at.desk, at.deadline()), width=60).splitlines()
    assert max(len(line) for line in lines if not line.startswith(("main", "  epoch"))) <= 60


def test_document_of_an_unknown_state_has_the_fields_of_a_known_one() -> None:
    at = bench()
    known = account_document(describe(at.desk, at.deadline()))
    at.store.faults.fail_once("read_account", StateUnreachable("no table"))
    unknown = account_document(describe(at.desk, at.deadline()))
    assert unknown.keys() == known.keys()
    assert {unknown[name] for name in ("mode", "epoch", "alerts", "is_late", "is_banned")} == {None}


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (-5, "0 s"),
        (119_999, "119 s"),
        (120_000, "2 min"),
        (7_199_999, "119 min"),
        (7_200_000, "2 h 0 min"),
        (172_799_999, "47 h 59 min"),
        (172_800_000, "2 d 0 h"),
        (1_000_000_000, "11 d 13 h"),
    ],
)
def test_durations_have_at_most_two_units(milliseconds: int, text: str) -> None:
    assert span(milliseconds) == text


def test_moments_are_iso_in_utc() -> None:
    assert moment(1_700_000_000_123) == "2023-11-14T22:13:20Z"
    assert moment(1_700_000_000_123, to_ms=True) == "2023-11-14T22:13:20.123Z"
    assert clock_time(1_700_000_000_000, 1_700_000_001_000) == "22:13:20Z"
    assert clock_time(1_700_000_000_000, 1_700_100_000_000) == "2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("value", "as_exact", "as_figure", "as_gain"),
    [
        (None, "unknown", "unknown", "unknown"),
        ("0", "0", "0", "0"),
        ("-1e-10", "-0.0000000001", "0", "0"),
        ("1E+3", "1000", "1000", "[green]+1000[/green]"),
        ("-0.5", "-0.5", "-0.5", "[red]-0.5[/red]"),
        ("123456789012345678.123456789", "123456789012345678.123456789", "123456789012345678.123456789", None),
    ],
)
def test_amounts_are_plain_digits(value: str | None, as_exact: str, as_figure: str, as_gain: str | None) -> None:
    amount = None if value is None else Decimal(value)
    assert (exact(amount), figure(amount)) == (as_exact, as_figure)
    if as_gain is not None:
        assert gain(amount) == as_gain


def test_distances_are_signed() -> None:
    assert (bps(Decimal("3.14")), bps(Decimal("-0.26")), bps(None)) == ("+3.1", "-0.3", "unknown")


def test_watching_ends_without_an_error_when_it_is_interrupted() -> None:
    times = []

    def once() -> None:
        times.append(1)
        if len(times) == 2:
            raise KeyboardInterrupt

    repeat(once, 0)
    assert len(times) == 2
