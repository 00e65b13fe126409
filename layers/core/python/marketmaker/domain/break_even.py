"""Break-even quoting: at which price what is held goes without a loss, and for how long to insist on it (M2, M3)."""

from decimal import Decimal

from marketmaker.domain.inventory import Inventory
from marketmaker.domain.markets import FeeSchedule
from marketmaker.domain.models import BreakEven
from marketmaker.domain.units import BPS, ONE, ZERO


def break_even_price(inventory: Inventory, fees: FeeSchedule) -> Decimal | None:
    """Return the price at which what is held can be sold, or a short bought back, without a loss; None when flat.

    Net cost / (1 − maker fee) for a long, net proceeds / (1 + maker fee) for a short; a rebate is a negative fee.
    """
    cost = inventory.average_cost_quote
    if cost is None:
        return None
    fee = fees.maker_bps * BPS
    return cost / (ONE - fee if inventory.base > ZERO else ONE + fee)


def holds_break_even(settings: BreakEven, inventory: Inventory, fair: Decimal, now_ms: int) -> bool:
    """Tell whether to insist on the break-even price: the inventory is young and has not lost too much of its cost.

    One whose age is unknown never counts as young.
    """
    if not inventory.base or inventory.opened_ms is None or now_ms - inventory.opened_ms > settings.max_age_ms:
        return False
    return _loss_quote(inventory, fair) <= settings.max_loss_share * abs(_net_cost_quote(inventory))


def is_under_water(inventory: Inventory, fair: Decimal) -> bool:
    """Tell whether what is held is worth less than its net cost, or a short costs more than it brought."""
    return _loss_quote(inventory, fair) > ZERO


def _loss_quote(inventory: Inventory, fair: Decimal) -> Decimal:
    return _net_cost_quote(inventory) - inventory.base * fair


def _net_cost_quote(inventory: Inventory) -> Decimal:
    return inventory.cost_basis_quote + inventory.fees_in_basis_quote
