"""Two-sided presence is time-weighted since the first accepted order."""

from marketmaker.simulation.presence import Presence


def test_nothing_is_measured_before_the_first_order() -> None:
    assert Presence().quoting_us(500) == 0
    assert Presence().two_sided_us(500) == 0


def test_time_counts_while_both_sides_stand() -> None:
    presence = Presence()
    presence.mark(100, is_two_sided=False)
    presence.mark(150, is_two_sided=True)
    presence.mark(180, is_two_sided=False)
    presence.mark(200, is_two_sided=True)
    assert presence.quoting_us(210) == 110
    assert presence.two_sided_us(210) == 40
