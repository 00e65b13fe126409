"""Keys that do not belong, keys that are missing, and files that are no TOML: refused by name or line (R12)."""

import re
from pathlib import Path as FilePath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketmaker.config import load_deployment, parse_deployment
from marketmaker.errors import ConfigError
from tests.unit.config.documents import (
    ETH,
    FILE,
    MISSING,
    PAXG,
    RISK_KEYS,
    Path,
    changed,
    full_document,
    leaves,
    minimal_document,
    place,
    quoted,
    refusal,
    tables,
    text_of,
)

AT_PAXG = "accounts.main.markets[0 PAXG/USDT]"
AT_ETH = "accounts.main.markets[1 ETH/USDT]"
DISTANCE = "{ quote = ... } or { bps = ... }"
HALF_SPREAD = (
    f'{DISTANCE} or {{ model = "sigma_optimal" }} or {{ model = "avellaneda_stoikov", gamma = ... }} or '
    '{ model = "glft", gamma = ... } or { model = "regime", narrow = ..., wide = ... }'
)
CAPITAL = "{ amount = ... } or { share = ... }"
EXACT = "a number of at most 15 digits before the point and 18 after it"
POLICY = 'one of "shift", "bid_only", "both_sides", "position", "reservation"'
NAME = "a name of 1 to 12 of a-z, 0-9 and -, starting with a letter"
SHIFT_KEYS = "min_ratio, max_ratio, max_shift_share, ramp_ratio"
MARKET_KEYS = (
    "symbol, number, preset, capital_base, capital_quote, opening_cost_quote, fees, fair_price, depth_levels, "
    "reference, implied, triangle, max_deviation_bps, half_spread, assumed_volatility, max_statistics_age_s, "
    "order_size_base, max_order_size_base, ladder, touch, inventory, size_skew, carry, break_even, run_guard, "
    "stop_loss, take_profit_quote, max_exit_slippage_bps, cool_down_s, perpetual, price_band, max_notional_quote, "
    "max_volatility, min_day_volume_quote, events, floors, replace, max_book_age_s, post_only"
)


def test_a_key_of_the_other_policy_is_refused_as_such() -> None:
    message = refusal(changed(full_document(), (*PAXG, "inventory", "half_spread_above"), {"bps": 3}))

    assert message == (
        f"{FILE}: {AT_PAXG}.inventory.half_spread_above: {{ bps = 3 }} is not allowed: "
        f'a key of another policy; "shift" takes {SHIFT_KEYS}'
    )


UNKNOWN: list[tuple[Path, object, str]] = [
    (("nmae",), "x", 'nmae: "x" is not allowed: an unknown key, did you mean name? allowed here: '
     "name, tag, stage, armed, standby_of, region, egress, alerts, memory_mb, clocks, portfolio, accounts"),
    (("egres",), "static", 'egres: "static" is not allowed: an unknown key, did you mean egress? allowed here: '
     "name, tag, stage, armed, standby_of, region, egress, alerts, memory_mb, clocks, portfolio, accounts"),
    (("alerts", "phone"), ["+819012345678"], 'alerts.phone: ["+819012345678"] is not allowed: an unknown key; '
     "allowed here: email, sms, hooks, remind_every_min"),
    (("memory_mb", "report"), 512, "memory_mb.report: 512 is not allowed: an unknown key; allowed here: "
     "replace_quotes, check_risk, halt, fetch_prices, schedule_ticks, relay_alerts"),
    (("accounts", "main", "risk", "max_drawdown"), 5, "accounts.main.risk.max_drawdown: 5 is not allowed: "
     f"an unknown key, did you mean max_drawdown_share? allowed here: {RISK_KEYS}"),
    ((*PAXG, "half_sprad"), 1, f"{AT_PAXG}.half_sprad: 1 is not allowed: an unknown key, did you mean half_spread? "
     f"allowed here: {MARKET_KEYS}"),
    ((*PAXG, "zzz"), [1, "a"], f'{AT_PAXG}.zzz: [1, "a"] is not allowed: an unknown key; allowed here: {MARKET_KEYS}'),
    ((*PAXG, "half_spread"), {"bsp": 3}, f"{AT_PAXG}.half_spread.bsp: 3 is not allowed: an unknown key, "
     "did you mean bps? allowed here: model, quote, bps, distribution, multiple, gamma, horizon_s, decay, intensity, "
     "narrow, wide, larger, smaller, compact"),
    ((*PAXG, "capital_base"), {"amont": 3}, f"{AT_PAXG}.capital_base.amont: 3 is not allowed: an unknown key, "
     "did you mean amount? allowed here: amount, share"),
    ((*PAXG, "inventory"), {"polcy": "shift"}, f'{AT_PAXG}.inventory.polcy: "shift" is not allowed: an unknown key, '
     f"did you mean policy? allowed here: policy, {SHIFT_KEYS}, half_spread_below, half_spread_above, target_base, "
     "threshold_base, max_base, skew, effect, ramp"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "expected"), UNKNOWN)
