"""What is recorded of a decision can be read back whole, stays small, and is refused where it is something else."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from marketmaker.adapters.telemetry import _to_json
from marketmaker.domain.deciding import Decision, Situation, decide
from marketmaker.domain.models import BreakEven, Placement, TouchRule
from marketmaker.domain.orders import Order, Side
from marketmaker.domain.pricing import SecondView, Touch
from marketmaker.domain.quoting import NoQuotes, Quote, Quotes
from marketmaker.domain.replacing import Cancel, CancelReason, Plan
from marketmaker.domain.statistics import Statistics, VolatilityLevel
from marketmaker.domain.units import VenueOrderId
from marketmaker.ports import Accepted, CancelOutcome, CancelResult
from marketmaker.usecases.act import HeldBack
from marketmaker.usecases.records import MAX_TEXT, RecordedDecision, read_decisions, shorten
from marketmaker.usecases.reports import MarketReport, TickOutcome, TickReport
from tests.builders import (
    ACCOUNT,
    SLOT_MS,
    TAG,
    book,
    identity,
    instrument,
    inventory,
    market_settings,
    market_view,
    new_order,
)
from tests.strategies import situations

D = Decimal


def written(report: MarketReport) -> dict[str, Any]:
    """Return a tick's line as it is read back from a log."""
    tick = TickReport(
        account=ACCOUNT, slot_ms=SLOT_MS, outcome=TickOutcome.DONE, config_hash="0123456789abcdef", markets=(report,)
    )
    line: dict[str, Any] = json.loads(_to_json(dict(tick.record(in_full=True))))
    return line


def read(report: MarketReport) -> RecordedDecision:
    (decision,) = read_decisions(written(report))
    return decision


@given(situations())
def test_what_a_decision_was_made_of_is_read_back_to_the_last_digit(situation: Situation) -> None:
    settings = market_settings(symbol=situation.instrument.symbol)
    recorded = read(MarketReport(situation=situation, decision=decide(situation, settings, TAG)))
    assert recorded.situation == situation
    assert (recorded.account, recorded.slot_ms, recorded.symbol) == (ACCOUNT, SLOT_MS, situation.instrument.symbol)
    assert decide(recorded.situation, settings, TAG) == decide(situation, settings, TAG)


@given(situations())
def test_what_was_decided_is_read_back(situation: Situation) -> None:
    decision = decide(situation, market_settings(symbol=situation.instrument.symbol), TAG)
    recorded = read(MarketReport(situation=situation, decision=decision))
    wanted = decision.desired.quotes if isinstance(decision.desired, Quotes) else ()
    assert recorded.quotes == wanted
    assert (recorded.no_quotes is not None) == isinstance(decision.desired, NoQuotes)
    live = situation.live
    assert [live[index] for index in recorded.kept] == list(decision.plan.keep)
    assert [(live[index], why) for index, why, _ in recorded.cancelled] == [
        (each.order, each.reason) for each in decision.plan.cancel
    ]
    assert list(recorded.placed) == [(quote.side, quote.level) for quote in decision.plan.place]


def test_a_held_back_create_says_why() -> None:
    situation = Situation(now_ms=SLOT_MS, instrument=instrument(), view=market_view())
    decision = decide(situation, market_settings(), TAG)
    recorded = read(MarketReport(situation=situation, decision=decision, held_back=HeldBack.MODE_CHANGED))
    assert recorded.outcomes == ("held_back", "held_back")
    assert recorded.held_back == "mode_changed"


