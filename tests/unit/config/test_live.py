"""What of a deployment file may change while it runs, and what needs a deploy (R28)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketmaker.config import Deployment, NeedsDeploy, adopt, live_changes
from marketmaker.domain.units import AccountName
from marketmaker.ports import SettingChange
from tests.unit.config.documents import (
    ETH,
    MISSING,
    PAXG,
    Path,
    changed,
    full_document,
    leaves,
    minimal_document,
    minimal_market,
    parse,
    text_of,
)

MAIN = AccountName("main")
ACCOUNT: Path = ("accounts", "main")

LIVE: Mapping[Path, Any] = {
    (*PAXG, "fees", "maker_bps"): 2,
    (*PAXG, "fees", "taker_bps"): 11,
    (*PAXG, "fair_price"): "mid",
    (*PAXG, "half_spread"): {"bps": 4},
    (*PAXG, "order_size_base"): Decimal("0.2"),
    (*PAXG, "inventory", "max_ratio"): Decimal("0.7"),
    (*PAXG, "price_band"): {"bps": 100},
    (*PAXG, "replace", "max_age_s"): 60,
    (*PAXG, "max_book_age_s"): 5,
    (*PAXG, "post_only"): True,
    (*PAXG, "depth_levels"): 2,
    (*PAXG, "reference"): {"symbol": "PAXG/USDC", "convert": "USDC/USDT"},
    (*PAXG, "max_deviation_bps"): 50,
    (*PAXG, "assumed_volatility"): Decimal("0.7"),
    (*PAXG, "max_statistics_age_s"): 300,
    (*PAXG, "ladder"): {"levels": 2},
    (*PAXG, "touch"): {"placement": "join"},
    (*PAXG, "size_skew"): MISSING,
    (*PAXG, "carry", "interest"): Decimal("0.3"),
    (*PAXG, "break_even", "averages"): False,
    (*PAXG, "run_guard", "widen"): MISSING,
    (*ETH, "inventory"): {"policy": "shift"},
    (*ACCOUNT, "risk", "drawdown"): "halt",
    (*ACCOUNT, "risk", "max_drawdown_share"): Decimal("0.01"),
    ("accounts", "second", "risk"): {"inventory_band": "halt"},
}
FIXED: Mapping[Path, Any] = {
    ("name",): "other",
    ("tag",): "oth",
    ("stage",): "local",
    ("region",): "eu-west-1",
    ("egress",): "dynamic",
    ("alerts", "email"): ["else@example.com"],
    ("alerts", "sms"): MISSING,
    ("memory_mb", "halt"): 1024,
    ("clocks", "interval_s"): 20,
    ("clocks", "request_timeout_ms"): 1600,
    ("clocks", "request_ttl_ms"): 2600,
    ("clocks", "function_timeout_s"): 10,
    (*ACCOUNT, "dedicated"): False,
    (*ETH, "symbol"): "BTC/USDT",
    (*PAXG, "number"): 7,
    (*PAXG, "capital_base"): {"amount": 11},
    (*PAXG, "capital_quote"): {"share": Decimal("0.5")},
    (*PAXG, "opening_cost_quote"): MISSING,
    (*PAXG, "triangle", "min_edge_bps"): 7,
    (*PAXG, "implied", "through"): "ETH",
    ("accounts", "second"): MISSING,
    ("accounts", "third"): {"venue": "binance", "markets": [minimal_market()]},
    (*ACCOUNT, "markets"): [full_document()["accounts"]["main"]["markets"][0]],
}
DEPLOYED = parse(full_document())


def after(changes: Mapping[Path, Any]) -> Deployment:
    """The full deployment with these changes."""
    document = full_document()
    for path, value in changes.items():
        document = changed(document, path, value)
    return parse(document)


def refused(changes: Mapping[Path, Any]) -> NeedsDeploy:
    adopted = adopt(DEPLOYED, after(changes))
    assert isinstance(adopted, NeedsDeploy)
    return adopted


@pytest.mark.parametrize("document", [minimal_document(), full_document()])
def test_adopting_what_is_deployed_changes_nothing(document: dict[str, Any]) -> None:
    deployed, again = parse(document), parse(document)
    assert adopt(deployed, again) == deployed
    assert live_changes(deployed, again) == ()


@given(
    st.dictionaries(st.sampled_from(list(LIVE)), st.just(None)).map(lambda paths: {each: LIVE[each] for each in paths})
)
def test_whatever_a_tick_only_decides_by_takes_effect_as_a_whole(changes: Mapping[Path, Any]) -> None:
    wanted = after(changes)
    assert adopt(DEPLOYED, wanted) is wanted
    told = {each.key for each in live_changes(DEPLOYED, wanted)}
    assert bool(told) == bool(changes) == (wanted.config_hash != DEPLOYED.config_hash)


@given(
    fixed=st.sampled_from(list(FIXED)),
    live=st.dictionaries(st.sampled_from(list(LIVE)), st.just(None)),
)
def test_nothing_takes_effect_of_a_file_with_any_other_difference(fixed: Path, live: Mapping[Path, None]) -> None:
    inside = {each: LIVE[each] for each in live if not _is_within(each, fixed)}
    refusal = refused({**inside, fixed: FIXED[fixed]})
    assert refusal.changes
    assert not {each.key for each in refusal.changes} & {each.key for each in live_changes(DEPLOYED, after(inside))}


def _is_within(path: Path, fixed: Path) -> bool:
    """Tell whether a path is gone once the other was changed."""
    return path[: len(fixed)] == fixed or fixed[-1] in {"markets", "symbol"}


def test_every_key_of_the_schema_is_either_live_or_fixed() -> None:
    kinds = {_kind(path) for path, _ in leaves(full_document())}
    assert kinds - {_kind(path) for path in LIVE} - {_kind(path) for path in FIXED} == {("armed",), ("venue",)}


def _kind(path: Path) -> tuple[str, ...]:
    """Name a key apart from its account and market: the first part of it within them that is not a name."""
    words = [part for part in path if isinstance(part, str) and part not in {"accounts", "main", "second", "third"}]
    inside = words[1:] if words[:1] == ["markets"] and len(words) > 1 else words
    return tuple(inside[:1])


def test_refusal_names_key_value_and_what_is_allowed() -> None:
    text = str(refused({("tag",): "oth", (*PAXG, "number"): 7, (*PAXG, "half_spread"): {"bps": 4}}))
    assert text == (
        "accounts.main.markets[PAXG/USDT].number: 7 is not allowed: 1, until a new deploy; "
        'tag: "oth" is not allowed: "tst", until a new deploy'
    )


def test_refusal_names_what_was_added_and_what_was_taken_out() -> None:
    added = str(refused({("accounts", "third"): FIXED["accounts", "third"]}))
    assert 'accounts.third.venue: "binance" is not allowed: only a new deploy adds it' in added
    taken = str(refused({(*PAXG, "opening_cost_quote"): MISSING}))
    assert taken == (
        "accounts.main.markets[PAXG/USDT].opening_cost_quote: a missing key is not allowed: 1900, until a new deploy"
    )
    empty = 'alerts.sms: [] is not allowed: ["+819012345678"], until a new deploy'
    assert str(refused({("alerts", "sms"): MISSING})) == empty


def test_paper_venue_charges_the_fees_that_it_was_deployed_with() -> None:
    document = changed(minimal_document(), ("stage",), "paper")
    document = changed(document, (*ACCOUNT, "paper"), {"PAXG": 1, "USDT": 1000})
    deployed, wanted = parse(document), parse(changed(document, (*PAXG, "fees", "maker_bps"), 2))
    adopted = adopt(deployed, wanted)
    assert isinstance(adopted, NeedsDeploy)
    assert [each.key for each in adopted.changes] == ["accounts.main.markets[PAXG/USDT].fees.maker_bps"]
    other_balance = parse(changed(document, (*ACCOUNT, "paper", "USDT"), 5))
    assert isinstance(adopt(deployed, other_balance), NeedsDeploy)


@pytest.mark.parametrize("venue", ["binance", "binanceus"])
def test_a_reference_may_change_to_a_venue_that_the_account_was_deployed_with(venue: str) -> None:
    wanted = after({(*PAXG, "reference"): {"symbol": "PAXG/BTC", "convert": "BTC/USDT", "venue": venue}})

    assert adopt(DEPLOYED, wanted) is wanted


def test_a_reference_at_any_other_venue_needs_a_deploy() -> None:
    reference = {"symbol": "PAXG/USDT", "venue": "binanceus"}
    deployed = parse(minimal_document())

    adopted = adopt(deployed, parse(changed(minimal_document(), (*PAXG, "reference"), reference)))

    assert str(adopted) == (
        'accounts.main.markets[PAXG/USDT].reference.venue: "binanceus" is not allowed: only a new deploy adds it'
    )


def test_a_reference_may_go_and_come_back_live() -> None:
    without = after({(*PAXG, "reference"): MISSING})

    assert adopt(DEPLOYED, without) is without
    told = {each.key.rpartition(".")[2] for each in live_changes(without, DEPLOYED)}
    assert told == {"venue", "symbol", "convert", "min_rate", "max_rate", "max_age_s"}


def test_an_implied_price_may_change_live_where_no_triangle_is_checked() -> None:
    document = changed(minimal_document(), (*PAXG, "implied"), {"through": "BTC"})
    wanted = parse(changed(document, (*PAXG, "implied", "through"), "ETH"))

    assert adopt(parse(document), wanted) is wanted


def test_order_of_markets_needs_no_deploy() -> None:
    document = full_document()
    document["accounts"]["main"]["markets"].reverse()
    wanted = parse(document)
    assert adopt(DEPLOYED, wanted) is wanted
    assert live_changes(DEPLOYED, wanted) == ()


def test_changes_are_told_by_key_as_the_files_write_them() -> None:
    wanted = after({(*PAXG, "half_spread"): {"bps": 4}, (*PAXG, "post_only"): True})
    market = "accounts.main.markets[PAXG/USDT]"
    assert live_changes(DEPLOYED, wanted) == (
        SettingChange(key=f"{market}.half_spread.bps", before=None, after="4"),
        SettingChange(key=f"{market}.half_spread.quote", before="0.5", after=None),
        SettingChange(key=f"{market}.post_only", before="false", after="true"),
    )


def test_small_amounts_are_told_without_an_exponent() -> None:  # R18
    wanted = after({(*PAXG, "order_size_base"): Decimal("0.00000001")})
    assert [each.after for each in live_changes(DEPLOYED, wanted)] == ["0.00000001"]


def test_deployment_keeps_its_file_as_it_was_written_and_equals_one_that_means_the_same() -> None:
    document = minimal_document()
    deployed = parse(document)
    assert deployed.text == text_of(document)
    spaced = parse(changed(document, (*PAXG, "half_spread", "quote"), Decimal("0.50")))
    assert spaced.text != deployed.text
    assert spaced == deployed
