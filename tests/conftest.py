"""What every test shares: the product's Decimal context and a Hypothesis profile that gives the same run each time."""

import decimal
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from marketmaker.domain.units import PRECISION

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=100,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def product_decimal_context() -> Iterator[None]:
    context = decimal.getcontext()
    before, context.prec = context.prec, PRECISION
    yield
    context.prec = before


@pytest.fixture(scope="session", autouse=True)
def interruptible_children() -> None:
    """Undo that pytest-xdist's workers ignore SIGINT: what a test starts and interrupts would inherit it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
