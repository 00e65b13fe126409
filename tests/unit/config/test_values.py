"""What a valid deployment file becomes."""

import random
from dataclasses import FrozenInstanceError
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.config import Egress, Recipients, Stage, load_deployment, parse_deployment
from marketmaker.domain.accounts import AccountSettings, BreachResponse, Clocks, RiskSettings
from marketmaker.domain.distances import BpsDistance, PriceRange, QuoteDistance
from marketmaker.domain.markets import (
    AbsoluteBand,
    BpsBand,
    CapitalAmount,
    CapitalShare,
    FeeSchedule,
    MarketSettings,
    ReplaceTolerance,
)
from marketmaker.domain.models import (
    BothSidesBand,
    BreakEven,
    Carry,
    FairPriceModel,
    Ladder,
    Listing,
    Placement,
    RunGuard,
    SecondPrice,
    ShiftBand,
    SizeSkew,
    TouchRule,
    TriangleSettings,
)
from marketmaker.domain.orders import DeploymentTag
from marketmaker.domain.units import AccountName, Symbol
from tests.unit.config.documents import (
    ETH,
    FILE,
    PAXG,
    Path,
    changed,
    full_document,
    leaves,
    minimal_document,
    parse,
    text_of,
)

MAIN = AccountName("main")

SHIFT = ShiftBand(
    min_ratio=Decimal("0.2"), max_ratio=Decimal("0.5"), max_shift_share=Decimal("0.5"), ramp_ratio=Decimal("0.1")
)


def test_every_key_reaches_its_domain_value() -> None:
    deployment = parse(full_document())

    assert (deployment.name, deployment.tag, deployment.region) == ("test", DeploymentTag(text="tst"), "eu-central-1")
    assert list(deployment.accounts) == ["main", "second"]
    assert deployment.accounts[MAIN].markets == (
        MarketSettings(
            symbol=Symbol("PAXG/USDT"),
            number=1,
            capital_base=CapitalAmount(amount=Decimal(10)),
            capital_quote=CapitalAmount(amount=Decimal(20000)),
            opening_cost_quote=Decimal(1900),
            fees=FeeSchedule(maker_bps=Decimal(1), taker_bps=Decimal(10)),
            fair_price=FairPriceModel.LAST,
            half_spread=QuoteDistance(quote=Decimal("0.5")),
            order_size_base=Decimal("0.1"),
            inventory_band=ShiftBand(
                min_ratio=Decimal("0.1"),
                max_ratio=Decimal("0.6"),
                max_shift_share=Decimal("0.4"),
                ramp_ratio=Decimal("0.2"),
            ),
            price_band=AbsoluteBand(low=Decimal(1800), high=Decimal(2000)),
            tolerance=ReplaceTolerance(price_share=Decimal("0.3"), size_share=Decimal("0.6"), max_age_ms=900_000),
            max_book_age_ms=45_000,
            post_only=False,
            exposure_ms=10_500,
            max_deviation_bps=Decimal(80),
            depth_levels=4,
            reference=SecondPrice(
                source=Listing(venue="binanceus", symbol=Symbol("PAXG/USD")),
                rate=Listing(venue="binanceus", symbol=Symbol("USDT/USD")),
                divides=True,
                rate_range=PriceRange(low=Decimal("0.97"), high=Decimal("1.1")),
                max_age_ms=20_000,
            ),
            implied=SecondPrice(
                source=Listing(venue="binance", symbol=Symbol("PAXG/BTC")),
                rate=Listing(venue="binance", symbol=Symbol("BTC/USDT")),
                max_age_ms=15_000,
            ),
            assumed_volatility=Decimal("0.5"),
            max_statistics_age_ms=600_000,
            ladder=Ladder(
                distances=(Decimal(1), Decimal("1.5"), Decimal(3)), sizes=(Decimal(1), Decimal("1.2"), Decimal("1.44"))
            ),
            touch=TouchRule(placement=Placement.IMPROVE, ticks=2),
            size_skew=SizeSkew(range_ratio=Decimal("0.3")),
            carry=Carry(interest=Decimal("0.2"), max_shift_share=Decimal("0.3"), horizon_ms=7_200_000),
            break_even=BreakEven(max_age_ms=3_600_000, max_loss_share=Decimal("0.04"), averages=True),
            run_guard=RunGuard(orders=4, within_ms=30_000, widen=Decimal(2)),
            triangle=TriangleSettings(min_edge_bps=Decimal(6), min_profit_quote=Decimal(2)),
        ),
        MarketSettings(
            symbol=Symbol("ETH/USDT"),
            number=2,
            capital_base=CapitalShare(share=Decimal("0.5")),
            capital_quote=CapitalShare(share=Decimal("0.25")),
            opening_cost_quote=None,
            fees=FeeSchedule(maker_bps=Decimal("-0.5"), taker_bps=Decimal(5)),
            fair_price=FairPriceModel.MID,
            half_spread=BpsDistance(bps=Decimal(3)),
            order_size_base=Decimal("0.1"),
            inventory_band=BothSidesBand(
                min_ratio=Decimal("0.2"),
                max_ratio=Decimal("0.5"),
                half_spread_below=QuoteDistance(quote=Decimal("0.4")),
                half_spread_above=BpsDistance(bps=Decimal(6)),
            ),
            price_band=BpsBand(bps=Decimal(500)),
            tolerance=ReplaceTolerance(price_share=Decimal("0.25"), size_share=Decimal("0.5"), max_age_ms=600_000),
            max_book_age_ms=30_000,
            exposure_ms=10_500,
        ),
    )