def test_the_fullest_record_of_five_quotes_a_side_stays_below_two_kilobytes() -> None:
    steps = [(side, level) for side in Side for level in range(5)]
    view = market_view(
        market_book=book(
            bids=[(D("61234.56") - n, D("1.23456")) for n in range(5)],
            asks=[(D("61234.57") + n, D("0.98765")) for n in range(5)],
            update_id=58_123_456_789,
        )
    )
    view = replace(
        view,
        inventory=replace(view.inventory, opened_ms=SLOT_MS - 86_400_000),
        statistics=Statistics(
            until_ms=SLOT_MS - 60_000,
            sigma=0.0000123456,
            best_distance=0.000234567,
            intensity=1.23456,
            decay=23456.7,
            daily=VolatilityLevel.HIGH,
            intraday=VolatilityLevel.HIGH,
        ),
        second=SecondView(
            source=Touch(bid=D("0.0312345"), ask=D("0.0312346"), age_ms=1234),
            rate=Touch(bid=D("61234.56"), ask=D("61234.57"), age_ms=1234),
        ),
    )
    live = tuple(_resting(_quote(side, level, moved="0.35"), number) for number, (side, level) in enumerate(steps))
    quotes = tuple(_quote(side, level) for side, level in steps)
    situation = Situation(now_ms=SLOT_MS, instrument=instrument(), view=view, live=live)
    settings = replace(
        market_settings(),
        touch=TouchRule(placement=Placement.JOIN, ticks=0),
        break_even=BreakEven(max_age_ms=10**9, max_loss_share=D(1), averages=True),
    )
    lost = market_view(market_book=book(bids=[("1898.77", "1")]), owned=inventory(base="20", cost_quote="1950"))
    lost = replace(lost, inventory=replace(lost.inventory, opened_ms=SLOT_MS))
    desired = decide(Situation(now_ms=SLOT_MS, instrument=instrument(), view=lost), settings, TAG)
    assert isinstance(desired.desired, Quotes)
    plan = Plan(cancel=tuple(Cancel(order=each, reason=CancelReason.PRICE_MOVED) for each in live), place=quotes)
    report = MarketReport(
        situation=situation,
        decision=Decision(desired=replace(desired.desired, quotes=quotes), plan=plan),
        cancels=tuple((CancelOutcome(order=each, result=CancelResult.CANCELLED), False) for each in live),
        places=tuple(Accepted(order=each) for each in live),
    )
    (market,) = written(report)["markets"]
    assert [name for name, _, _ in market["stages"]] == ["half_spread", "inventory", "touch", "break_even", "grid"]
    assert len(json.dumps(market, separators=(",", ":"))) <= 2048


def _quote(side: Side, level: int, moved: str = "0") -> Quote:
    price = D("61234.56") - side.sign * (level + 1) * D("6.12") + D(moved)
    return Quote(side=side, level=level, price=price, size_base=D("0.00163"))


def _resting(quote: Quote, number: int) -> Order:
    new = replace(
        new_order(quote.side, quote.price, quote.size_base), client_id=identity(quote.side, level=quote.level).encode()
    )
    return new.resting(VenueOrderId(str(28_123_456_700 + number)), SLOT_MS - 5_250)


def test_a_long_explanation_is_cut_and_a_short_one_is_not() -> None:
    assert shorten("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert len(shorten("x" * (MAX_TEXT + 1))) == MAX_TEXT
    assert shorten("x" * 1000).endswith("x…")


def test_a_brief_record_holds_no_decision() -> None:
    assert read_decisions({"account": "main", "slot_ms": SLOT_MS, "outcome": "done", "kept": 2}) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"kept": None},
        {"grid": ["0.01", "0.0001"]},
        {"grid": ["0.01", "0.0001", "0.0001", "many"]},
        {"placed": [[7, "unknown"]]},
        {"live": [[1, 2]]},
        {"obstacle": ["weather", ""]},
    ],
)
def test_a_record_that_cannot_be_read_is_named(change: Mapping[str, Any]) -> None:
    situation = Situation(now_ms=SLOT_MS, instrument=instrument(), view=market_view())
    line = written(MarketReport(situation=situation, decision=decide(situation, market_settings(), TAG)))
    line["markets"][0] |= change
    with pytest.raises(ValueError, match=f"the record of slot {SLOT_MS} cannot be read"):
        read_decisions(line)
