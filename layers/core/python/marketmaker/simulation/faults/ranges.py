"""The limits of a fault's values."""

from decimal import Decimal


def check_range(name: str, value: float | Decimal, least: int, most: int) -> None:
    """Refuse a value outside its limits, by name."""
    if not least <= value <= most:
        raise ValueError(f"{name} {value}; allowed: {least} to {most}")