def test_an_unknown_key_is_refused_with_those_allowed(path: Path, value: object, expected: str) -> None:
    assert refusal(changed(full_document(), path, value)) == f"{FILE}: {expected}"


@given(
    path=st.sampled_from(list(tables(full_document()))),
    key=st.text(min_size=1).filter(lambda text: text.isprintable()),
    value=st.one_of(st.integers(), st.booleans(), st.sampled_from(["text", {"a": 1}, ["b"]])),
)
def test_an_unknown_key_anywhere_is_refused_and_named(path: Path, key: str, value: object) -> None:
    document = full_document()
    known = {step for each in tables(document) for step in each} | {path[-1] for path, _ in leaves(document)}
    assume(key not in known | {"price_band", "capital_base"})

    message = refusal(changed(document, (*path, key), value))

    written = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else quoted(key)
    at = f"{place(document, path)}.{written}" if path else written
    assert message.startswith(f"{FILE}: {at}: ")
    assert " is not allowed: an unknown key" in message


REQUIRED = [path for path, _ in leaves(minimal_document())] + [
    (*PAXG, "capital_base"),
    (*PAXG, "capital_quote"),
    (*PAXG, "fees"),
    (*PAXG, "half_spread"),
    (*PAXG, "price_band"),
    ("accounts", "main", "markets"),
    ("accounts",),
]


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_key_is_refused_and_named(path: Path) -> None:
    document = changed(minimal_document(), path, MISSING)
    at = place(document, path)

    message = refusal(document)

    if path[-1] in {"amount", "quote"}:
        parent = at.rpartition(".")[0]
        allowed = CAPITAL if path[-1] == "amount" else HALF_SPREAD
        assert message == f"{FILE}: {parent}: {{}} is not allowed: {allowed}"
    else:
        assert message.startswith(f"{FILE}: {at}: a missing key is not allowed: it is required, ")


@pytest.mark.parametrize(
    ("key", "allowed"),
    [("policy", POLICY), ("half_spread_below", DISTANCE), ("half_spread_above", DISTANCE)],
)
def test_a_missing_key_of_a_policy_is_refused_and_named(key: str, allowed: str) -> None:
    message = refusal(changed(full_document(), (*ETH, "inventory", key), MISSING))

    assert message == f"{FILE}: {AT_ETH}.inventory.{key}: a missing key is not allowed: it is required, {allowed}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = 'x'\ntag = \n", 'line 2, column 7: "tag =" is not allowed: valid TOML (Invalid value)'),
        ("a = 1\r\n\r\nb 2", 'line 3, column 3: "b 2" is not allowed: valid TOML '
         "(Expected '=' after a key in a key/value pair)"),
        ("a = '''\nx\n\n", "line 2: \"x\" is not allowed: valid TOML (Expected \"'''\" (at end of document))"),
        ("a = 1\na = 2 # again\n", 'line 2, column 6: "a = 2 # again" is not allowed: valid TOML '
         "(Cannot overwrite a value)"),
        ("a = 1e99999999999999999999", f"a value: too long or too deeply nested is not allowed: {EXACT}"),
        (f"a = {'9' * 5000}", f"a value: too long or too deeply nested is not allowed: {EXACT}"),
        ("", "name: a missing key is not allowed: it is required, " + NAME),
    ],
)  # fmt: skip
def test_text_that_is_no_toml_is_refused_with_its_line(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_deployment(text, file=FILE)

    assert str(caught.value) == f"{FILE}: {expected}"


def test_a_long_value_is_cut() -> None:
    message = refusal(changed(full_document(), (*PAXG, "extra"), ["long"] * 1000))

    assert "..." in message
    assert len(message) < 800


def test_a_date_is_no_number() -> None:
    text = text_of(minimal_document()).replace('"order_size_base" = 0.1', '"order_size_base" = 2025-01-01')

    with pytest.raises(ConfigError, match="order_size_base: 2025-01-01 is not allowed: a number above 0"):
        parse_deployment(text, file=FILE)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: FilePath) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match=r"absent\.toml: the file: unreadable is not allowed: UTF-8 text \(.*No such"):
        load_deployment(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match=r"binary\.toml: the file: unreadable is not allowed: UTF-8 text \(.*decode"):
        load_deployment(binary)
