"""A recorded decision made again: the same from the same settings, and told apart where it is not."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.adapters.telemetry import _to_json
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.markets import AbsoluteBand
from marketmaker.domain.models import FairPriceModel
from marketmaker.domain.orders import Side
from marketmaker.errors import Refused, Retryable
from marketmaker.ports import RejectionKind
from marketmaker.usecases.explain import Explanation, explain
from marketmaker.usecases.records import RecordedDecision, read_decisions
from marketmaker.usecases.replay import replay
from marketmaker.usecases.reports import TickReport
from tests.builders import (
    SYMBOL,
    account_settings,
    both_sides_band,
    fees,
    market_settings,
    shift_band,
)
from tests.fakes.desk import Bench, bench
from tests.fakes.venue import BOOKS


def recorded(report: TickReport) -> RecordedDecision:
    """Return the first decision as it is read back from a log."""
    line: dict[str, Any] = json.loads(_to_json(dict(report.record(in_full=True))))
    return read_decisions(line)[0]


def explained(at: Bench, report: TickReport) -> Explanation:
    return explain(replay(recorded(report), at.desk.settings))


def narrower(at: Bench) -> AccountSettings:
    (market,) = at.desk.settings.markets
    return replace(at.desk.settings, markets=(replace(market, half_spread=QuoteDistance(quote=Decimal("0.3"))),))


def why(explanation: Explanation) -> dict[str, str]:
    return {stage.name: stage.why for stage in explanation.stages}


def test_the_same_settings_decide_the_same() -> None:
    at = bench()
    first = recorded(at.tick())
    at.venue.fill(at.venue.only(Side.BUY), "0.04")
    at.venue.quote(SYMBOL, "1901", "1901.2")
    for decision in (first, recorded(at.tick()), recorded(at.tick())):
        assert replay(decision, at.desk.settings).differences == ()


def test_other_settings_are_told_apart_by_what_they_would_have_done() -> None:
    at = bench()
    at.tick()
    differences = replay(recorded(at.tick()), narrower(at)).differences
    assert differences == (
        "quotes: recorded buy 0 0.1 @ 1899.5, sell 0 0.1 @ 1900.5, now buy 0 0.1 @ 1899.7, sell 0 0.1 @ 1900.3",
        f"kept: recorded {', '.join(str(each.client_id) for each in _live(at))}, now none",
        f"cancelled: recorded none, now {', '.join(f'{each.client_id} (price_moved)' for each in reversed(_live(at)))}",
        "placed: recorded none, now buy 0, sell 0",
    )


def _live(at: Bench) -> list[Any]:
    return sorted(at.venue.live(), key=lambda each: each.side)


def test_a_guard_that_would_not_have_held_is_a_difference() -> None:
    at = bench()
    at.venue.quote(SYMBOL, "2100", "2100.2")
    decision = recorded(at.tick())
    wider = account_settings(market_settings(price_band=AbsoluteBand(low=Decimal(1800), high=Decimal(3000))))
    assert replay(decision, at.desk.settings).differences == ()
    assert replay(decision, wider).differences[0] == (
        "no quotes: recorded price_outside_band (fair price 2100.1 is outside [1800, 2000]), now none"
    )


def test_a_market_that_the_settings_do_not_know_is_refused() -> None:
    decision = recorded(bench().tick())
    with pytest.raises(Refused, match="PAXG/USDT is not a market of main; allowed: BTC/USDT"):
        replay(decision, account_settings(market_settings(symbol="BTC/USDT")))


def test_an_explanation_follows_both_quotes_from_the_fair_price_to_the_grid() -> None:
    at = bench()
    explanation = explained(at, at.tick())
    assert [(stage.name, stage.bid, stage.ask) for stage in explanation.stages] == [
        ("fair", Decimal(1900), Decimal(1900)),
        ("half_spread", Decimal("1899.5"), Decimal("1900.5")),
        ("floors", Decimal("1899.5"), Decimal("1900.5")),
        ("inventory", Decimal("1899.5"), Decimal("1900.5")),
        ("grid", Decimal("1899.5"), Decimal("1900.5")),
    ]
    assert [(stage.bid_moved, stage.ask_moved) for stage in explanation.stages][:3] == [
        (Decimal(0), Decimal(0)),
        (Decimal("-0.5"), Decimal("0.5")),
        (Decimal(0), Decimal(0)),
    ]
    assert why(explanation) == {
        "fair": "mid of 1899.9 and 1900.1",
        "half_spread": "fixed: 0.5 USDT",
        "floors": "at least 0.2217: fee break-even 0.19 + cadence risk 0.03165, and one tick 0.01",
        "inventory": "no shift: base share 33.33%, band 20% to 50%",
        "grid": "outwards to the tick 0.01; post-only: bid below 1900.1, ask above 1899.9",
    }
    assert [(each.side, each.price, each.action) for each in explanation.quotes] == [
        ("buy", Decimal("1899.5"), "accepted"),
        ("sell", Decimal("1900.5"), "accepted"),
    ]
    assert round(explanation.quotes[0].from_fair_bps, 2) == Decimal("-2.63")
    assert dict(explanation.saw) == {
        "others' book": "5 @ 1899.9 / 5 @ 1900.1, unchanged for 0 ms",
        "inventory": "5 PAXG, 19000 USDT, average cost 1900",
        "base share": "33.33%, band 20% to 50%",
        "usable": "5 PAXG, 19000 USDT",
        "measured": "nothing that is fresh: the assumed volatility counts",
    }


@pytest.mark.parametrize(
    ("base", "quote", "words"),
    [("9", "9500", "shift down, at most 50% of the half-spread"), ("1", "19000", "shift up")],
)
def test_an_explanation_says_which_way_inventory_moved_the_quotes(base: str, quote: str, words: str) -> None:
    at = bench(totals={"PAXG": base, "USDT": quote})
    explanation = explained(at, at.tick())
    assert why(explanation)["inventory"].startswith(words)
    moved = next(stage for stage in explanation.stages if stage.name == "inventory")
    assert moved.bid_moved == moved.ask_moved
    assert (moved.bid_moved < 0) == ("down" in words)


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("9", "both sides at 0.6 USDT: base share 5"),
        ("1", "both sides at 0.4 USDT: base share 1"),
        ("4", "nothing: base share 3"),
    ],
)
def test_the_guides_own_policy_is_explained_by_the_half_spread_it_takes(base: str, words: str) -> None:  # S2
    at = bench(
        account_settings(market_settings(inventory_band=both_sides_band())), totals={"PAXG": base, "USDT": "15000"}
    )
    explanation = explained(at, at.tick())
    assert why(explanation)["half_spread"] == "fixed: 0.5 USDT"
    assert why(explanation)["inventory"].startswith(words)


def test_what_became_of_each_quote_is_said() -> None:
    at = bench()
    at.tick()
    kept = explained(at, at.tick())
    assert [each.action for each in kept.quotes] == ["kept", "kept"]
    at.venue.quote(SYMBOL, "1901", "1901.2")
    at.venue.reject_next(RejectionKind.WOULD_TAKE)
    at.venue.lose_next_request()
    moved = explained(at, at.tick())
    assert {each.action for each in moved.quotes} >= {"unknown"}
    assert moved.cancelled == (
        "sell 0.1 @ 1900.5: price moved → cancelled",
        "buy 0.1 @ 1899.5: price moved → cancelled",
    )
    assert "blocked by an unknown create" in {each.action for each in explained(at, at.tick()).quotes}


def test_quotes_that_were_held_back_say_why() -> None:
    at = bench()
    at.tick()
    at.venue.quote(SYMBOL, "1901", "1901.2")
    at.venue.fail_next_cancels(1)
    explanation = explained(at, at.tick())
    assert {each.action for each in explanation.quotes} == {"held back: cancel failed"}
    assert explanation.cancelled[0].endswith("price moved → failed")


def test_a_side_without_a_quote_says_why() -> None:
    at = bench(totals={"PAXG": "0", "USDT": "19000"})
    explanation = explained(at, at.tick())
    assert explanation.skipped == ("sell: below min size",)
    assert dict(explanation.saw)["inventory"] == "0 PAXG, 19000 USDT"


def test_no_quotes_are_explained_by_their_reason() -> None:
    at = bench()
    at.tick()
    at.venue.quote(SYMBOL, "2100", "2100.2")
    explanation = explained(at, at.tick())
    assert explanation.no_quotes == "price outside band: fair price 2100.1 is outside [1800, 2000]"
    assert (explanation.stages, explanation.quotes) == ((), ())
    assert explanation.cancelled[0] == "buy 0.1 @ 1899.5: no quotes → cancelled"


def test_what_could_not_be_seen_is_not_explained_as_if_it_had_been() -> None:
    at = bench()
    at.tick()
    at.venue.faults.fail_once(BOOKS, Retryable("no answer"))
    explanation = explained(at, at.tick())
    assert explanation.saw == ()
    assert explanation.no_quotes == "observation failed: no answer"


def test_a_one_sided_book_and_the_last_trade_are_shown_as_they_were() -> None:
    at = bench(account_settings(market_settings(fair_price=FairPriceModel.LAST)))
    at.tick()
    at.venue.quote(SYMBOL, "", "1900.1")
    explanation = explained(at, at.tick())
    assert dict(explanation.saw)["others' book"].startswith("none / ")
    assert "last trade" in dict(explanation.saw)
    assert explanation.no_quotes == "book one sided"


def test_today_deciding_otherwise_is_part_of_the_explanation() -> None:
    at = bench()
    explanation = explain(replay(recorded(at.tick()), narrower(at)))
    assert explanation.differences[0].startswith("quotes: recorded buy 0 0.1 @ 1899.5")


def test_relative_distances_and_the_last_price_are_named() -> None:  # M5
    settings = market_settings(
        fair_price=FairPriceModel.LAST,
        half_spread=BpsDistance(bps=Decimal(1)),
        fee_schedule=fees(maker_bps="2"),
        inventory_band=shift_band(),
        assumed_volatility="1e-9",
    )
    at = bench(account_settings(settings))
    at.venue.last_prices[SYMBOL] = Decimal(1900)
    explanation = explained(at, at.tick())
    assert why(explanation)["fair"] == "last: the last trade"
    assert why(explanation)["half_spread"] == "fixed: 1 bps"
    floors = next(stage for stage in explanation.stages if stage.name == "floors")
    assert (round(floors.bid_moved, 6), round(floors.ask_moved, 6)) == (Decimal("-0.19"), Decimal("0.19"))
