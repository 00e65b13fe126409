"""Perpetuals in a deployment file: how they are held, and each line that refuses what their venue cannot do."""

from decimal import Decimal
from typing import Any

import pytest

from marketmaker.config import NeedsDeploy, adopt
from marketmaker.domain.markets import CapitalAmount
from marketmaker.domain.models import ExitSettings, Listing, Perpetual
from marketmaker.domain.positions import MarginMode
from marketmaker.domain.units import AccountName, Symbol
from tests.unit.config.documents import FILE, MISSING, PAXG, changed, minimal_document, minimal_market, parse, refusal
from tests.unit.config.perpetuals import AT_SOL, SOL, perpetual, perpetual_document, perpetual_market


def test_a_perpetual_is_held_with_twice_its_equity_at_most_unless_the_file_says_otherwise() -> None:  # S17
    market = perpetual()
    assert market.perpetual == Perpetual(
        leverage=Decimal(2),
        margin_mode=MarginMode.CROSS,
        max_exposure=Decimal(2),
        min_liquidation_distance=Decimal("0.1"),
    )
    assert market.capital_base == CapitalAmount(amount=Decimal(0))
    assert market.exits == ExitSettings(stop_loss=Decimal(100))


def test_every_key_of_how_it_is_held_is_read() -> None:
    said = {"leverage": 5, "margin_mode": "isolated", "max_exposure": 3, "min_liquidation_distance": Decimal("0.2")}
    assert perpetual("binanceusdm", perpetual=said).perpetual == Perpetual(
        leverage=Decimal(5),
        margin_mode=MarginMode.ISOLATED,
        max_exposure=Decimal(3),
        min_liquidation_distance=Decimal("0.2"),
    )


def test_a_spot_market_is_no_perpetual() -> None:
    (market,) = parse(minimal_document()).accounts[AccountName("main")].markets
    assert market.perpetual is None


def test_defaults_written_out_mean_the_same() -> None:
    held = {"leverage": 2, "margin_mode": "cross", "max_exposure": 2, "min_liquidation_distance": Decimal("0.10")}
    written = perpetual_market(perpetual=held, capital_base={"amount": 0})
    assert parse(perpetual_document(written)).config_hash == parse(perpetual_document()).config_hash
    other = perpetual_market(perpetual={**held, "leverage": 3})
    assert parse(perpetual_document(other)).config_hash != parse(perpetual_document()).config_hash


def test_a_reference_elsewhere_prices_a_perpetual_in_its_own_quote() -> None:
    reference = {"venue": "binance", "symbol": "SOL/USDT", "convert": "USDC/USDT"}
    market = perpetual(reference=reference, fair_price="reference")
    assert market.reference is not None
    assert market.reference.source == Listing(venue="binance", symbol=Symbol("SOL/USDT"))
    assert market.reference.divides


