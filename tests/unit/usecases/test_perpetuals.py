"""A perpetual through ticks, by the perpetual guide's numbers: ladder, limits, funding, leverage, unknown positions."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.domain.distances import BpsDistance
from marketmaker.domain.inventory import FundingRow
from marketmaker.domain.ladder import linear_multiples
from marketmaker.domain.markets import MarketSettings
from marketmaker.domain.models import Carry, ExitSettings, Ladder, Perpetual, PositionSkew, Ramp, SkewEffect
from marketmaker.domain.orders import Side
from marketmaker.domain.positions import MarginMode, Position
from marketmaker.domain.quoting import NoQuotes, NoQuotesReason, Quotes, SkipReason
from marketmaker.domain.state import Mode
from marketmaker.domain.units import ONE, ZERO, Asset, Symbol
from marketmaker.errors import Refused, Retryable
from marketmaker.usecases.reports import MarketReport
from tests.builders import absolute_band, account_settings, fees, instrument, market_settings
from tests.fakes.desk import Bench, bench, only_market
from tests.fakes.perpetuals import HOUR_MS, FakePerpetual
from tests.fakes.venue import POSITIONS

D = Decimal
SOL = Symbol("SOL/USDC:USDC")
USDC = Asset("USDC")
BUY, SELL = Side.BUY, Side.SELL


def market(
    *, levels: int = 2, max_base: str = "5", skew: str = "0", held: Perpetual | None = None, **exits: Any
) -> MarketSettings:
    """Return the guide's market: 1 % a level, 0.1 SOL each (P1)."""
    ladder = Ladder(distances=linear_multiples(levels, ONE), sizes=(ONE,) * levels)
    return replace(
        market_settings(
            symbol=SOL,
            half_spread=BpsDistance(bps=D(100)),
            price_band=absolute_band("1", "10000"),
            fee_schedule=fees(maker_bps=2),
            inventory_band=PositionSkew(
                min_ratio=D("0.2"),
                max_ratio=D("0.5"),
                target_base=ZERO,
                threshold_base=ZERO,
                max_base=D(max_base),
                skew=D(skew),
                effect=SkewEffect.SHIFT,
                ramp=Ramp.LINEAR,
            ),
        ),
        ladder=ladder,
        exits=ExitSettings(**exits),
        perpetual=held or Perpetual(),
    )


def perp(settings: MarketSettings | None = None, *, collateral: str = "1000", **held: Any) -> Bench:
    """Return a login with SOL at 100 and so much collateral."""
    rules = instrument(
        symbol=SOL, base="SOL", quote="USDC", lot_size="0.01", min_size_base="0.01", min_notional_quote="1"
    )
    at = bench(account_settings(settings or market()), instruments=[rules], totals={USDC: collateral})
    at.venue.quote(SOL, "99.99", "100.01")
    at.venue.perpetuals[SOL] = FakePerpetual(symbol=SOL, **held)
    return at


def prices(at: Bench, side: Side) -> list[Decimal]:
    return sorted((each.price for each in at.venue.live(SOL) if each.side is side), reverse=side is BUY)


def only(at: Bench, side: Side) -> Any:
    return min((each for each in at.venue.live(SOL) if each.side is side), key=lambda each: abs(each.price - 100))


def reason(report: MarketReport) -> NoQuotesReason:
    assert isinstance(report.desired, NoQuotes), report.desired
    return report.desired.reason


def identity(at: Bench, mark: str) -> None:
    """What the venue holds is what the ledger says: collateral, position, and gains."""
    inventory, held = at.state(SOL).inventory, at.venue.perpetuals[SOL].held
    assert (inventory.base, inventory.collateral_quote) == (held.size_base, at.venue.totals[USDC])
    gain = inventory.equity_quote(D(mark)) - inventory.deposited_quote
    assert gain == inventory.pnl_quote(D(mark))


# Ladder, fills and limits, by the guide


def test_the_ladder_stands_a_spread_apart_on_both_sides_without_owning_any_base() -> None:  # P1
    at = perp()
    at.tick()
    assert (prices(at, BUY), prices(at, SELL)) == ([D(99), D(98)], [D(101), D(102)])
    assert at.state(SOL).inventory.base == ZERO


