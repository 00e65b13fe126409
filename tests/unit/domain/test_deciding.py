"""One market's decision, made of one value."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.deciding import Decision, Situation, decide
from marketmaker.domain.orders import Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quotes
from tests.builders import SLOT_MS, TAG, instrument, market_settings, market_view, order
from tests.strategies import situations

HALTED = NoQuotes(reason=NoQuotesReason.NOT_QUOTING, detail="halted: drill")
EVERYWHERE = Situation(now_ms=SLOT_MS, instrument=instrument(), view=market_view())


def decided(situation: Situation) -> Decision:
    return decide(situation, market_settings(), TAG)


def test_what_can_be_seen_and_is_not_forbidden_is_quoted() -> None:
    decision = decided(EVERYWHERE)
    assert isinstance(decision.desired, Quotes)
    assert decision.plan.place == decision.desired.quotes


def test_an_obstacle_wins_over_the_best_view_and_pulls_every_order() -> None:
    decision = decided(replace(EVERYWHERE, obstacle=HALTED, live=(order(),)))
    assert decision.desired is HALTED
    assert [each.order for each in decision.plan.cancel] == [order()]


def test_nothing_rests_in_a_market_that_could_not_be_seen() -> None:  # R7
    decision = decided(replace(EVERYWHERE, view=None, live=(order(),)))
    assert decision.desired == NoQuotes(reason=NoQuotesReason.OBSERVATION_FAILED)
    assert len(decision.plan.cancel) == 1


def test_a_second_look_places_what_was_refused_and_touches_nothing_else() -> None:  # R19
    resting = order(Side.SELL, "1950")
    decision = decided(replace(EVERYWHERE, live=(resting,), only=frozenset({(Side.BUY, 0)})))
    assert [quote.side for quote in decision.plan.place] == [Side.BUY]
    assert (decision.plan.cancel, decision.plan.keep, decision.plan.blocked) == ((), (), ())


@given(situations(), st.booleans())
def test_a_decision_follows_from_its_situation_alone(situation: Situation, again: bool) -> None:
    settings = market_settings(symbol=situation.instrument.symbol)
    first = decide(situation, settings, TAG)
    second = decide(replace(situation, obstacle=HALTED) if again else situation, settings, TAG)
    assert again or first == second
    assert not again or isinstance(second.desired, NoQuotes)
