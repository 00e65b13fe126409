"""Every wrong value and contradiction in a deployment file, and the one line that says so (R12)."""

import re
from decimal import Decimal

import pytest

from tests.unit.config.documents import (
    ETH,
    FILE,
    PAXG,
    RISK_KEYS,
    Path,
    changed,
    full_document,
    minimal_document,
    minimal_market,
    place,
    refusal,
)

AT_PAXG = "accounts.main.markets[0 PAXG/USDT]"
AT_ETH = "accounts.main.markets[1 ETH/USDT]"
NUMBER_ABOVE_0 = "a number above 0"
SHARE = "a share above 0 and at most 1"
RATIO = "a ratio from 0 to 1"
BPS = "bps above 0 and below 10000"
FEE = "bps from -100 to 100, a rebate below 0"
DISTANCE = "{ quote = ... } or { bps = ... }"
HALF_SPREAD = (
    f'{DISTANCE} or {{ model = "sigma_optimal" }} or {{ model = "avellaneda_stoikov", gamma = ... }} or '
    '{ model = "glft", gamma = ... } or { model = "regime", narrow = ..., wide = ... }'
)
CAPITAL = "{ amount = ... } or { share = ... }"
BAND = "{ low = ..., high = ... } or { bps = ... }"
EXACT = "a number of at most 15 digits before the point and 18 after it"
INTERVAL = "whole seconds from 1 to 60 that divide 60 evenly"
REGION = 'an AWS region such as "ap-northeast-1"'
SYMBOL = 'a spot market as BASE/QUOTE, such as "PAXG/USDT", or a perpetual as BASE/QUOTE:QUOTE, such as "SOL/USDC:USDC"'
VENUES = 'one of "binance", "binanceusdm", "backpack"'
BELOW_AND_ABOVE = "half_spread_below = ..., half_spread_above = ..."
INVENTORY = (
    f'{{ policy = "shift" }} or {{ policy = "bid_only", {BELOW_AND_ABOVE} }} or '
    f'{{ policy = "both_sides", {BELOW_AND_ABOVE} }} or {{ policy = "position", max_base = ... }} or '
    '{ policy = "reservation" }'
)
POLICY = 'one of "shift", "bid_only", "both_sides", "position", "reservation"'
FAIR_PRICE = 'one of "last", "mid", "microprice", "depth_weighted", "reference", "implied"'
NAME = "a name of 1 to 12 of a-z, 0-9 and -, starting with a letter"
ACCOUNT = "an account name of 1 to 20 of a-z, 0-9 and _, starting with a letter"
TAG = "exactly 3 of 0-9 and a-z, unique per venue login"
CLOCK_KEYS = "interval_s, request_timeout_ms, request_ttl_ms, function_timeout_s"
STAGES = 'one of "local", "paper", "testnet", "live"'
EGRESS = 'one of "dynamic", "static"'
EMAIL = 'an e-mail address such as "me@example.com"'
PHONE = 'a phone number in E.164 form such as "+819012345678"'
MEGABYTES = "a whole number from 128 to 10240"
MEMORY_KEYS = "replace_quotes, check_risk, halt, fetch_prices, schedule_ticks, relay_alerts"
RESPONSES = 'one of "alert", "quote_longer", "widen", "pull_side", "cancel", "reduce", "close", "halt"'
RISK: Path = ("accounts", "main", "risk")


