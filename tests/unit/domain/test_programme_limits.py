"""What a programme asks for: judged only of enough orders and fills, unknown where nobody counted (S8, R7)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from marketmaker.domain.accounts import RiskSettings
from marketmaker.domain.breaches import FeeBreach
from marketmaker.domain.looks import MarketLook
from marketmaker.domain.metering import Counts
from marketmaker.domain.programme_limits import judge_programme
from marketmaker.domain.risk import Finding
from tests.builders import PAXG, SYMBOL, USDT, market_settings

D = Decimal
SHARES = RiskSettings(max_cancel_ratio=D("0.3"), min_order_success=D("0.95"), max_taker_share=D("0.2"))


def look(last_day: Counts | None = None, this_hour: Counts | None = None) -> MarketLook:
    return MarketLook(
        settings=market_settings(),
        base=PAXG,
        quote=USDT,
        book=None,
        book_age_ms=None,
        last_price=None,
        market=None,
        is_settled=False,
        this_hour=this_hour,
        last_day=last_day,
    )


def judged(seen: MarketLook, limits: RiskSettings = SHARES) -> dict[str, Finding]:
    return {each.kind: each for each in judge_programme(seen, limits)}


def test_what_is_not_bounded_is_not_judged_but_fees_always_are() -> None:
    assert list(judged(look(), RiskSettings())) == ["fee_tier"]


def test_what_nobody_counted_is_unknown() -> None:
    for each in judged(look()).values():
        assert (each.breach, each.unknown, each.symbol) == (None, "what ticks counted is not known", SYMBOL)


@pytest.mark.parametrize(
    ("kind", "enough", "too_few"),
    [
        ("cancel_ratio", {"placed": 100, "cancelled_unfilled": 100}, {"placed": 99, "cancelled_unfilled": 99}),
        ("order_success", {"placed": 50, "rejected": 50}, {"placed": 49, "rejected": 50}),
        (
            "taker_share",
            {"fills": 20, "volume_quote": D(1), "taker_volume_quote": D(1)},
            {"fills": 19, "volume_quote": D(1), "taker_volume_quote": D(1)},
        ),
    ],
)
def test_of_too_few_a_share_says_nothing(kind: str, enough: dict[str, Any], too_few: dict[str, Any]) -> None:
    assert judged(look(Counts(**enough)))[kind].breach is not None
    assert judged(look(Counts(**too_few)))[kind].is_kept


def test_the_shares_are_of_the_day_and_the_fee_is_of_the_hour() -> None:
    day = Counts(placed=100, cancelled_unfilled=31, fills=20, volume_quote=D(1), taker_volume_quote=D(1))
    found = judged(look(last_day=day, this_hour=Counts()))
    assert [kind for kind, each in found.items() if each.breach is not None] == ["cancel_ratio", "taker_share"]
    found = judged(look(last_day=Counts(), this_hour=day))
    assert [kind for kind, each in found.items() if each.breach is not None] == []


def test_a_rebate_where_a_fee_was_said_differs_too() -> None:
    hour = Counts(fills=6, taker_fills=1, maker_fees_quote=D("-0.05"), maker_fee_volume_quote=D(1000))
    assert judged(look(Counts(), hour))["fee_tier"].breach == FeeBreach(
        symbol=SYMBOL, paid_bps=D("-0.5"), said_bps=D(1)
    )
    assert judged(look(Counts(), replace(hour, taker_fills=2)))["fee_tier"].is_kept
    assert judged(look(Counts(), replace(hour, maker_fee_volume_quote=D(0))))["fee_tier"].is_kept
