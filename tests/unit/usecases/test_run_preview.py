"""What a run says before it starts: the half-spread after the floors, the most that is held, the most that is lost."""

from dataclasses import replace
from decimal import Decimal

from marketmaker.domain.distances import QuoteDistance
from marketmaker.domain.markets import CapitalAmount
from marketmaker.domain.models import CostBasis, Distribution, FallStop, Perpetual, SigmaOptimal
from marketmaker.usecases.run_preview import preview
from tests.builders import fees, market_settings
from tests.unit.usecases.test_perpetuals import market

D = Decimal


def test_a_wide_spread_stands_as_it_is_wanted() -> None:
    figures = preview(market(), D(100))
    assert (figures.wanted_bps, figures.effective_bps, figures.fee_break_even_bps) == (D(100), D(100), D(2))
    assert figures.levels == 2


def test_a_narrow_spread_is_widened_to_fees_and_cadence_risk() -> None:  # R36
    figures = preview(replace(market(), half_spread=QuoteDistance(quote=D("0.01"))), D(100))
    assert figures.wanted_bps == 1
    assert figures.cadence_risk_bps > 0
    assert figures.effective_bps == figures.fee_break_even_bps + figures.cadence_risk_bps > 2


def test_a_coarse_tick_is_a_floor_too() -> None:
    assert preview(market(), D(100), D(5)).effective_bps == 500


def test_without_floors_what_is_wanted_is_what_is_quoted() -> None:
    figures = preview(replace(market(), has_floors=False, half_spread=QuoteDistance(quote=D("0.01"))), D(100), D(5))
    assert figures.effective_bps == 1


def test_a_rebate_is_no_break_even_below_zero() -> None:
    assert preview(replace(market(), fees=fees(maker_bps=-1)), D(100)).fee_break_even_bps == 0


def test_without_a_price_what_needs_one_is_unknown() -> None:
    figures = preview(market(stop_loss=D(1)), None, D("0.01"))
    assert (figures.wanted_bps, figures.effective_bps) == (D(100), D(100))
    assert (figures.max_notional_quote, figures.margin_quote, figures.worst_loss_quote) == (None, None, None)
    assert figures.max_base == 5
    absolute = preview(replace(market(), half_spread=QuoteDistance(quote=D(1))), None)
    assert (absolute.wanted_bps, absolute.effective_bps) == (None, None)


def test_a_spread_that_is_measured_first_is_unknown() -> None:
    settings = replace(market(), half_spread=SigmaOptimal(distribution=Distribution.NORMAL))
    assert preview(settings, D(100)).wanted_bps is None


def test_a_position_is_bounded_by_its_size_and_by_the_equity() -> None:  # P4, S17
    figures = preview(market(), D(100))
    assert (figures.max_notional_quote, figures.margin_quote) == (D(500), D(250))
    small = replace(market(held=Perpetual(max_exposure=D("1.5"))), capital_quote=CapitalAmount(amount=D(200)))
    assert (preview(small, D(100)).max_notional_quote, preview(small, D(100)).margin_quote) == (D(300), D(150))


def test_the_worst_loss_is_the_stop_with_the_slippage_of_its_exit() -> None:  # P5
    figures = preview(market(stop_loss=D(1), max_slippage_bps=D(50)), D(100))
    assert figures.worst_loss_quote == D("3.5")
    assert "stop loss 1 + up to 50 bps" in figures.worst_loss_by


def test_without_a_stop_all_of_the_collateral_is_at_stake() -> None:
    assert preview(market(), D(100)).worst_loss_quote is None
    settings = replace(market(), capital_quote=CapitalAmount(amount=D(700)))
    figures = preview(settings, D(100))
    assert figures.worst_loss_quote == 700
    assert "collateral" in figures.worst_loss_by


def test_on_spot_the_price_may_fall_to_zero() -> None:
    spot = replace(market(), perpetual=None)
    figures = preview(spot, D(100))
    assert (figures.worst_loss_quote, figures.margin_quote) == (D(500), None)
    falling = FallStop(fall_share=D("0.05"), basis=CostBasis.AVERAGE_COST, stop_share=D("0.5"))
    sells_part = preview(replace(spot, exits=replace(spot.exits, stop_loss=falling)), D(100))
    assert sells_part.worst_loss_quote == 500


def test_a_market_without_a_largest_position_is_bounded_by_its_capital() -> None:
    figures = preview(market_settings(), D(1900))
    assert (figures.max_base, figures.max_notional_quote, figures.worst_loss_quote) == (None, None, None)
    assert "capital" in figures.bound_by