TOP_LEVEL: list[tuple[Path, object, str, str]] = [
    (("name",), "Test", '"Test"', NAME),
    (("name",), "a-name-far-too-long", '"a-name-far-too-long"', NAME),
    (("name",), 7, "7", NAME),
    (("tag",), "abcd", '"abcd"', TAG),
    (("tag",), "aBc", '"aBc"', TAG),
    (("region",), "tokyo", '"tokyo"', REGION),
    (("region",), True, "true", REGION),
    (("stage",), "prod", '"prod"', STAGES),
    (("stage",), "Live", '"Live"', STAGES),
    (("stage",), 1, "1", STAGES),
    (("armed",), "yes", '"yes"', "true or false"),
    (("armed",), 1, "1", "true or false"),
    (("egress",), "nat", '"nat"', EGRESS),
    (("alerts",), [], "[]", "a table with any of email, sms, hooks, remind_every_min"),
    (("alerts", "email"), "me@example.com", '"me@example.com"', f"at least one element, each {EMAIL}"),
    (("alerts", "email"), [], "[]", f"at least one element, each {EMAIL}"),
    (("alerts", "email", 1), "me", '"me"', EMAIL),
    (("alerts", "email", 1), "me@example", '"me@example"', EMAIL),
    (("alerts", "email", 0), "a b@example.com", '"a b@example.com"', EMAIL),
    (("alerts", "email", 0), 5, "5", EMAIL),
    (("alerts", "sms", 0), "819012345678", '"819012345678"', PHONE),
    (("alerts", "sms", 0), "+0123456789", '"+0123456789"', PHONE),
    (("alerts", "sms", 0), "+81 90 1234 5678", '"+81 90 1234 5678"', PHONE),
    (("memory_mb",), 512, "512", f"a table with any of {MEMORY_KEYS}"),
    (("memory_mb", "halt"), 127, "127", MEGABYTES),
    (("memory_mb", "check_risk"), 10_241, "10241", MEGABYTES),
    (("memory_mb", "replace_quotes"), "1 GB", '"1 GB"', MEGABYTES),
    (
        RISK,
        "cancel",
        '"cancel"',
        f"a table with any of {RISK_KEYS}",
    ),
    ((*RISK, "price_band"), "stop", '"stop"', RESPONSES),
    ((*RISK, "stale_data"), True, "true", RESPONSES),
    ((*RISK, "drawdown"), "HALT", '"HALT"', RESPONSES),
    ((*RISK, "max_drawdown_share"), 0, "0", SHARE),
    ((*RISK, "max_drawdown_share"), 5, "5", SHARE),
    ((*RISK, "max_drawdown_share"), "5 %", '"5 %"', SHARE),
    (("accounts",), {}, "{}", "at least one table"),
    (("accounts",), 3, "3", "at least one table"),
    (("accounts", "main"), "binance", '"binance"', "{ venue = ..., markets = ... }"),
    (("accounts", "main", "venue"), "binanse", '"binanse"', VENUES),
    (("accounts", "main", "venue"), 1, "1", VENUES),
    (("accounts", "main", "dedicated"), 1, "1", "true or false"),
    (("accounts", "main", "dedicated"), "yes", '"yes"', "true or false"),
    (("accounts", "main", "markets"), [], "[]", "at least one table"),
    (("accounts", "main", "markets"), {}, "{}", "at least one table"),
    (("clocks",), [], "[]", f"a table with any of {CLOCK_KEYS}"),
    (("clocks", "interval_s"), 0, "0", INTERVAL),
    (("clocks", "interval_s"), 7, "7", INTERVAL),
    (("clocks", "interval_s"), 120, "120", INTERVAL),
    (("clocks", "interval_s"), Decimal("5.0"), "5.0", INTERVAL),
    (("clocks", "request_timeout_ms"), 0, "0", "a whole number from 1 to 60000"),
    (("clocks", "request_ttl_ms"), 60_001, "60001", "a whole number from 1 to 60000"),
    (("clocks", "function_timeout_s"), 901, "901", "a whole number from 1 to 900"),
]