def test_defaults_are_those_of_the_architecture_and_the_guide() -> None:
    deployment = parse(minimal_document())
    market = deployment.accounts[MAIN].markets[0]

    assert deployment.region == "ap-northeast-1"
    assert deployment.clocks == Clocks(
        interval_ms=5000, request_timeout_ms=2000, request_ttl_ms=2000, function_timeout_ms=8000
    )
    assert deployment.accounts[MAIN].dedicated is False
    assert market.opening_cost_quote is None
    assert market.fair_price is FairPriceModel.MID
    assert market.inventory_band == SHIFT
    assert market.tolerance == ReplaceTolerance(
        price_share=Decimal("0.25"), size_share=Decimal("0.5"), max_age_ms=600_000
    )
    assert market.max_book_age_ms == 30_000
    assert market.post_only


def test_a_table_given_in_part_keeps_the_other_defaults() -> None:
    document = changed(minimal_document(), (*PAXG, "inventory"), {"policy": "shift", "max_ratio": Decimal("0.4")})

    market = parse(document).accounts[MAIN].markets[0]

    assert market.inventory_band == ShiftBand(
        min_ratio=Decimal("0.2"), max_ratio=Decimal("0.4"), max_shift_share=Decimal("0.5"), ramp_ratio=Decimal("0.1")
    )


def test_the_lease_outlives_the_function_and_its_last_request() -> None:
    clocks = parse(full_document()).clocks

    assert clocks.lease_ms == 11_500
    assert clocks.tick_max_age_ms == 10_000


def test_stage_egress_recipients_and_memory_are_as_written() -> None:
    deployment = parse(full_document())

    assert (deployment.stage, deployment.armed, deployment.egress) == (Stage.TESTNET, False, Egress.STATIC)
    assert deployment.recipients == Recipients(email=("me@example.com", "desk@example.org"), sms=("+819012345678",))
    assert deployment.memory_mb == {
        "replace_quotes": 1536,
        "check_risk": 768,
        "halt": 512,
        "fetch_prices": 640,
        "schedule_ticks": 128,
        "relay_alerts": 192,
    }


def test_by_default_nobody_is_told_egress_is_dynamic_and_the_worker_functions_have_a_gigabyte() -> None:
    deployment = parse(minimal_document())

    assert (deployment.armed, deployment.egress) == (False, Egress.DYNAMIC)
    assert deployment.recipients == Recipients(email=(), sms=())
    assert deployment.memory_mb == {
        "replace_quotes": 1024,
        "check_risk": 1024,
        "halt": 1024,
        "fetch_prices": 1024,
        "schedule_ticks": 256,
        "relay_alerts": 256,
    }


def test_every_account_has_its_own_limits() -> None:
    accounts = parse(full_document()).accounts

    assert accounts[MAIN].risk == RiskSettings(
        price_band=BreachResponse.HALT,
        inventory_band=BreachResponse.CANCEL,
        stale_data=BreachResponse.HALT,
        drawdown=BreachResponse.ALERT,
        max_drawdown_share=Decimal("0.08"),
    )
    assert accounts[AccountName("second")].risk == RiskSettings(
        price_band=BreachResponse.CANCEL,
        inventory_band=BreachResponse.ALERT,
        stale_data=BreachResponse.CANCEL,
        drawdown=BreachResponse.HALT,
        max_drawdown_share=Decimal("0.05"),
    )


@pytest.mark.parametrize(
    ("stage", "armed", "may_quote"),
    [("local", False, True), ("testnet", False, True), ("live", False, False), ("live", True, True)],
)
def test_only_a_live_deployment_must_be_armed_to_quote(stage: str, armed: bool, may_quote: bool) -> None:  # S6
    document = changed(changed(full_document(), ("stage",), stage), ("armed",), armed)

    assert parse(document).may_quote is may_quote


