"""Orders that fill one after the other on the same side (R32)."""

from decimal import Decimal

from marketmaker.domain.models import RunGuard
from marketmaker.domain.orders import Side
from marketmaker.domain.runs import MAX_RUN, SameSideRun, follow_run
from marketmaker.domain.units import VenueOrderId
from tests.builders import SLOT_MS, fill

GUARD = RunGuard(orders=3, within_ms=60_000, widen=None)


def run_of(*fills: tuple[Side, str, int]) -> SameSideRun | None:
    """Follow fills of these sides, orders and seconds."""
    trades = [
        fill(side, trade_id=str(number), venue_order_id=order, time_ms=SLOT_MS + second * 1000)
        for number, (side, order, second) in enumerate(fills)
    ]
    return follow_run(None, trades)


def test_several_orders_filled_on_one_side_within_the_time_are_a_run() -> None:
    run = run_of((Side.BUY, "1", 0), (Side.BUY, "2", 10), (Side.BUY, "3", 20))
    assert run is not None
    assert run.side is Side.BUY
    assert run.is_active(GUARD, SLOT_MS + 59_999)
    assert not run.is_active(GUARD, SLOT_MS + 60_000), "the first is a minute old"


def test_the_parts_of_one_order_count_once() -> None:
    run = run_of((Side.SELL, "1", 0), (Side.SELL, "1", 1), (Side.SELL, "2", 2), (Side.SELL, "1", 3))
    assert run is not None
    assert [order for order, _ in run.orders] == ["2", "1"]
    assert not run.is_active(GUARD, SLOT_MS + 3_000)


def test_a_fill_on_the_other_side_ends_a_run() -> None:
    run = run_of((Side.BUY, "1", 0), (Side.BUY, "2", 0), (Side.SELL, "3", 1))
    assert run == SameSideRun(side=Side.SELL, orders=((VenueOrderId("3"), SLOT_MS + 1_000),))
    assert follow_run(run, []) == run
    assert follow_run(None, []) is None


def test_a_run_keeps_a_bounded_number_of_orders() -> None:  # R24
    run = run_of(*((Side.BUY, str(number), number) for number in range(100)))
    assert run is not None
    assert len(run.orders) == MAX_RUN
    assert run.orders[-1] == (VenueOrderId("99"), SLOT_MS + 99_000)
    assert Decimal(run.orders[0][0]) == 100 - MAX_RUN
