"""Replace only what is worth replacing: every own order kept or cancelled once, nothing doubled (C2, R1, R2)."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.domain.markets import ReplaceTolerance
from marketmaker.domain.orders import Order, OrderIdentity, Side
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quote, Quotes
from marketmaker.domain.replacing import CancelReason, Place, Plan, plan_replacement
from marketmaker.domain.units import VenueOrderId
from tests.builders import OTHER_TAG, SLOT_MS, TAG, foreign_order, identity, order, quote, quotes, tolerance

NOW_MS = SLOT_MS + 5_000
NO_QUOTES = NoQuotes(reason=NoQuotesReason.PRICE_OUTSIDE_BAND)
BUY_PLACE: Place = (Side.BUY, 0)
SELL_PLACE: Place = (Side.SELL, 0)


def plan(
    desired: Quotes | NoQuotes,
    *own: Order,
    blocked: frozenset[Place] = frozenset(),
    within: ReplaceTolerance | None = None,
    now_ms: int = NOW_MS,
) -> Plan:
    return plan_replacement(desired, own, tag=TAG, blocked=blocked, tolerance=within or tolerance(), now_ms=now_ms)


def reasons(made: Plan) -> list[CancelReason]:
    return [each.reason for each in made.cancel]


def place_of(each: Order) -> Place | None:
    who = OrderIdentity.decode(each.client_id or "", TAG)
    return None if who is None else (each.side, who.level)


def test_without_a_tolerance_an_order_goes_that_stands_exactly_where_it_is_wanted() -> None:  # S4
    desired = quotes(quote(Side.BUY, "1899.5"), quote(Side.SELL, "1900.5"))
    resting = order(Side.BUY, "1899.5")
    made = plan_replacement(desired, [resting], tag=TAG, blocked=frozenset(), tolerance=None, now_ms=NOW_MS)
    assert (made.keep, reasons(made)) == ((), [CancelReason.EVERY_TICK])
    assert [each.side for each in made.place] == [desired.reducing_side, desired.reducing_side.opposite]
    assert not CancelReason.EVERY_TICK.is_protective


# One order against one quote


def test_an_order_where_a_quote_is_wanted_stays() -> None:  # C2
    made = plan(quotes(), order(Side.BUY, "1899.5"), order(Side.SELL, "1900.5", venue_id="2"))
    assert made.is_quiet
    assert [each.side for each in made.keep] == [Side.BUY, Side.SELL]


@pytest.mark.parametrize(
    ("price", "kept"), [("1899.38", True), ("1899.375", True), ("1899.37", False), ("1899.625", True)]
)
def test_an_order_stays_until_the_price_has_moved_a_quarter_of_the_half_spread(price: str, kept: bool) -> None:  # C2
    made = plan(quotes(quote(Side.BUY, "1899.5")), order(Side.BUY, price))
    assert bool(made.keep) is kept
    assert kept or reasons(made) == [CancelReason.PRICE_MOVED]
    assert kept or made.place == (quote(Side.BUY, "1899.5"),)


@pytest.mark.parametrize(
    ("executed", "kept"), [("0", True), ("0.05", True), ("0.0501", False)], ids=["whole", "half", "less"]
)
def test_a_partly_filled_order_stays_while_enough_of_it_remains(executed: str, kept: bool) -> None:  # R13
    made = plan(quotes(quote(Side.BUY)), order(Side.BUY, executed_base=executed))
    assert bool(made.keep) is kept
    assert kept or reasons(made) == [CancelReason.SIZE_CHANGED]


def test_an_order_much_larger_than_wanted_goes() -> None:
    assert reasons(plan(quotes(quote(Side.BUY)), order(Side.BUY, size_base="0.151"))) == [CancelReason.SIZE_CHANGED]


@pytest.mark.parametrize(("age_ms", "kept"), [(600_000, True), (600_001, False)])
def test_an_order_stays_until_it_is_older_than_allowed(age_ms: int, kept: bool) -> None:
    made = plan(quotes(quote(Side.BUY)), order(Side.BUY), now_ms=SLOT_MS + age_ms)
    assert bool(made.keep) is kept
    assert kept or reasons(made) == [CancelReason.TOO_OLD]


def test_an_order_no_quote_wants_goes() -> None:  # R2
    assert reasons(plan(quotes(quote(Side.BUY)), order(Side.SELL, "1900.5"))) == [CancelReason.NOT_WANTED]
    assert reasons(plan(quotes(quote(Side.BUY)), order(Side.BUY, level=1))) == [CancelReason.NOT_WANTED]


@pytest.mark.parametrize("stranger", [foreign_order(), order(client_id=identity(owner=OTHER_TAG).encode())])
def test_an_order_whose_identity_cannot_be_read_never_takes_a_quotes_place(stranger: Order) -> None:
    made = plan(quotes(quote(Side.BUY)), stranger)
    assert reasons(made) == [CancelReason.NOT_WANTED]
    assert made.place == (quote(Side.BUY),)


def test_an_order_stands_on_the_side_it_rests_on_whatever_its_id_says() -> None:
    contradictory = order(Side.SELL, "1899.51", client_id=identity(Side.BUY).encode())
    made = plan(quotes(quote(Side.BUY, "1899.5")), contradictory)
    assert reasons(made) == [CancelReason.NOT_WANTED]
    assert made.place == (quote(Side.BUY, "1899.5"),)


def test_of_two_orders_in_one_place_the_older_stays() -> None:  # R1
    older, newer = order(created_ms=SLOT_MS, venue_id="9"), order(created_ms=SLOT_MS + 1, venue_id="1")
    made = plan(quotes(quote(Side.BUY)), newer, older)
    assert made.keep == (older,)
    assert [(each.order, each.reason) for each in made.cancel] == [(newer, CancelReason.NOT_WANTED)]
    assert made.place == ()


def test_of_two_orders_in_one_place_the_one_worth_keeping_stays() -> None:
    stale, good = order(price="1890", created_ms=SLOT_MS, venue_id="9"), order(created_ms=SLOT_MS + 1, venue_id="1")
    made = plan(quotes(quote(Side.BUY)), stale, good)
    assert (made.keep, reasons(made), made.place) == ((good,), [CancelReason.PRICE_MOVED], ())


@pytest.mark.parametrize(
    ("side", "price", "kept"),
    [
        (Side.BUY, "1899.7", True),
        (Side.BUY, "1899.71", False),
        (Side.SELL, "1900.3", True),
        (Side.SELL, "1900.29", False),
    ],
)
def test_an_order_that_would_fill_at_a_loss_after_fees_goes_however_close_its_quote(
    side: Side, price: str, kept: bool
) -> None:  # R36
    desired = quotes(highest_bid="1899.7", lowest_ask="1900.3")
    made = plan(desired, order(side, price), within=tolerance(price_share="1"))
    assert bool(made.keep) is kept
    assert kept or reasons(made) == [CancelReason.BELOW_BREAK_EVEN]


def test_an_order_that_our_new_quote_would_trade_with_goes() -> None:  # S14
    wide = tolerance(price_share="10")
    desired = quotes(quote(Side.BUY, "1897"), quote(Side.SELL, "1898"))
    made = plan(desired, order(Side.BUY, "1898"), within=wide)
    assert reasons(made) == [CancelReason.CROSSES_OWN_QUOTE]
    assert plan(desired, order(Side.BUY, "1897.99"), within=wide).keep
    assert reasons(plan(desired, order(Side.SELL, "1897"), within=wide)) == [CancelReason.CROSSES_OWN_QUOTE]
    assert plan(desired, order(Side.SELL, "1897.01"), within=wide).keep


# Unknown outcomes, order of work, and no quotes


def test_nothing_is_placed_where_an_outcome_is_unknown() -> None:  # R1
    made = plan(quotes(), blocked=frozenset({BUY_PLACE}))
    assert made.place == (quote(Side.SELL, "1900.5"),)
    assert made.blocked == (quote(Side.BUY, "1899.5"),)


def test_an_order_in_a_blocked_place_is_judged_as_any_other() -> None:
    assert plan(quotes(quote(Side.BUY)), order(), blocked=frozenset({BUY_PLACE})).keep == (order(),)
    moved = plan(quotes(quote(Side.BUY)), order(price="1890"), blocked=frozenset({BUY_PLACE}))
    assert (reasons(moved), moved.place) == ([CancelReason.PRICE_MOVED], ())


@pytest.mark.parametrize("reducing", Side)
def test_creates_reduce_first_and_cancels_take_risk_away_first(reducing: Side) -> None:
    desired = quotes(reducing_side=reducing)
    assert [each.side for each in plan(desired).place] == [reducing, reducing.opposite]
    own = order(Side.BUY, "1890"), order(Side.SELL, "1910", venue_id="2")
    for given_order in (own, own[::-1]):
        assert [each.order.side for each in plan(desired, *given_order).cancel] == [reducing.opposite, reducing]


def test_the_best_level_is_placed_first() -> None:
    desired = quotes(quote(Side.BUY, "1898", level=1), quote(Side.BUY, "1899", level=0))
    assert [each.level for each in plan(desired).place] == [0, 1]


def test_without_quotes_every_order_goes_and_a_guard_is_named_as_the_cause() -> None:  # S3
    own = order(), order(Side.SELL, "1900.5", venue_id="2"), foreign_order()
    made = plan(NO_QUOTES, *own)
    assert [each.order for each in made.cancel] == list(own)
    assert set(reasons(made)) == {CancelReason.NO_QUOTES}
    assert (made.keep, made.place, made.blocked) == ((), (), ())


def test_only_a_guards_cancels_are_protective() -> None:  # C2
    assert {reason for reason in CancelReason if reason.is_protective} == {CancelReason.NO_QUOTES, CancelReason.HALT}


def test_no_orders_and_no_quotes_is_quiet() -> None:
    assert plan(NO_QUOTES).is_quiet
    assert not plan(quotes()).is_quiet
    assert not plan(NO_QUOTES, order()).is_quiet


# What holds for every plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A market's wanted quotes and own orders, with everything else a plan depends on."""

    desired: Quotes
    own: tuple[Order, ...]
    blocked: frozenset[Place]
    tolerance: ReplaceTolerance

    @property
    def plan(self) -> Plan:
        """What is to be done."""
        return plan(self.desired, *self.own, blocked=self.blocked, within=self.tolerance)