MARKET: list[tuple[Path, object, str, str]] = [
    (("number",), 1296, "1296", "a whole number from 0 to 1295"),
    (("number",), -1, "-1", "a whole number from 0 to 1295"),
    (("number",), True, "true", "a whole number from 0 to 1295"),
    (("number",), "1", '"1"', "a whole number from 0 to 1295"),
    (("capital_base",), {}, "{}", CAPITAL),
    (("capital_base",), 10, "10", CAPITAL),
    (
        ("capital_base",),
        {"amount": 1, "share": Decimal("0.5")},
        "{ amount = 1, share = 0.5 }",
        f"only one of {CAPITAL}",
    ),
    (("capital_base", "amount"), -1, "-1", "a number, 0 or more"),
    (("capital_quote",), {"share": 0}, "", SHARE),
    (("capital_quote",), {"share": Decimal("1.01")}, "", SHARE),
    (("opening_cost_quote",), 0, "0", NUMBER_ABOVE_0),
    (("fees", "maker_bps"), Decimal("-100.1"), "-100.1", FEE),
    (("fees", "taker_bps"), 101, "101", FEE),
    (("fees", "taker_bps"), True, "true", FEE),
    (("fair_price",), "median", '"median"', FAIR_PRICE),
    (("half_spread",), Decimal("0.5"), "0.5", HALF_SPREAD),
    (
        ("half_spread",),
        {"quote": Decimal("0.5"), "bps": 3},
        "{ quote = 0.5, bps = 3 }",
        f"only one of {DISTANCE}",
    ),
    (("half_spread", "quote"), 0, "0", NUMBER_ABOVE_0),
    (("half_spread",), {"bps": 10_000}, "", BPS),
    (("half_spread",), {"bps": 0}, "", BPS),
    (("order_size_base",), 0, "0", NUMBER_ABOVE_0),
    (("order_size_base",), "0.1", '"0.1"', NUMBER_ABOVE_0),
    (("order_size_base",), Decimal("nan"), "NaN", NUMBER_ABOVE_0),
    (("order_size_base",), Decimal("inf"), "Infinity", NUMBER_ABOVE_0),
    (("order_size_base",), Decimal("1e15"), "1E+15", EXACT),
    (("order_size_base",), Decimal("1e-19"), "1E-19", EXACT),
    (("order_size_base",), Decimal("1.0000000000000000001"), "1.0000000000000000001", EXACT),
    (("order_size_base",), 2**64, hex(2**64), EXACT),
    (("inventory",), {"policy": "shift", "min_ratio": Decimal("-0.1")}, "", RATIO),
    (("inventory", "max_ratio"), Decimal("1.1"), "1.1", RATIO),
    (("inventory", "max_shift_share"), 0, "0", SHARE),
    (("inventory", "ramp_ratio"), Decimal("1.5"), "1.5", SHARE),
    (
        ("inventory",),
        {"policy": "shift", "min_ratio": Decimal("0.5"), "max_ratio": Decimal("0.50")},
        '{ policy = "shift", min_ratio = 0.5, max_ratio = 0.50 }',
        "min_ratio (0.5) below max_ratio (0.5)",
    ),
    (
        ("inventory",),
        {"policy": "shift", "max_ratio": Decimal("0.1")},
        '{ policy = "shift", max_ratio = 0.1 }',
        "min_ratio (0.2) below max_ratio (0.1)",
    ),
    (("inventory",), "shift", '"shift"', INVENTORY),
    (("inventory", "policy"), "widen", '"widen"', POLICY),
    (("inventory", "policy"), ["shift"], '["shift"]', POLICY),
    (("price_band",), {"low": 2000, "high": 2000}, "{ low = 2000, high = 2000 }", "low below high"),
    (("price_band",), {"low": 1, "high": 2, "bps": 3}, "{ low = 1, high = 2, bps = 3 }", f"only one of {BAND}"),
    (("price_band", "low"), 0, "0", NUMBER_ABOVE_0),
    (("price_band",), {"bps": 10_000}, "", BPS),
    (("replace", "price_share"), Decimal("-0.1"), "-0.1", RATIO),
    (("replace", "size_share"), 2, "2", RATIO),
    (("replace", "max_age_s"), -1, "-1", "a whole number from 0 to 86400"),
    (("max_book_age_s",), 0, "0", "a whole number from 1 to 3600"),
    (("max_book_age_s",), Decimal("1.5"), "1.5", "a whole number from 1 to 3600"),
]


@pytest.mark.parametrize(("path", "value", "shown", "allowed"), TOP_LEVEL)
def test_a_wrong_value_is_refused_with_its_place(path: Path, value: object, shown: str, allowed: str) -> None:
    document = changed(full_document(), path, value)

    assert refusal(document) == f"{FILE}: {place(document, path)}: {shown} is not allowed: {allowed}"


@pytest.mark.parametrize(("path", "value", "shown", "allowed"), MARKET)
def test_a_wrong_market_value_is_refused_with_its_place(path: Path, value: object, shown: str, allowed: str) -> None:
    document = changed(full_document(), (*PAXG, *path), value)
    if isinstance(value, dict) and not shown:
        key, inner = list(value.items())[-1]
        path, shown = (*path, key), str(inner)

    expected = f"{FILE}: {AT_PAXG}.{'.'.join(map(str, path))}: {shown} is not allowed: {allowed}"
    assert refusal(document) == expected