def test_names_of_functions_topics_and_the_stack_follow_the_deployment() -> None:
    deployment = parse(full_document())

    assert deployment.stack_name == "marketmaker-test"
    assert deployment.function_name("schedule_ticks") == "marketmaker-test-schedule_ticks"
    assert deployment.function_name("check_risk", MAIN) == "marketmaker-test-main-check_risk"
    assert [deployment.topic_name(topic) for topic in ("halt", "alerts-critical", "alerts-info")] == [
        "marketmaker-test-halt",
        "marketmaker-test-alerts-critical",
        "marketmaker-test-alerts-info",
    ]


def test_every_name_fits_what_aws_allows() -> None:
    account = "a" * 20
    document = changed(minimal_document(), ("name",), "n" * 12)
    document["accounts"] = {account: document["accounts"]["main"]}

    name = parse(document).function_name("replace_quotes", AccountName(account))

    assert len(name) <= 64  # a Lambda function's or a role's


def test_names_of_tables_and_secrets_follow_the_deployment() -> None:
    deployment = parse(full_document())

    assert (deployment.state_table, deployment.ledger_table) == ("marketmaker-test-state", "marketmaker-test-ledger")
    assert deployment.prices_table == "marketmaker-test-prices"
    assert deployment.secret_name(MAIN, "trade") == "marketmaker/test/main/trade"
    assert deployment.secret_name(AccountName("second"), "risk") == "marketmaker/test/second/risk"


def test_a_market_of_two_accounts_is_one_market_of_its_venue() -> None:
    deployment = parse(full_document())

    assert deployment.venues == ("binance", "binanceus")
    assert deployment.symbols_at("binance") == ("ETH/USDT", "PAXG/USDT")
    assert deployment.symbols_at("elsewhere") == ()


def test_an_account_knows_all_that_its_use_cases_need() -> None:
    deployment = parse(full_document())
    account = deployment.accounts[AccountName("second")]

    assert account == AccountSettings(
        name=AccountName("second"),
        venue="binance",
        tag=DeploymentTag(text="tst"),
        dedicated=False,
        markets=parse(changed(minimal_document(), ("clocks",), {"interval_s": 10})).accounts[MAIN].markets,
        clocks=deployment.clocks,
        risk=RiskSettings(),
        config_hash=deployment.config_hash,
    )
    assert deployment.accounts[MAIN].dedicated is True


def test_a_deployment_cannot_be_changed() -> None:
    deployment = parse(full_document())

    with pytest.raises(FrozenInstanceError):
        deployment.name = "other"  # type: ignore[misc] # the point of the test
    with pytest.raises(TypeError):
        deployment.accounts[MAIN] = deployment.accounts[AccountName("second")]  # type: ignore[index] # likewise


def test_money_is_exact_from_its_text() -> None:
    market = parse(
        changed(minimal_document(), (*PAXG, "order_size_base"), Decimal("123456789012345.123456789012345678"))
    )

    assert market.accounts[MAIN].markets[0].order_size_base == Decimal("123456789012345.123456789012345678")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*ETH, "capital_quote"), {"share": 1}),
        ((*PAXG, "capital_base"), {"amount": 0}),
        ((*PAXG, "inventory"), {"policy": "shift", "min_ratio": 0, "max_ratio": 1}),
        ((*PAXG, "replace"), {"price_share": 0, "size_share": 0, "max_age_s": 0}),
        ((*PAXG, "fees"), {"maker_bps": -100, "taker_bps": 100}),
        ((*PAXG, "price_band"), {"bps": Decimal("9999.9")}),
        ((*PAXG, "half_spread"), {"bps": Decimal("0.001")}),
        ((*PAXG, "number"), 0),
        ((*PAXG, "number"), 1295),
        (("clocks",), {"interval_s": 5, "request_ttl_ms": 999}),
        (("clocks",), {"interval_s": 60, "function_timeout_s": 4}),
        (("accounts", "main", "risk", "max_drawdown_share"), 1),
        (("accounts", "main", "risk", "inventory_band"), "alert"),
        (("accounts", "main", "risk"), {"drawdown": "cancel"}),
        (("memory_mb", "halt"), 128),
        (("memory_mb", "halt"), 10_240),
        (("alerts",), {"email": ["a.b+c@mail.example.co"]}),
        (("alerts",), {"sms": ["+1234567"]}),
        (
            (*ETH, "inventory"),
            {"policy": "both_sides", "half_spread_below": {"bps": 9}, "half_spread_above": {"bps": 1}},
        ),
        ((*ETH, "symbol"), "PAXG/BTC"),
        ((*ETH, "symbol"), "PAXGBULL/USDT"),
    ],
)
def test_the_ends_of_a_range_are_allowed(path: Path, value: object) -> None:
    parse(changed(full_document(), path, value))