def test_a_round_trip_earns_its_two_half_spreads_and_ends_flat() -> None:  # P9
    at = perp()
    at.tick()
    at.venue.fill(only(at, BUY))
    at.tick()
    assert at.state(SOL).inventory.base == D("0.1")
    at.venue.fill(only(at, SELL))
    at.tick()
    inventory = at.state(SOL).inventory
    assert (inventory.base, inventory.realised_quote) == (ZERO, D("0.2"))
    identity(at, "100")


def test_a_sale_from_flat_is_a_short_at_its_own_price() -> None:
    at = perp()
    at.tick()
    at.venue.fill(only(at, SELL))
    at.tick()
    inventory = at.state(SOL).inventory
    assert (inventory.base, inventory.cost_basis_quote) == (D("-0.1"), D("-10.1"))
    assert inventory.unrealised_quote(D(100)) == D("0.1")
    identity(at, "100")


def test_no_resting_orders_if_all_filled_take_the_position_past_its_most() -> None:  # P4
    at = perp(market(levels=4, max_base="0.25"))
    at.tick()
    assert [each.size_base for each in at.venue.live(SOL) if each.side is BUY] == [D("0.1"), D("0.1"), D("0.05")]
    at.venue.fill(only(at, BUY))
    at.tick()
    assert sum(each.size_base for each in at.venue.live(SOL) if each.side is BUY) == D("0.15")
    assert D("0.25") < sum(each.size_base for each in at.venue.live(SOL) if each.side is SELL) <= D("0.35")


def test_exposure_ends_at_a_multiple_of_equity_whatever_the_venue_would_lend() -> None:  # S17
    at = perp(market(max_base="100", held=Perpetual(max_exposure=D(2), leverage=D(10))), collateral="8", leverage=D(10))
    at.tick()
    total = sum(each.notional_quote for each in at.venue.live(SOL) if each.side is BUY)
    assert D(15) < total <= D(16)


def test_a_position_that_is_there_already_is_taken_over_at_its_entry() -> None:  # S2b
    at = perp()
    held = at.venue.perpetuals[SOL].held
    held.trade(SELL, D(110), D(2))
    at.tick()
    inventory = at.state(SOL).inventory
    assert (inventory.base, inventory.cost_basis_quote, inventory.collateral_quote) == (D(-2), D(-220), D(1000))
    assert inventory.equity_quote(D(100)) == D(1020)
    identity(at, "100")


# How it is held


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"leverage": D(20)}, "the venue's leverage is 20, not 2"),
        ({"margin_mode": MarginMode.ISOLATED}, "the venue's margin mode is isolated, not cross"),
    ],
)
def test_leverage_and_margin_are_set_and_seen_before_the_first_order(held: dict[str, Any], said: str) -> None:
    at = perp(**held)
    report = only_market(at.tick())
    assert (reason(report), report.desired.detail) == (NoQuotesReason.OBSERVATION_FAILED, said)  # type: ignore[union-attr]
    assert (at.venue.live(SOL), at.venue.methods().count("set_leverage")) == ((), 1)
    at.tick()
    assert len(at.venue.live(SOL)) == 4


def test_a_venue_that_holds_it_otherwise_is_not_quoted_at_all() -> None:
    at = perp(leverage=D(20), takes_leverage=False)
    at.tick(5)
    assert at.venue.received("place") == []


def test_hedge_mode_refuses_to_start() -> None:
    at = perp(is_hedged=True)
    report = only_market(at.tick())
    assert "hedge mode" in report.desired.detail  # type: ignore[union-attr]
    assert at.venue.live(SOL) == ()


def test_leverage_that_somebody_changed_pulls_the_quotes_but_keeps_nobody_from_leaving() -> None:
    at = perp(market(stop_loss=D(1)), takes_leverage=True)
    at.tick()
    at.venue.fill(only(at, BUY))
    at.tick()
    at.venue.perpetuals[SOL].leverage = D(20)
    at.venue.perpetuals[SOL].takes_leverage = False
    assert reason(only_market(at.tick())) is NoQuotesReason.HELD_OTHERWISE
    at.venue.quote(SOL, "79.99", "80.01")
    at.tick(2)
    assert at.state(SOL).inventory.base == ZERO


