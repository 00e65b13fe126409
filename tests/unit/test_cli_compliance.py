"""What `mm compliance` writes of what ticks counted: days, the last 24 hours, and how each point stands."""

import json
from dataclasses import replace
from decimal import Decimal

from rich.console import Console

from marketmaker.bootstrap.terminal import plain_values
from marketmaker.cli.compliance import compliance_document, compliance_parts
from marketmaker.domain.metering import HOUR_MS, Counts, Hour, Meter
from marketmaker.usecases.compliance import MarketCompliance, read_compliance
from tests.builders import ACCOUNT, SYMBOL
from tests.fakes.desk import Bench, bench

D = Decimal
QUOTED = Counts(
    placed=40,
    rejected=10,
    cancelled=16,
    cancelled_unfilled=12,
    fills=4,
    taker_fills=1,
    volume_quote=D(800),
    taker_volume_quote=D(200),
    two_sided_ms=HOUR_MS // 2,
    spread_bps_ms=D(5) * (HOUR_MS // 2),
    depth_quote_ms=D(190) * (HOUR_MS // 2),
)


def counted(at: Bench) -> MarketCompliance:
    (found,) = read_compliance(at.desk, [SYMBOL], days=7)
    return found


def after_an_hour() -> Bench:
    """Return a desk whose last whole hour was counted."""
    at = bench()
    start_ms = at.clock.now_ms() // HOUR_MS * HOUR_MS - HOUR_MS
    at.store.keep_hour(ACCOUNT, SYMBOL, Hour(start_ms=start_ms, since_ms=start_ms, counts=QUOTED))
    at.clock.advance(start_ms + 2 * HOUR_MS - at.clock.now_ms())
    return at


def written(market: MarketCompliance, *, colours: bool = False) -> str:
    console = Console(width=200, highlight=False, force_terminal=colours, color_system="standard" if colours else None)
    with console.capture() as capture:
        for part in compliance_parts(market):
            console.print(part, soft_wrap=isinstance(part, str))
    return capture.get()


def line_of(text: str, name: str) -> list[str]:
    (line,) = [each for each in text.splitlines() if each.lstrip().startswith(name)]
    return line.split()


def test_a_day_shows_the_ratios_and_what_stood() -> None:
    figures = ["40", "30.0%", "80.0%", "25.0%", "5.00", "190.00", "4", "25.0%"]
    text = written(counted(after_an_hour()))
    assert line_of(text, "2023-11-14") == ["2023-11-14", *figures], "half of the first of two hours: a quarter of both"
    assert line_of(text, "last 24 h") == ["last", "24", "h", *figures]


def test_each_point_is_met_or_not_or_unknown_in_its_colour() -> None:
    text = written(counted(after_an_hour()), colours=True)
    assert "\x1b[32mmet\x1b[0m" in text
    plain = written(counted(after_an_hour()))
    assert line_of(plain, "cancel ratio")[2:] == ["met", "30.0%", "at", "most", "30.0%"]
    assert line_of(plain, "order success")[2:] == ["not", "met", "80.0%", "at", "least", "95.0%"]
    assert line_of(plain, "account in USD")[3:5] == ["unknown", "unknown"]


def test_a_market_without_ticks_says_so_and_knows_no_ratio() -> None:
    text = written(counted(bench()))
    assert "main PAXG/USDT  nothing was counted yet" in text
    assert line_of(text, "order success")[2:4] == ["unknown", "unknown"]
    assert "last 24 h" not in text


def test_hours_without_both_sides_know_no_spread_and_no_depth() -> None:
    at = bench()
    now_ms = at.clock.now_ms()
    at.store.keep_hour(ACCOUNT, SYMBOL, replace(Meter.start(now_ms).hour, counts=Counts(placed=1)))
    at.clock.advance(60_000)
    found = line_of(written(counted(at)), "2023-11-14")
    assert found[1:] == ["1", "0.0%", "100.0%", "0.0%", "unknown", "unknown", "0", "unknown"]


def test_programs_get_exact_figures_and_null_for_unknown() -> None:
    told = json.loads(json.dumps(plain_values([compliance_document(counted(after_an_hour()))])))
    (market,) = told
    (day,) = market["days"]
    assert (market["account"], market["symbol"]) == ("main", "PAXG/USDT")
    assert (day["cancel_ratio"], day["two_sided_uptime"], day["spread_bps"]) == ("0.3", "0.25", "5")
    assert day["counts"]["placed"] == 40
    assert day["maker_fee_bps"] is None
    assert {each["name"]: each["is_met"] for each in market["points"]}["account in USD"] is None
    assert set(market) == {"account", "symbol", "last_day", "days", "points"}