def test_shares_of_one_asset_may_use_all_of_it_beside_an_amount() -> None:
    document = changed(full_document(), (*ETH, "capital_quote"), {"share": 1})

    markets = parse(document).accounts[MAIN].markets

    assert [each.capital_quote for each in markets] == [
        CapitalAmount(amount=Decimal(20000)),
        CapitalShare(share=Decimal(1)),
    ]


def test_a_file_is_read_from_disk(tmp_path: FilePath) -> None:
    path = tmp_path / "paper.toml"
    path.write_text(text_of(full_document()), encoding="utf-8")

    assert load_deployment(path) == load_deployment(str(path)) == parse(full_document())


def _spread_out(document: dict[str, Any], chance: random.Random) -> str:
    """The same document in another order, with comments, blank lines and other ways to write its numbers."""
    lines = [f"{key} = {_other_toml(value, chance)}" for key, value in _shuffled(document, chance)]
    return "".join(
        f"{line}{chance.choice(['', '  # why', ' \n# note\n'])}\n{'\n' * chance.randrange(3)}" for line in lines
    )


def _shuffled(table: dict[str, Any], chance: random.Random) -> list[tuple[str, Any]]:
    return chance.sample(list(table.items()), len(table))


def _other_toml(value: Any, chance: random.Random) -> str:
    match value:
        case dict():
            return "{" + ",".join(f"{key}={_other_toml(each, chance)}" for key, each in _shuffled(value, chance)) + "}"
        case list():
            return "[" + ",\n\t# next\n".join(_other_toml(each, chance) for each in value) + "]"
        case str():
            return chance.choice([f'"{value}"', f"'{value}'"])
        case bool():
            return str(value).lower()
        case Decimal():
            return chance.choice([str(value), f"{value:.3f}", f"{value:.5e}"])
        case _:
            return str(value)


@given(chance=st.randoms(use_true_random=False))
def test_the_hash_ignores_order_spacing_comments_and_spelling(chance: random.Random) -> None:
    document = full_document()

    respelt = parse_deployment(_spread_out(document, chance), file=FILE)

    assert respelt.config_hash == parse(document).config_hash
    assert len(respelt.config_hash) == 16


def test_the_hash_ignores_a_default_written_out() -> None:
    written = changed(minimal_document(), (*PAXG, "fair_price"), "mid")

    assert parse(written).config_hash == parse(minimal_document()).config_hash


def test_the_hash_knows_numbers_by_value() -> None:
    hashes = {
        parse(changed(minimal_document(), (*PAXG, "capital_base", "amount"), amount)).config_hash
        for amount in (10, Decimal("10.0"), Decimal("1e1"))
    }

    assert len(hashes) == 1


OTHER_TEXT = {
    "test": "other",
    "tst": "oth",
    "eu-central-1": "eu-west-1",
    "PAXG/USDT": "PAXG/USDC",
    "ETH/USDT": "ETH/USDC",
    "last": "mid",
    "testnet": "live",
    "static": "dynamic",
    "me@example.com": "you@example.com",
    "desk@example.org": "desk@example.net",
    "+819012345678": "+819012345679",
    "alert": "cancel",
    "cancel": "halt",
    "halt": "cancel",
    "binanceus": "binance",
    "BTC": "BNB",
}
OTHER_NUMBER = {"depth_levels": 5, "orders": 5}


def _another(key: object, value: Any) -> Any:
    """A different value that is valid in the same place of the full document."""
    match value:
        case bool():
            return not value
        case str():
            return OTHER_TEXT[value]
        case int():
            return OTHER_NUMBER.get(str(key), value + 50)
        case _:
            return value * Decimal("1.1")


def _stands_alone(path: Path) -> bool:
    """Tell whether a value can change without another."""
    needs_another = {"policy", "armed", "levels", "convert", "placement"}
    is_account_venue = path[-1] == "venue" and "reference" not in path
    is_first_level = path[-2:] == ("explicit", 0)
    is_priced_elsewhere = path == (*PAXG, "symbol") or path[-2:] == ("reference", "symbol")
    return not (path[-1] in needs_another or is_account_venue or is_first_level or is_priced_elsewhere)


@pytest.mark.parametrize("path", [path for path, _ in leaves(full_document()) if _stands_alone(path)])
def test_the_hash_changes_with_any_value(path: Path) -> None:
    document = full_document()
    other = changed(document, path, _another(path[-1], dict(leaves(document))[path]))

    assert parse(other).config_hash != parse(document).config_hash


def test_the_hash_knows_whether_a_live_deployment_is_armed() -> None:
    live = changed(full_document(), ("stage",), "live")

    assert parse(changed(live, ("armed",), True)).config_hash != parse(live).config_hash