NO_SYMBOLS = [
    *("PAXGUSDT", "PAXG/", "paxg/usdt", "PAXG/PAXG", "A/B/C", " A/B", 5),
    *("SOL/USDC:SOL", "SOL/USDC:", "SOL/SOL:SOL", "SOL/USDC:USDC-260327", "SOL:USDC"),
]


@pytest.mark.parametrize("symbol", NO_SYMBOLS)
def test_a_symbol_that_is_no_market_is_refused(symbol: object) -> None:
    shown = f'"{symbol}"' if isinstance(symbol, str) else symbol

    message = refusal(changed(full_document(), (*PAXG, "symbol"), symbol))

    assert message == f"{FILE}: accounts.main.markets[0].symbol: {shown} is not allowed: {SYMBOL}"


@pytest.mark.parametrize("name", ["Main", "1st", "a-b", "x" * 21, "with space", "two\nlines", ""])
def test_an_account_name_that_aws_would_not_take_is_refused(name: str) -> None:
    document = minimal_document()
    document["accounts"][name] = document["accounts"].pop("main")

    assert re.fullmatch(rf'{FILE}: accounts\.\S.*: ".*" is not allowed: {ACCOUNT}', refusal(document))


def test_the_message_names_an_account_as_the_file_does() -> None:
    document = minimal_document()
    document["accounts"]["with space"] = document["accounts"].pop("main")

    assert refusal(document) == f'{FILE}: accounts."with space": "with space" is not allowed: {ACCOUNT}'


CONTRADICTIONS: list[tuple[Path, object, str]] = [
    (("armed",), True, "armed: true is not allowed: only in a live deployment, and this is testnet"),
    (
        (*RISK, "price_band"),
        "alert",
        'accounts.main.risk.price_band: alert is not allowed: "cancel" or "halt": nothing that adds risk may rest (S3)',
    ),
    (
        (*RISK, "stale_data"),
        "alert",
        'accounts.main.risk.stale_data: alert is not allowed: "cancel" or "halt": nothing that adds risk may rest (S3)',
    ),
    (
        (*ETH, "symbol"),
        "PAXG/USDT",
        "accounts.main.markets[1 PAXG/USDT].symbol: PAXG/USDT is not allowed: "
        "each symbol once in an account, and markets[0 PAXG/USDT] has it",
    ),
    (
        (*ETH, "number"),
        1,
        f"{AT_ETH}.number: 1 is not allowed: each number once in an account, and markets[0 PAXG/USDT] has it",
    ),
    (
        (*PAXG, "capital_quote"),
        {"share": Decimal("0.8")},
        "accounts.main.markets: a sum of USDT shares of 1.05 (PAXG/USDT 0.8, ETH/USDT 0.25) is not allowed: "
        "at most 1 of an asset over all markets of an account",
    ),
    (
        (*PAXG, "capital_base"),
        {"amount": 0},
        f"{AT_PAXG}.capital_quote: 0 beside a capital_base of 0 is not allowed: capital in at least one of them",
    ),
    (
        ("clocks",),
        {"interval_s": 2},
        "clocks: { interval_s = 2 } is not allowed: request_ttl_ms (2000) below the interval (2000 ms)",
    ),
    (
        ("clocks",),
        {"function_timeout_s": 3},
        "clocks: { function_timeout_s = 3 } is not allowed: "
        "function_timeout_s (3) of at least 2 request timeouts (2 x 2000 ms)",
    ),
]


@pytest.mark.parametrize(("path", "value", "expected"), CONTRADICTIONS)
def test_values_that_contradict_each_other_are_refused(path: Path, value: object, expected: str) -> None:
    document = full_document()
    if path == (*PAXG, "capital_base"):
        document = changed(document, (*PAXG, "capital_quote"), {"amount": 0})

    assert refusal(changed(document, path, value)) == f"{FILE}: {expected}"


def test_a_share_of_an_asset_counts_as_base_and_as_quote() -> None:
    document = full_document()
    document["accounts"]["main"]["markets"] = [
        minimal_market("BTC/USDT", 1) | {"capital_base": {"share": Decimal("0.6")}},
        minimal_market("PAXG/BTC", 2) | {"capital_quote": {"share": Decimal("0.5")}},
    ]

    assert "a sum of BTC shares of 1.1 (BTC/USDT 0.6, PAXG/BTC 0.5) is not allowed" in refusal(document)