@pytest.mark.parametrize("venue", ["binance", "binanceusdm", "backpack"])
def test_every_venue_can_be_named_in_the_local_stage(venue: str) -> None:
    market = minimal_market() if venue == "binance" else perpetual_market()
    deployment = parse(perpetual_document(market, venue=venue))
    assert deployment.venues == (venue,)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"capital_base": {"amount": 1}}, "capital_base: { amount = 1 } is not allowed: "
     "no such key, or { amount = 0 }: a perpetual is opened with quote alone"),
    ({"capital_base": {"share": Decimal("0.5")}}, "capital_base: { share = 0.5 } is not allowed: "
     "no such key, or { amount = 0 }: a perpetual is opened with quote alone"),
    ({"capital_quote": {"amount": 0}}, "capital_quote.amount: 0 is not allowed: "
     "more than 0: a position needs collateral"),
    ({"inventory": {"policy": "shift"}}, 'inventory.policy: "shift" is not allowed: '
     '{ policy = "position", max_base = ... } on a perpetual: ratios are of what is owned'),
    ({"opening_cost_quote": 100}, "opening_cost_quote: 100 is not allowed: "
     "only on spot: the venue knows what a position was entered at"),
    ({"stop_loss": {"fall": Decimal("0.1")}}, "stop_loss: a fall of 0.1 is not allowed: "
     "{ loss_quote = ... } on a perpetual: a short does not lose by a fall"),
    ({"size_skew": {"range_ratio": Decimal("0.2")}}, "size_skew: a table is not allowed: "
     "only on spot: its sizes follow a ratio of what is owned"),
    ({"implied": {"through": "BTC"}}, "implied: a table is not allowed: "
     "only on spot: a venue of perpetuals lists no market of the asset in another one"),
    ({"reference": {"symbol": "SOL/USDC"}}, "reference.venue: a missing key is not allowed: "
     'it is required at backpack, one of "binance", "binanceus"'),
    ({"reference": {"symbol": SOL}}, f'reference.symbol: "{SOL}" is not allowed: '
     'a spot market as BASE/QUOTE, such as "PAXG/USDT"'),
    ({"number": 16}, "number: 16 is not allowed: a whole number from 0 to 15: "
     "an order id at backpack, uint32, carries no more"),
    ({"ladder": {"levels": 8}}, "ladder.levels: 8 is not allowed: a whole number from 1 to 7"),
    ({"perpetual": {"margin_mode": "isolated"}}, 'perpetual.margin_mode: "isolated" is not allowed: '
     '"cross": all there is at backpack'),
    ({"perpetual": {"leverage": 1}}, "perpetual.leverage: 1 is not allowed: "
     "a leverage of max_exposure (2) or more, or a lower max_exposure"),
    ({"perpetual": {"max_exposure": 3}}, "perpetual.leverage: 2 is not allowed: "
     "a leverage of max_exposure (3) or more, or a lower max_exposure"),
    ({"perpetual": {"leverage": Decimal("2.5")}}, "perpetual.leverage: 2.5 is not allowed: "
     "a whole number from 1 to 125"),
    ({"perpetual": {"leverage": 126}}, "perpetual.leverage: 126 is not allowed: a whole number from 1 to 125"),
    ({"perpetual": {"max_exposure": 0}}, "perpetual.max_exposure: 0 is not allowed: a number above 0 and at most 125"),
    ({"perpetual": {"margin_mode": "both"}}, 'perpetual.margin_mode: "both" is not allowed: '
     'one of "cross", "isolated"'),
    ({"perpetual": {"min_liquidation_distance": 0}}, "perpetual.min_liquidation_distance: 0 is not allowed: "
     "a share above 0 and at most 1"),
    ({"perpetual": {"mode": 1}}, "perpetual.mode: 1 is not allowed: an unknown key; "
     "allowed here: leverage, margin_mode, max_exposure, min_liquidation_distance"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "expected"), REFUSED)
def test_what_a_perpetual_cannot_be_is_refused_with_its_place(keys: dict[str, Any], expected: str) -> None:
    assert refusal(perpetual_document(perpetual_market(**keys))) == f"{FILE}: {AT_SOL}.{expected}"


def test_without_an_inventory_policy_a_perpetual_is_refused() -> None:
    market = perpetual_market()
    del market["inventory"]
    assert refusal(perpetual_document(market)) == (
        f'{FILE}: {AT_SOL}.inventory.policy: "shift" is not allowed: '
        '{ policy = "position", max_base = ... } on a perpetual: ratios are of what is owned'
    )


def test_text_ids_carry_every_market_number() -> None:
    assert perpetual("binanceusdm", number=1295).number == 1295


def test_a_lower_exposure_needs_no_more_leverage() -> None:
    assert perpetual(perpetual={"leverage": 1, "max_exposure": Decimal("0.5")}).perpetual is not None


def test_a_spot_market_needs_its_base_and_is_not_held() -> None:
    at = "accounts.main.markets[0 PAXG/USDT]"
    assert refusal(changed(minimal_document(), (*PAXG, "capital_base"), MISSING)) == (
        f"{FILE}: {at}.capital_base: a missing key is not allowed: it is required, "
        "{ amount = ... } or { share = ... }"
    )
    assert refusal(changed(minimal_document(), (*PAXG, "perpetual"), {"leverage": 2})) == (
        f"{FILE}: {at}.perpetual: a table is not allowed: only on a perpetual, and PAXG/USDT is a spot market"
    )


def test_a_market_of_the_wrong_kind_for_its_venue_is_refused_by_its_symbol() -> None:
    spot = perpetual_market("SOL/USDC")
    assert refusal(perpetual_document(spot)) == (
        f"{FILE}: accounts.main.markets[0 SOL/USDC].symbol: SOL/USDC is not allowed: "
        'a perpetual as BASE/QUOTE:QUOTE, such as "SOL/USDC:USDC": nothing else is traded at backpack'
    )
    assert refusal(perpetual_document(venue="binance")) == (
        f"{FILE}: {AT_SOL}.symbol: {SOL} is not allowed: "
        'a spot market as BASE/QUOTE, such as "PAXG/USDT": nothing else is traded at binance'
    )


def test_a_venue_with_one_leverage_for_the_account_gets_one() -> None:
    held = {"leverage": 4, "max_exposure": 2}
    two = (perpetual_market(), perpetual_market("BTC/USDC:USDC", 2, perpetual=held))
    assert refusal(perpetual_document(*two)) == (
        f"{FILE}: accounts.main.markets[1 BTC/USDC:USDC].perpetual.leverage: 4 is not allowed: "
        f"2, that of {SOL}: backpack has one leverage for the whole account"
    )
    deployment = parse(perpetual_document(*two, venue="binanceusdm"))
    markets = deployment.accounts[AccountName("main")].markets
    assert [each.perpetual and each.perpetual.leverage for each in markets] == [2, 4]


