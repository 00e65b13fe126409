"""The tape numbers the market's trades without gaps and keeps the newest."""

from decimal import Decimal

from marketmaker.domain.orders import Side
from marketmaker.simulation.events import Trade
from marketmaker.simulation.tape import KEPT, Tape


def trade(number: int) -> Trade:
    return Trade(time_us=number, taker_side=Side.BUY, price=Decimal(1900), size_base=Decimal(1))


def taped(count: int) -> Tape:
    tape = Tape()
    for number in range(count):
        tape.record(trade(number))
    return tape


def test_trades_are_numbered_from_0() -> None:
    assert list(taped(3).since(0, 10)) == [(0, trade(0)), (1, trade(1)), (2, trade(2))]
    assert taped(3).next_id == 3


def test_a_part_is_read_from_a_number_on() -> None:
    assert [number for number, _ in taped(10).since(4, 3)] == [4, 5, 6]
    assert list(taped(10).since(10, 3)) == []
    assert [number for number, _ in taped(2).since(-5, 3)] == [0, 1]


def test_the_oldest_trades_are_dropped_and_numbers_stay() -> None:  # R24
    tape = taped(KEPT + 5)

    assert tape.next_id == KEPT + 5
    assert [number for number, _ in tape.since(0, 2)] == [5, 6]
    assert len(tape.since(0, 10 * KEPT)) == KEPT