def test_a_leverage_that_cannot_be_set_says_why() -> None:
    at = perp()
    at.tick()
    at.venue.perpetuals[SOL].leverage = D(20)
    at.venue.faults.fail_once("set_leverage", Refused("not while orders rest"))
    report = only_market(at.tick())
    assert report.desired.detail.endswith("it could not be set: not while orders rest")  # type: ignore[union-attr]


# Unknown is not flat: R7, R22


def test_a_position_that_cannot_be_read_opens_nothing() -> None:
    at = perp()
    at.venue.faults.fail_always(POSITIONS, Retryable("no answer"))
    assert reason(only_market(at.tick(2))) is NoQuotesReason.OBSERVATION_FAILED
    assert at.venue.received("place") == []


def test_a_position_that_cannot_be_read_any_more_pulls_every_quote() -> None:
    at = perp()
    at.tick()
    at.venue.faults.fail_always(POSITIONS, Retryable("no answer"))
    assert reason(only_market(at.tick())) is NoQuotesReason.OBSERVATION_FAILED
    assert at.venue.live(SOL) == ()


def test_a_position_that_the_venue_leaves_out_is_unknown() -> None:
    at = perp()
    at.tick()
    at.venue.unreported.add(Asset(SOL))
    report = only_market(at.tick())
    assert report.desired.detail == f"the venue reports no position of {SOL}"  # type: ignore[union-attr]


def test_a_position_that_fills_do_not_explain_stops_quoting() -> None:  # S2b
    at = perp()
    at.tick()
    at.venue.perpetuals[SOL].held.trade(BUY, D(100), D(1))
    at.tick(2)
    assert reason(only_market(at.tick())) is NoQuotesReason.LEDGER_DIFFERS


# Funding is booked once


def test_funding_is_booked_once_when_it_is_due() -> None:
    at = perp()
    due_ms = at.slot_ms + 60_000
    at.venue.perpetuals[SOL].next_funding_ms = due_ms
    at.tick(3)
    reads = at.venue.methods().count("funding_since")
    at.venue.totals[USDC] += at.venue.perpetuals[SOL].pay(due_ms, "-0.25")
    at.venue.perpetuals[SOL].next_funding_ms = due_ms + HOUR_MS
    at.tick(20)
    assert at.venue.methods().count("funding_since") == reads + 1
    inventory = at.state(SOL).inventory
    assert inventory.funding_quote == D("-0.25")
    rows = [row for row in at.store.ledger(at.account, SOL) if isinstance(row, FundingRow)]
    assert [(row.payment.time_ms, row.payment.amount_quote) for row in rows] == [(due_ms, D("-0.25"))]
    identity(at, "100")
    assert isinstance(only_market(at.tick()).desired, Quotes)


def test_the_next_payment_is_booked_beside_the_one_that_is_booked_already() -> None:
    at = perp()
    held, due_ms = at.venue.perpetuals[SOL], at.slot_ms + 20_000
    for number in (1, 2, 3):
        held.next_funding_ms = due_ms
        at.tick(3)
        at.venue.totals[USDC] += held.pay(due_ms, "0.1")
        due_ms += 60_000
        held.next_funding_ms = due_ms
        at.tick(9)
        assert at.state(SOL).inventory.funding_quote == number * D("0.1")
    identity(at, "100")


def test_a_payment_that_is_listed_late_is_waited_for_and_one_that_never_comes_is_not() -> None:
    at = perp()
    due_ms = at.slot_ms + 20_000
    at.venue.perpetuals[SOL].next_funding_ms = due_ms
    at.tick(5)
    at.venue.perpetuals[SOL].next_funding_ms = due_ms + HOUR_MS
    at.tick(4)
    at.venue.perpetuals[SOL].pay(due_ms + 3, "0.5")
    at.venue.totals[USDC] += D("0.5")
    at.tick()
    assert at.state(SOL).inventory.funding_quote == D("0.5")
    cursor = at.state(SOL).funding
    assert cursor is not None
    assert (cursor.read_from_ms, cursor.due_ms) == (due_ms + 4, due_ms + HOUR_MS)