@st.composite
def desired_quotes(draw: st.DrawFn) -> Quotes:
    """Build up to three levels a side; any may be skipped."""
    fair = draw(st.integers(1895, 1905))
    wanted = [
        quote(side, fair - side.sign * (level + 1), draw(st.sampled_from(["0.1", "0.05"])), level=level)
        for side in Side
        for level in range(draw(st.integers(0, 3)))
        if draw(st.integers(0, 4))
    ]
    desired = quotes(reducing_side=draw(st.sampled_from(Side)), half_spread=1)
    return replace(desired, quotes=tuple(draw(st.permutations(wanted))))


@st.composite
def own_orders(draw: st.DrawFn) -> Order:
    """Build orders of ours, mostly near some quote, a few with ids that are not ours."""
    side = draw(st.sampled_from(Side))
    resting = order(
        side,
        1900 - side.sign + Decimal(draw(st.integers(-16, 16))) / 4,
        "0.1",
        level=draw(st.integers(0, 3)),
        executed_base=draw(st.sampled_from(["0", "0", "0.03", "0.09"])),
        created_ms=NOW_MS - draw(st.sampled_from([0, 5_000, 600_000, 600_001])),
    )
    return resting if draw(st.integers(0, 9)) else replace(resting, client_id=None)


def _numbered(own: list[Order]) -> tuple[Order, ...]:
    return tuple(replace(each, venue_id=VenueOrderId(str(number))) for number, each in enumerate(own))


