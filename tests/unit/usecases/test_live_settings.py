"""Settings that change while the account is worked: from the next tick on, as a whole, or not at all (R28)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketmaker.domain.accounts import AccountSettings, BreachResponse, RiskSettings
from marketmaker.domain.distances import QuoteDistance
from marketmaker.domain.markets import AbsoluteBand, MarketSettings
from marketmaker.domain.models import FairPriceModel
from marketmaker.domain.orders import Side
from marketmaker.domain.state import ActiveSettings, Episode
from marketmaker.errors import Refused, Retryable
from marketmaker.ports import HaltRequest, Severity, Unknown
from marketmaker.usecases.act import HeldBack
from marketmaker.usecases.halt import halt
from marketmaker.usecases.reports import TickOutcome
from tests.builders import SYMBOL, account_settings, market_settings
from tests.fakes.desk import Bench, bench, only_market
from tests.fakes.settings import FakeVersions

DEPLOYED = account_settings().config_hash
NARROW, WIDE = "narrow", "wide"


def half_spread(quote: str, version: str) -> AccountSettings:
    market = market_settings(half_spread=QuoteDistance(quote=Decimal(quote)))
    return replace(account_settings(market), config_hash=version)


def versions(at: Bench) -> FakeVersions:
    assert isinstance(at.desk.versions, FakeVersions)
    return at.desk.versions


def quoting() -> Bench:
    at = bench()
    versions(at).known.update({NARROW: half_spread("0.3", NARROW), WIDE: half_spread("2", WIDE)})
    at.tick()
    return at


def activate(at: Bench, version: str, *, base: str = DEPLOYED, previous: str = DEPLOYED) -> None:
    active = ActiveSettings(
        version=version, base=base, previous=previous, since_ms=at.clock.now_ms(), reason="narrower (operator)"
    )
    at.store.activate_settings(at.account, active, epoch=at.control.epoch)


def bid(at: Bench) -> Decimal:
    (price,) = (each.price for each in at.venue.live() if each.side is Side.BUY)
    return price


def rejection(at: Bench) -> Episode | None:
    return at.store.read_account(at.account).episodes.get("settings_rejected")


def test_first_tick_keeps_the_deployed_file_and_later_ones_ask_for_nothing() -> None:  # R12
    at = bench()
    at.tick()
    assert at.control.deployed == DEPLOYED
    assert at.store.settings(at.account, DEPLOYED) == f"the file {DEPLOYED}"
    for call in ("save_settings", "note_deployed"):
        at.store.faults.fail_always(call, ZeroDivisionError("asked again"))
    assert at.tick(3).outcome is TickOutcome.DONE
    assert versions(at).asked == []


@pytest.mark.parametrize("error", [Retryable("no answer"), Refused("too large")])
@pytest.mark.parametrize("call", ["save_settings", "note_deployed"])
def test_tick_works_although_the_file_cannot_be_kept_and_a_later_one_keeps_it(call: str, error: Exception) -> None:
    at = bench()
    at.store.faults.fail_once(call, error)
    assert at.tick().outcome is TickOutcome.DONE
    assert ("settings_not_kept", {"version": DEPLOYED, "reason": str(error)}) in at.telemetry.lines
    assert at.control.deployed is None
    at.tick()
    assert at.control.deployed == DEPLOYED


def test_applied_settings_rule_from_the_next_tick_on_and_its_record_names_them() -> None:  # R28, R12
    at = quoting()
    assert bid(at) == Decimal("1899.5")
    activate(at, NARROW)
    report = at.tick()
    assert (bid(at), report.config_hash) == (Decimal("1899.7"), NARROW)
    assert at.telemetry.lines[-1][1]["config"] == NARROW
    assert at.tick().config_hash == NARROW


def test_tick_under_way_creates_nothing_once_settings_were_applied() -> None:  # R28
    at = quoting()
    at.venue.quote(SYMBOL, "1909.9", "1910.1")
    at.store.faults.before("read_control", lambda: activate(at, NARROW))
    report = at.tick()
    assert (report.config_hash, only_market(report).held_back) == (DEPLOYED, HeldBack.MODE_CHANGED)
    at.tick()
    assert bid(at) == Decimal("1909.7")


def test_newly_deployed_file_rules_over_what_was_applied_to_an_older_one() -> None:  # R28
    at = quoting()
    activate(at, NARROW, base="older file")
    assert (at.tick().config_hash, bid(at)) == (DEPLOYED, Decimal("1899.5"))
    assert rejection(at) is None


def test_applying_the_deployed_file_itself_ends_what_was_applied() -> None:
    at = quoting()
    activate(at, NARROW)
    at.tick()
    activate(at, DEPLOYED)
    assert (at.tick().config_hash, bid(at)) == (DEPLOYED, Decimal("1899.5"))


def test_unusable_settings_change_nothing_and_are_told_once() -> None:  # R28, R12
    at = quoting()
    activate(at, "broken")
    reports = [at.tick() for _ in range(3)]
    assert [(each.outcome, each.config_hash) for each in reports] == [(TickOutcome.DONE, DEPLOYED)] * 3
    assert bid(at) == Decimal("1899.5")
    assert at.alerts.kinds() == ["settings_rejected"]
    (alert,) = at.alerts.sent
    assert alert.severity is Severity.CRITICAL
    assert alert.text == (
        f"{at.account}: settings broken cannot be used: nobody kept the settings broken. Settings {DEPLOYED} stay in "
        "force; apply others, or `mm config revert`"
    )


def test_what_was_in_force_before_unusable_settings_stays_in_every_process() -> None:  # R28
    at = quoting()
    activate(at, "broken", previous=NARROW)
    report = at.tick()
    assert (report.config_hash, bid(at)) == (NARROW, Decimal("1899.7"))
    told = rejection(at)
    assert told is not None
    assert f"Settings {NARROW} stay in force" in told.text
    cold = replace(at, desk=replace(at.desk, versions=replace(versions(at), asked=[])))
    assert cold.tick().config_hash == NARROW


def test_deployed_file_rules_where_neither_version_can_be_used() -> None:
    at = quoting()
    activate(at, "broken", previous="broken too")
    assert (at.tick().config_hash, bid(at)) == (DEPLOYED, Decimal("1899.5"))


def test_rejection_is_over_once_usable_settings_are_applied() -> None:  # R27
    at = quoting()
    activate(at, "broken")
    at.tick()
    activate(at, NARROW)
    at.tick()
    assert rejection(at) is None
    assert [(each.kind, each.severity) for each in at.alerts.sent] == [
        ("settings_rejected", Severity.CRITICAL),
        ("settings_rejected", Severity.INFO),
    ]
    assert "the settings that were applied last are in force" in at.alerts.sent[-1].text


def test_settings_that_cannot_be_read_for_a_moment_rule_once_they_can() -> None:
    at = quoting()
    activate(at, WIDE)
    known = versions(at).known
    read, known[WIDE] = known[WIDE], Unknown(reason="they cannot be read: no answer")
    assert at.tick().config_hash == DEPLOYED
    known[WIDE] = read
    assert (at.tick().config_hash, bid(at)) == (WIDE, Decimal("1898.0"))


# The second look and the halt


def judged(at: Bench, market: MarketSettings, risk: RiskSettings) -> None:
    """Apply settings with this market and these limits."""
    versions(at).known["stricter"] = replace(account_settings(market), risk=risk, config_hash="stricter")
    activate(at, "stricter")


def test_risk_is_judged_by_the_settings_in_force() -> None:  # R28
    at = quoting()
    assert at.check().config_hash == DEPLOYED
    narrow_band = market_settings(price_band=AbsoluteBand(low=Decimal(1800), high=Decimal(1850)))
    judged(at, narrow_band, RiskSettings(price_band=BreachResponse.HALT))
    report = at.check()
    assert report.config_hash == "stricter"
    assert report.halt_requested
    assert at.venue.live() == ()


@pytest.mark.parametrize(("last", "is_broken"), [("1900", False), ("2100", True)])
def test_risk_reads_the_last_price_where_only_applied_settings_judge_by_it(last: str, is_broken: bool) -> None:
    at = quoting()
    at.venue.last_prices[SYMBOL] = Decimal(last)
    judged(at, market_settings(fair_price=FairPriceModel.LAST), RiskSettings())
    report = at.check()
    assert (report.is_breached, report.unknown) == (is_broken, ())


def test_limit_is_unknown_where_the_last_price_cannot_be_read() -> None:  # R7
    at = quoting()
    judged(at, market_settings(fair_price=FairPriceModel.LAST), RiskSettings())

    def fail_next() -> None:
        at.venue.faults.fail_once("observe", Retryable("no answer"))

    at.venue.faults.before("observe", fail_next)
    report = at.check()
    assert not report.is_breached
    assert report.unknown


def test_risk_check_without_the_state_judges_by_the_deployed_file() -> None:  # R34
    at = quoting()
    activate(at, NARROW)
    at.store.faults.fail_always("read_account", Retryable("no answer"))
    assert at.check().config_hash == DEPLOYED


def test_halt_settles_by_the_settings_in_force() -> None:
    at = quoting()
    activate(at, NARROW)
    versions(at).asked.clear()
    request = HaltRequest(account=at.account, reason="drill", requested_by="operator")
    assert halt(request, at.desk, at.deadline()).ledger_settled
    assert versions(at).asked == [NARROW]


def test_halt_needs_no_settings_but_the_deployed_ones() -> None:  # R34
    at = quoting()
    activate(at, "broken")
    report = halt(HaltRequest(account=at.account, reason="drill", requested_by="operator"), at.desk, at.deadline())
    assert (report.orders_left, report.ledger_settled) == (0, True)