def test_shares_of_collateral_sum_to_the_whole_at_most() -> None:  # S2a
    part: dict[str, Any] = {"capital_quote": {"share": Decimal("0.6")}}
    two = (perpetual_market(**part), perpetual_market("BTC/USDC:USDC", 2, **part))
    assert refusal(perpetual_document(*two)) == (
        f"{FILE}: accounts.main.markets: a sum of USDC shares of 1.2 ({SOL} 0.6, BTC/USDC:USDC 0.6) is not allowed: "
        "at most 1 of an asset over all markets of an account"
    )


PERPETUAL_VENUES = ("backpack", "binanceusdm")
LOOKED = ("accounts", "main", "accept_unverified_key")


@pytest.mark.parametrize("venue", PERPETUAL_VENUES)
def test_a_venue_that_does_not_tell_of_keys_wants_a_humans_word_where_money_is(venue: str) -> None:  # R26
    live = perpetual_document(venue=venue, stage="live")
    assert refusal(live) == (
        f"{FILE}: accounts.main.accept_unverified_key: false is not allowed: true, once you have seen at {venue} that "
        "neither key of the account may withdraw: it does not tell"
    )
    assert parse(changed(live, LOOKED, True)).accounts[AccountName("main")].accepts_unverified_key
    assert (
        not parse(perpetual_document(venue=venue, stage="local")).accounts[AccountName("main")].accepts_unverified_key
    )


def test_a_venue_that_tells_of_keys_is_asked_whatever_the_file_says() -> None:  # R26
    assert refusal(changed(minimal_document(), LOOKED, True)) == (
        f"{FILE}: accounts.main.accept_unverified_key: true is not allowed: only where the venue does not tell what a "
        "key may do; binance does, and is asked"
    )


def test_a_venue_without_a_test_environment_has_no_testnet_stage() -> None:
    assert refusal(perpetual_document(venue="backpack", stage="testnet")) == (
        f'{FILE}: accounts.main.venue: "backpack" in the testnet stage is not allowed: '
        'another stage: backpack has no test environment; try it with stage = "paper" or "local"'
    )
    parse(changed(perpetual_document(venue="binanceusdm", stage="testnet"), LOOKED, True))


def test_a_perpetual_on_paper_opens_with_its_collateral_alone() -> None:
    on_paper = perpetual_document(venue="binanceusdm", stage="paper")
    document = changed(on_paper, ("accounts", "main", "paper"), {"USDC": 1000})
    assert parse(document).paper == {"main": {"USDC": 1000}}
    assert "paper.SOL: 1 is not allowed: an asset of the account's markets, which are USDC" in refusal(
        changed(document, ("accounts", "main", "paper", "SOL"), 1)
    )


def test_a_paper_account_holds_positions_on_cross_margin() -> None:
    market = perpetual_market(perpetual={"margin_mode": "isolated"})
    document = perpetual_document(market, venue="binanceusdm", stage="paper")
    assert refusal(changed(document, ("accounts", "main", "paper"), {"USDC": 1000})) == (
        f'{FILE}: {AT_SOL}.perpetual.margin_mode: "isolated" is not allowed: "cross" in the paper stage: '
        "there all is held on cross margin"
    )


@pytest.mark.parametrize(
    ("held", "is_live"),
    [
        ({"max_exposure": 1}, True),
        ({"min_liquidation_distance": Decimal("0.2")}, True),
        ({"leverage": 3}, False),
        ({"margin_mode": "isolated"}, False),
    ],
)
def test_limits_of_a_perpetual_change_live_but_not_how_it_is_held(held: dict[str, Any], is_live: bool) -> None:  # R28
    deployed = parse(perpetual_document(venue="binanceusdm"))
    wanted = parse(perpetual_document(perpetual_market(perpetual=held), venue="binanceusdm"))
    adopted = adopt(deployed, wanted)
    assert (adopted is wanted) == is_live
    assert isinstance(adopted, NeedsDeploy) != is_live


def test_a_login_whose_ids_are_numbers_must_be_ours_alone() -> None:  # R4
    document = perpetual_document(venue="backpack")
    assert parse(document).accounts[AccountName("main")].numbers_orders
    del document["accounts"]["main"]["dedicated"]
    assert refusal(document) == (
        f"{FILE}: accounts.main.dedicated: false is not allowed: true at backpack: an order id of 32 bits cannot tell "
        "our orders from a stranger's for sure"
    )
    assert not parse(perpetual_document(venue="binanceusdm")).accounts[AccountName("main")].numbers_orders
