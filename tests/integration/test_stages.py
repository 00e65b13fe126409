"""Where each stage's requests go, and what signs them: the same use cases, other adapters (S6)."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import boto3
import pytest
from moto import mock_aws

from infra.local.tables import create_tables
from marketmaker.bootstrap.desks import build_desk
from marketmaker.bootstrap.environment import Environment
from marketmaker.bootstrap.terminal import open_key_desks
from marketmaker.config import Deployment, parse_deployment
from marketmaker.domain.units import AccountName
from marketmaker.errors import ConfigError, Fatal
from marketmaker.ports import Deadline, Unknown
from marketmaker.usecases.desk import Desk
from tests.fakes.sinks import RecordingTelemetry
from tests.tables import use_fake_credentials
from tests.unit.config.documents import changed, minimal_document, text_of
from tests.unit.config.perpetuals import perpetual_document

MAIN = AccountName("main")
API, TESTNET = "api.binance.com", "testnet.binance.vision"


@dataclass
class Answers:
    """A server on this machine that answers everything with an empty list, and remembers who was meant."""

    address: str
    hosts: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@pytest.fixture
def here() -> Iterator[Answers]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.hosts.append(str(self.headers["X-Sim-Host"]))
            answers.keys.append(self.headers["X-MBX-APIKEY"] or self.headers["X-API-KEY"])
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    answers = Answers(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield answers
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_fake_credentials(monkeypatch)
    with mock_aws():
        yield


def deployment_of(stage: str) -> Deployment:
    document = changed(minimal_document(), ("stage",), stage)
    if stage == "paper":
        document = changed(document, ("accounts", "main", "paper"), {"PAXG": 5, "USDT": 9000})
    return parse_deployment(text_of(document), file="test.toml")


def perpetual_deployment_of(stage: str, venue: str) -> Deployment:
    document = perpetual_document(venue=venue, stage=stage)
    return parse_deployment(
        text_of(changed(document, ("accounts", "main", "accept_unverified_key"), True)), file="test.toml"
    )


def prepare(deployment: Deployment) -> None:
    """Make the tables and a key that each venue can read."""
    create_tables(
        state_table=deployment.state_table,
        ledger_table=deployment.ledger_table,
        prices_table=deployment.prices_table,
        region=deployment.region,
    )
    text = json.dumps({"api_key": "the-key", "secret": b64encode(bytes(32)).decode()})
    secrets = boto3.client("secretsmanager", region_name=deployment.region)
    secrets.create_secret(Name=deployment.secret_name(MAIN, "trade"), SecretString=text)


def environment(endpoint: str | None) -> Environment:
    return Environment.read({"MM_DEPLOYMENT_FILE": "x"} | ({} if endpoint is None else {"MM_VENUE_ENDPOINT": endpoint}))


def open_desk(deployment: Deployment, endpoint: str | None) -> Desk:
    return build_desk(environment(endpoint), deployment, deployment.accounts[MAIN], "trade", RecordingTelemetry())


def deadline(desk: Desk) -> Deadline:
    return Deadline(at_ms=desk.clock.now_ms() + 5_000, clock=desk.clock)


@pytest.mark.parametrize(("stage", "host"), [("local", API), ("testnet", TESTNET), ("live", API)])
def test_a_stage_with_a_key_signs_for_its_venue(here: Answers, stage: str, host: str) -> None:
    deployment = deployment_of(stage)
    prepare(deployment)
    desk = open_desk(deployment, here.address)

    assert desk.venue.open_orders(deadline(desk)) == ()
    assert (here.hosts, here.keys) == ([host], ["the-key"])


@pytest.mark.parametrize(
    ("venue", "stage", "host"),
    [
        ("binanceusdm", "local", "fapi.binance.com"),
        ("binanceusdm", "testnet", "demo-fapi.binance.com"),
        ("binanceusdm", "live", "fapi.binance.com"),
        ("backpack", "local", "api.backpack.exchange"),
        ("backpack", "live", "api.backpack.exchange"),
    ],
)
def test_a_stage_with_a_key_signs_for_its_venue_of_perpetuals(here: Answers, venue: str, stage: str, host: str) -> None:
    deployment = perpetual_deployment_of(stage, venue)
    prepare(deployment)
    desk = open_desk(deployment, here.address)

    assert desk.venue.open_orders(deadline(desk)) == ()
    assert (set(here.hosts), set(here.keys)) == ({host}, {"the-key"})


def test_paper_reads_the_venue_itself_without_a_key_and_without_a_secret(here: Answers) -> None:
    deployment = deployment_of("paper")
    create_tables(
        state_table=deployment.state_table,
        ledger_table=deployment.ledger_table,
        prices_table=deployment.prices_table,
        region=deployment.region,
    )
    desk = open_desk(deployment, here.address)

    seen = desk.venue.observe(desk.settings.symbols, desk.settings.symbols, deadline(desk))

    assert not isinstance(seen.balances, Unknown)
    assert {str(asset): str(each.total) for asset, each in seen.balances.items()} == {"PAXG": "5", "USDT": "9000"}
    assert set(here.hosts) == {API}
    assert set(here.keys) == {None}


def test_a_desk_knows_its_way_out_unless_the_venue_is_here(here: Answers) -> None:  # R26
    deployment = deployment_of("live")
    prepare(deployment)
    told = Environment.read({"MM_DEPLOYMENT_FILE": "x", "MM_EGRESS_ADDRESS": "203.0.113.7"})
    abroad = build_desk(told, deployment, deployment.accounts[MAIN], "trade", RecordingTelemetry())

    assert abroad.seen_from() == " We asked from 203.0.113.7, which stays."
    assert open_desk(deployment, here.address).seen_from() == ""


@pytest.mark.parametrize("stage", ["testnet", "live"])
def test_a_stage_with_a_key_does_not_start_without_it(here: Answers, stage: str) -> None:
    with pytest.raises(Fatal, match="secret marketmaker/test/main/trade does not exist"):
        open_desk(deployment_of(stage), here.address)


@pytest.mark.parametrize("endpoint", [None, ""])
def test_the_local_stage_reaches_nothing_without_an_endpoint(endpoint: str | None) -> None:
    deployment = deployment_of("local")
    prepare(deployment)

    with pytest.raises(ConfigError) as caught:
        open_desk(deployment, endpoint)

    assert str(caught.value) == (
        "MM_VENUE_ENDPOINT: nothing is not allowed: the address of the local exchange, where the stage is local"
    )


@pytest.mark.parametrize("stage", ["local", "paper", "testnet", "live"])
def test_no_stage_is_routed_away_from_this_machine(stage: str) -> None:
    deployment = deployment_of(stage)
    prepare(deployment)

    with pytest.raises(ConfigError, match=r"MM_VENUE_ENDPOINT: http://203\.0\.113\.1 is not allowed"):
        open_desk(deployment, "http://203.0.113.1")


def test_the_paper_stage_has_no_keys_to_look_after(tmp_path: Path) -> None:
    file = tmp_path / "paper.toml"
    document = changed(minimal_document(), ("stage",), "paper")
    file.write_text(text_of(changed(document, ("accounts", "main", "paper"), {"PAXG": 5, "USDT": 9000})))

    with pytest.raises(ConfigError, match="paper trading uses no keys"):
        open_key_desks(str(file), None)