cases = st.builds(
    Case,
    desired=desired_quotes(),
    own=st.lists(own_orders(), max_size=8).map(_numbered),
    blocked=st.frozensets(st.tuples(st.sampled_from(Side), st.integers(0, 3)), max_size=3),
    tolerance=st.builds(tolerance, price_share=st.sampled_from(["0", "0.25", "1", "5"])),
)


@given(cases)
def test_every_own_order_is_kept_or_cancelled_exactly_once(case: Case) -> None:  # R2
    decided = [each.venue_id for each in case.plan.keep] + [each.order.venue_id for each in case.plan.cancel]
    assert sorted(decided) == sorted(each.venue_id for each in case.own)


@given(cases)
def test_at_most_one_order_is_kept_in_each_place(case: Case) -> None:  # R1
    places = [place_of(each) for each in case.plan.keep]
    assert len(set(places)) == len(places)
    assert None not in places


@given(cases)
def test_a_kept_order_is_within_every_tolerance_of_its_quote(case: Case) -> None:
    wanted = {(each.side, each.level): each for each in case.desired.quotes}
    for each in case.plan.keep:
        place = place_of(each)
        assert place is not None
        target = wanted[place]
        assert each.side is target.side
        assert abs(each.price - target.price) <= case.tolerance.price_share * case.desired.half_spread
        assert abs(each.remaining_base - target.size_base) <= case.tolerance.size_share * target.size_base
        assert NOW_MS - each.created_ms <= case.tolerance.max_age_ms


