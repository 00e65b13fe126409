"""An operator resumes an account and asks how it stands."""

from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.domain.state import Mode
from marketmaker.errors import AccountRefused, Retryable
from marketmaker.ports import HaltRequest, Severity
from marketmaker.usecases.halt import halt
from marketmaker.usecases.operate import ResumeRequest, describe, resume
from marketmaker.usecases.reports import TickOutcome
from tests.builders import ACCOUNT, BNB, PAXG, SYMBOL, USDT, fee
from tests.fakes.desk import bench
from tests.fakes.venue import BOOKS

REQUEST = ResumeRequest(account=ACCOUNT, reason="drill over", requested_by="operator")


def test_resumed_account_quotes_at_the_next_tick() -> None:  # S11
    at = bench()
    at.store.strengthen(ACCOUNT, Mode.HALTED, reason="drill", now_ms=at.clock.now_ms())
    control = resume(REQUEST, at.desk)
    assert (control.mode, control.epoch, control.mode_reason) == (Mode.QUOTING, 2, "drill over (operator)")
    assert at.tick().outcome is TickOutcome.DONE
    assert len(at.venue.live()) == 2
    assert [(each.kind, each.severity) for each in at.alerts.sent] == [("resume", Severity.INFO)]
    assert at.telemetry.lines[0] == ("resume", {"account": ACCOUNT, "reason": "drill over (operator)", "epoch": 2})


def test_resume_after_a_refused_account_lets_the_next_refusal_alert_again() -> None:  # R26, R27
    at = bench()
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    at.tick()
    resume(REQUEST, at.desk)
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    at.tick()
    assert at.alerts.kinds() == ["account_refused", "resume", "account_refused"]


def test_description_values_the_market_at_the_mid() -> None:
    at = bench(totals={PAXG: "5", USDT: "19000", BNB: "1"})
    at.tick()
    at.venue.trade_fee = fee("0.001", BNB)
    at.venue.fill(at.venue.only(Side.BUY))
    at.tick()
    at.clock.advance(2_000)
    described = describe(at.desk, at.deadline())
    (market,) = described["markets"]
    assert described["mode"] == "quoting"
    assert described["last_tick_age_s"] == 2.0
    assert described["lease_owner"] is None
    assert described["venue_problem"] is None
    assert market["mark"] == 1900
    assert market["base"] == Decimal("5.1")
    assert market["unrealised_quote"] == Decimal("0.05")
    assert market["fees_unpriced"] == [(BNB, Decimal("0.001"))]
    assert [side for side, _, _ in market["orders"]] == [Side.SELL, Side.BUY]


def test_description_names_who_works_the_account_and_what_is_unknown() -> None:
    at = bench()
    at.venue.lose_next_request()
    at.tick()
    at.store.claim(ACCOUNT, slot_ms=at.slot_ms + 1_000, owner="tick", now_ms=at.clock.now_ms(), lease_ms=20_000)
    described = describe(at.desk, at.deadline())
    assert described["lease_owner"] == "tick"
    assert len(described["markets"][0]["unresolved"]) == 1
    at.clock.advance(20_000)
    assert describe(at.desk, at.deadline())["lease_owner"] is None


def test_description_without_the_venue_has_no_prices_and_says_why() -> None:  # R7
    at = bench()
    at.tick()
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    described = describe(at.desk, at.deadline())
    (market,) = described["markets"]
    assert described["venue_problem"] == "invalid API key"
    assert (market["mark"], market["ratio"], market["unrealised_quote"]) == (None, None, None)
    assert market["base"] == 5


def test_description_with_an_unknown_book_says_why() -> None:  # R7
    at = bench()
    at.tick()
    at.venue.faults.fail_once(BOOKS, Retryable("503"))
    described = describe(at.desk, at.deadline())
    assert described["venue_problem"] == "503"
    assert described["markets"][0]["mark"] is None


def test_description_of_a_one_sided_book_has_no_price() -> None:  # R11
    at = bench()
    at.tick()
    at.venue.cancel(at.venue.live(), at.deadline())
    at.venue.quote(SYMBOL, "", "1900.1")
    assert describe(at.desk, at.deadline())["markets"][0]["mark"] is None


def test_description_of_an_account_that_never_ticked() -> None:
    at = bench()
    described = describe(at.desk, at.deadline())
    assert described["last_tick_age_s"] is None
    assert described["markets"] == [{"symbol": SYMBOL, "opened": False}]


def test_description_lists_open_alerts() -> None:
    at = bench()
    at.tick()
    at.venue.quote(SYMBOL, "2100", "2100.2")
    at.tick()
    assert describe(at.desk, at.deadline())["episodes"] == [f"price_band#{SYMBOL}"]


def test_description_lists_alerts_and_not_the_halt_messages_that_were_told() -> None:
    at = bench()
    at.tick()
    halt(HaltRequest(account=ACCOUNT, reason="drill", requested_by="x", delivery="message"), at.desk, at.deadline())
    assert describe(at.desk, at.deadline())["episodes"] == []


def test_description_names_restricted_markets_and_why() -> None:
    at = bench()
    at.tick()
    assert describe(at.desk, at.deadline())["restrictions"] == []
    at.venue.quote(SYMBOL, "2000.9", "2001.1")
    at.check()
    at.clock.advance(61_000)
    assert describe(at.desk, at.deadline())["restrictions"] == [
        {"symbol": SYMBOL, "mode": "cancel_only", "reason": "fair price 2001 is outside [1800, 2000]", "age_s": 61.0}
    ]


def test_description_compares_the_equity_with_its_peak() -> None:  # R6
    at = bench()
    assert describe(at.desk, at.deadline())["drawdowns"] == []
    at.tick()
    at.check()
    at.venue.quote(SYMBOL, "1899.4", "1899.6")
    at.tick()
    (found,) = describe(at.desk, at.deadline())["drawdowns"]
    assert (found["asset"], found["peak_equity_quote"]) == (USDT, Decimal(28_500))
    assert found["drawdown_share"] == Decimal("2.5") / Decimal(28_500)


def test_drawdown_without_prices_is_unknown() -> None:  # R7
    at = bench()
    at.tick()
    at.check()
    at.venue.faults.fail_once("observe", AccountRefused("invalid API key"))
    (found,) = describe(at.desk, at.deadline())["drawdowns"]
    assert (found["peak_equity_quote"], found["drawdown_share"]) == (Decimal(28_500), None)
