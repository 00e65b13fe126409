"""Prices made of other books, in processes of their own: another venue's in a tick, a triangle's once a minute."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.processes import FunctionProcess
from tests.contract.canned import BOOK, DAY, INFO, KLINES, MARKET, TIME, CannedExchange, Reply, always, canned
from tests.e2e.stage import ANSWER_TIMEOUT_S, REGION, Stage, local_aws, open_stage

BAND = "price_band = { low = 1500, high = 2500 }\n"
PRICED_ABROAD = BAND + '\n[accounts.main.markets.reference]\nvenue = "binanceus"\nsymbol = "PAXG/USDT"\n'
TRIANGLE = BAND + '\n[accounts.main.markets.implied]\nthrough = "BTC"\n\n[accounts.main.markets.triangle]\n'

MARKETS = {"PAXGUSDT": ("PAXG", "USDT"), "PAXGBTC": ("PAXG", "BTC"), "BTCUSDT": ("BTC", "USDT")}
FAIR = {"PAXGUSDT": ("1899.90", "1900.10"), "PAXGBTC": ("0.04999", "0.05001"), "BTCUSDT": ("37999", "38001")}
CHEAP_GOLD = FAIR | {"PAXGUSDT": ("1880.00", "1881.00")}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with local_aws(tmp_path_factory.mktemp("aws")) as variables:
        yield variables


def test_a_tick_quotes_round_another_venues_price(aws: dict[str, str], tmp_path: Path) -> None:  # M5
    """Both venues are one exchange here, which tells them apart by the host that was meant."""
    changes = {'fair_price = "mid"': 'fair_price = "reference"', BAND: PRICED_ABROAD}
    with open_stage(aws, tmp_path, changes=changes) as stage, stage.function("replace_quotes") as quoting:
        assert [stage.tick(quoting)["outcome"] for _ in range(2)] == ["done"] * 2
        (market,) = records(stage)[0]["markets"]
        own, _ = stage.orders()
        asked = stage.exchange()["requests"]["GET /api/v3/depth"]
    assert asked == 4
    assert "ignored" not in market
    saw = market["saw"]
    assert saw["second"] == [[saw["bids"][0][0], saw["asks"][0][0], 0], None]
    assert len(own) == 2


def records(stage: Stage) -> list[dict[str, Any]]:
    return [line for line in stage.log_of("replace_quotes") if "markets" in line]


def test_an_edge_round_a_triangle_reaches_the_topic_once_and_so_does_its_end(
    aws: dict[str, str], tmp_path: Path
) -> None:  # S15
    with open_stage(aws, tmp_path, changes={BAND: TRIANGLE}) as stage, canned() as exchange:
        inbox = Inbox(stage)
        told = {"MM_ACCOUNT": "", "MM_VENUE_ENDPOINT": exchange.address, "MM_TOPIC_INFO": inbox.topic}
        with stage.function("fetch_prices", **told) as fetching:
            for prices in (FAIR, CHEAP_GOLD, CHEAP_GOLD, FAIR, FAIR):
                list_markets(exchange, prices)
                assert fetch(fetching)["failures"] == {}
        opened, over = inbox.messages(2)
        looks = [line for line in stage.log_of("fetch_prices") if line["message"] == "triangle"]
    assert opened["kind"] == over["kind"] == "triangle_edge"
    assert "2.0000 PAXG bought here and sold through PAXG/BTC and BTC/USDT would earn 25.75 USDT" in opened["text"]
    assert "is over: -3" in over["text"]
    assert [float(each["edge_bps"]) > 0 for each in looks] == [False, True, True, False, False]
    assert all(each["symbols"] == ["PAXG/USDT", "PAXG/BTC", "BTC/USDT"] for each in looks)


def list_markets(exchange: CannedExchange, prices: Mapping[str, tuple[str, str]]) -> None:
    """Let the exchange list three markets at these best prices, two of each base a side."""

    def listed(params: dict[str, str]) -> list[str]:
        return [each for each in json.loads(params["symbols"]) if each in MARKETS]

    def book(params: dict[str, str]) -> Reply:
        bid, ask = prices[params["symbol"]]
        return always({"lastUpdateId": 1, "bids": [[bid, "2"]], "asks": [[ask, "2"]]})(params)

    def markets(params: dict[str, str]) -> Reply:
        rows = [
            {**MARKET, "symbol": each, "baseAsset": MARKETS[each][0], "quoteAsset": MARKETS[each][1]}
            for each in listed(params)
        ]
        return always({"symbols": rows})(params)

    def day(params: dict[str, str]) -> Reply:
        now_ms = int(time.time() * 1000)
        rows = [{"symbol": each, "volume": "1", "quoteVolume": "1", "closeTime": now_ms} for each in listed(params)]
        return always(rows)(params)

    exchange.answers |= {
        BOOK: book,
        INFO: markets,
        DAY: day,
        KLINES: always([]),
        TIME: lambda params: always({"serverTime": int(time.time() * 1000)})(params),
    }


def fetch(fetching: FunctionProcess) -> dict[str, Any]:
    summary: dict[str, Any] = fetching.invoke({}, timeout_s=ANSWER_TIMEOUT_S)["prices"]
    return summary


class Inbox:
    """A queue that gets what is published on the stage's info topic."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        name = stage.deployment.topic_name("alerts-info")
        with stage.here():
            self._sqs, sns = boto3.client("sqs", region_name=REGION), boto3.client("sns", region_name=REGION)
            self.topic = str(sns.create_topic(Name=name)["TopicArn"])
            self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
            arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
            sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn["QueueArn"])

    def messages(self, count: int) -> list[dict[str, str]]:
        """Return so many messages, oldest first, and make sure that there are no more."""
        found: list[dict[str, Any]] = []
        for wait_s in (10,) * count + (0,):
            got = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=1, WaitTimeSeconds=wait_s)
            for each in got.get("Messages", []):
                found.append(json.loads(each["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=each["ReceiptHandle"])
        assert len(found) == count, found
        return [{"text": each["Message"], "kind": each["MessageAttributes"]["kind"]["Value"]} for each in found]