@given(cases)
def test_every_wanted_quote_is_kept_placed_or_blocked_exactly_once(case: Case) -> None:
    met = [place_of(each) for each in case.plan.keep]
    met += [(each.side, each.level) for each in (*case.plan.place, *case.plan.blocked)]
    assert sorted(filter(None, met)) == sorted((each.side, each.level) for each in case.desired.quotes)
    assert set(case.plan.place) | set(case.plan.blocked) <= set(case.desired.quotes)


@given(cases)
def test_nothing_is_placed_where_it_is_blocked(case: Case) -> None:  # R1
    assert not {(each.side, each.level) for each in case.plan.place} & case.blocked
    assert {(each.side, each.level) for each in case.plan.blocked} <= case.blocked


@given(cases)
def test_what_is_placed_never_trades_with_what_is_kept(case: Case) -> None:  # S14
    for kept in case.plan.keep:
        for placed in (*case.plan.place, *case.plan.blocked):
            if kept.side is not placed.side:
                assert kept.side.sign * (placed.price - kept.price) > 0


@given(cases)
def test_creates_and_cancels_are_ordered_by_risk(case: Case) -> None:
    reducing = case.desired.reducing_side
    created = [(each.side is not reducing, each.level) for each in case.plan.place]
    cancelled = [each.order.side is reducing for each in case.plan.cancel]
    assert created == sorted(created)
    assert cancelled == sorted(cancelled)


@given(cases)
def test_planning_again_after_the_plan_was_carried_out_is_quiet(case: Case) -> None:  # C2
    placed = tuple(_resting(each) for each in case.plan.place)
    done = replace(case, own=_numbered([*case.plan.keep, *placed]))
    assert done.plan.is_quiet
    assert done.plan.blocked == case.plan.blocked


@given(cases)
def test_the_order_in_which_the_venue_lists_our_orders_does_not_matter(case: Case) -> None:
    aged = tuple(replace(each, created_ms=NOW_MS - 100 * number) for number, each in enumerate(case.own))
    first, second = replace(case, own=aged).plan, replace(case, own=aged[::-1]).plan
    assert first.keep == second.keep
    assert first.place == second.place
    assert {each.order.venue_id for each in first.cancel} == {each.order.venue_id for each in second.cancel}


@given(cases)
def test_no_quotes_cancels_everything_and_only_protectively(case: Case) -> None:
    made = plan(NO_QUOTES, *case.own, blocked=case.blocked)
    assert [each.order for each in made.cancel] == list(case.own)
    assert all(each.reason.is_protective for each in made.cancel)
    assert not made.keep
    assert not made.place


@given(cases)
def test_a_cancel_for_want_of_a_better_quote_is_never_protective(case: Case) -> None:  # C2
    assert not any(each.reason.is_protective for each in case.plan.cancel)


def _resting(wanted: Quote) -> Order:
    return order(wanted.side, wanted.price, wanted.size_base, level=wanted.level, created_ms=NOW_MS)