def test_a_missing_payment_is_given_up_after_two_minutes() -> None:
    at = perp()
    due_ms = at.slot_ms + 20_000
    at.venue.perpetuals[SOL].next_funding_ms = due_ms
    at.tick(5)
    at.venue.perpetuals[SOL].next_funding_ms = due_ms + HOUR_MS
    at.tick(30)
    cursor = at.state(SOL).funding
    assert cursor is not None
    assert cursor.due_ms == due_ms + HOUR_MS


def test_while_the_venue_does_not_tell_when_funding_is_due_it_is_looked_for_in_every_tick() -> None:
    at = perp(tells_rate=False)
    at.tick(3)
    at.venue.totals[USDC] += at.venue.perpetuals[SOL].pay(at.slot_ms, "0.1")
    at.tick(2)
    assert at.venue.methods().count("funding_since") == 4
    assert at.state(SOL).inventory.funding_quote == D("0.1")


def test_funding_that_cannot_be_read_leaves_the_market_unquoted() -> None:
    at = perp()
    at.tick()
    at.venue.faults.fail_always("funding_since", Retryable("no answer"))
    at.clock.advance(HOUR_MS)
    at.slot_ms += HOUR_MS
    assert reason(only_market(at.tick())) is NoQuotesReason.OBSERVATION_FAILED


# Exits and limits of a position (P5, P4, S17)


@pytest.mark.parametrize(("side", "price"), [(BUY, ("79.99", "80.01")), (SELL, ("119.99", "120.01"))])
def test_a_stop_loss_closes_long_and_short_and_never_turns_them_round(side: Side, price: tuple[str, str]) -> None:
    at = perp(market(stop_loss=D(1)))
    at.tick()
    at.venue.fill(only(at, side))
    at.tick()
    assert at.state(SOL).inventory.base == side.sign * D("0.1")
    at.venue.quote(SOL, *price)
    at.tick(3)
    assert (at.state(SOL).inventory.base, at.venue.perpetuals[SOL].held.size_base) == (ZERO, ZERO)
    identity(at, "100")


def test_near_liquidation_nothing_is_added() -> None:  # S17
    at = perp()
    at.tick()
    at.venue.fill(only(at, BUY))
    at.venue.perpetuals[SOL].liquidation_price = D(95)
    report = only_market(at.tick())
    assert isinstance(report.desired, Quotes)
    assert [(each.side, each.reason) for each in report.desired.skipped] == [(BUY, SkipReason.NEAR_LIQUIDATION)]
    assert prices(at, BUY) == []
    assert len(prices(at, SELL)) == 2


@pytest.mark.parametrize(
    ("size", "liquidation", "distance"),
    [("1", "90", "0.1"), ("-1", "110", "0.1"), ("1", "105", "0"), ("0", "90", None), ("1", None, None)],
)
def test_the_distance_to_liquidation_is_a_share_of_the_mark(
    size: str, liquidation: str | None, distance: str | None
) -> None:
    position = Position(
        symbol=SOL,
        size_base=D(size),
        entry_price=None,
        mark_price=D(100),
        unrealised_quote=ZERO,
        liquidation_price=None if liquidation is None else D(liquidation),
    )
    assert position.liquidation_distance == (None if distance is None else D(distance))
    assert position.notional_quote == abs(D(size)) * 100


def test_check_risk_answers_a_position_beyond_its_most() -> None:  # P4
    at = perp(market(max_base="0.2"))
    at.tick()
    at.venue.perpetuals[SOL].held.trade(BUY, D(100), D("0.3"))
    at.check()
    told = [alert.text for alert in at.alerts.sent if alert.kind == "inventory_band"]
    assert told
    assert "the position is 0.3, allowed are 0.2 either way" in told[0]
    assert at.control.mode is Mode.QUOTING


def test_where_carry_is_on_quotes_lean_towards_who_is_paid() -> None:
    carry = Carry(interest=D("0.1"), max_shift_share=D("0.25"), horizon_ms=HOUR_MS)
    at = perp(replace(market(), carry=carry), rate=D("0.001"))
    at.tick()
    assert (prices(at, BUY)[0], prices(at, SELL)[0]) == (D("98.90"), D("100.90"))
