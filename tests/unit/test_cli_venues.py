"""`mm venues` prints the capability table, and `mm config check` what a preset came to."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marketmaker.cli import app
from marketmaker.cli.style import console
from marketmaker.domain.venues import VENUES
from tests.unit.config.documents import text_of
from tests.unit.config.perpetuals import perpetual_document, perpetual_market


def test_every_venue_is_a_column_and_what_it_can_do_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_width", 120)
    ended = CliRunner().invoke(app, ["venues"])
    assert ended.exit_code == 0
    lines = ended.stdout.splitlines()
    assert lines[0].split() == list(VENUES)
    rows = {line[:20].strip(): line[20:].split() for line in lines[2:-1]}
    assert rows["batch, create"] == ["1", "5", "20"]
    assert rows["dead man's switch"] == ["none", "implicit", "none"]
    assert rows["test environment"] == ["sandbox", "demo", "none"]
    assert rows["deployments"] == ["yes", "public", "books", "only", "yes", "yes"]
    assert rows["fees, maker / taker"] == ["10", "/", "10", "bps", "2", "/", "5", "bps", "2", "/", "5", "bps"]


def test_json_has_every_venue_with_every_fact() -> None:
    found = {each["name"]: each for each in json.loads(CliRunner().invoke(app, ["venues", "--json"]).stdout)}
    assert list(found) == list(VENUES)
    assert found["binanceus"]["trading"] is None
    assert {name for name, each in found.items() if each["deployments"]} == {"binance", "binanceusdm", "backpack"}
    assert found["backpack"] == {
        "name": "backpack",
        "kinds": ["perpetual"],
        "deployments": True,
        "request_weight_a_minute": 2_000,
        "kline_ms": 60_000,
        "trading": {
            "maker_bps": "2",
            "taker_bps": "5",
            "post_only": True,
            "immediate_or_cancel": True,
            "reduce_only": True,
            "create_batch": 20,
            "cancel_batch": 1,
            "amend": "none",
            "dead_mans_switch": "none",
            "test_environment": "none",
            "client_id": "uint32",
            "max_market_number": 15,
            "max_request_ttl_ms": 60_000,
            "hedge_mode": False,
            "leverage": "account",
            "margin_modes": ["cross"],
            "tells_key_permissions": False,
        },
    }


@pytest.fixture
def preset_file(tmp_path: Path) -> str:
    file = tmp_path / "perpetual.toml"
    file.write_text(text_of(perpetual_document(perpetual_market(preset="neutral"))), encoding="utf-8")
    return str(file)


def test_check_prints_what_a_preset_came_to_with_what_the_file_says_over_it(preset_file: str) -> None:
    ended = CliRunner().invoke(app, ["config", "check", preset_file])
    assert ended.exit_code == 0, ended.stderr
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("preset ")]
    assert line.startswith("preset neutral at main SOL/USDC:USDC: half_spread.bps 100, order_size_base 0.1, ")
    assert line.endswith("stop_loss.loss_quote 100, take_profit_quote 200")
    assert "inventory.max_base 5, inventory.skew 0.7" in line


def test_check_has_presets_in_json(preset_file: str) -> None:
    (found,) = json.loads(CliRunner().invoke(app, ["config", "check", preset_file, "--json"]).stdout)
    (use,) = found["presets"]
    assert (use["account"], use["symbol"], use["preset"]) == ("main", "SOL/USDC:USDC", "neutral")
    assert use["values"]["ladder.levels"] == "2"
