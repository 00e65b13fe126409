"""A second market on a world's exchange: one login, one wallet, order ids of its own, as on the real venue."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode

from infra.local.exchange.binance_spot.listing import Listing
from infra.local.exchange.binance_spot.speech import BINANCE_SPOT
from infra.local.exchange.clock import MarketClock
from infra.local.exchange.dialect import ApiRequest
from infra.local.exchange.replies import Delivery, Reply
from infra.local.exchange.venue import Venue
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.markets import CapitalShare
from marketmaker.domain.units import Asset, Symbol
from marketmaker.simulation.account import Account
from marketmaker.simulation.feed import MarketFeed
from marketmaker.simulation.klines import MarketKlines
from marketmaker.simulation.matching import Engine
from tests.builders import market_settings
from tests.contract.local_venue import LOGIN, MARKET_ID
from tests.faults.market import Breathing
from tests.faults.world import METADATA, OPEN_ORDERS, World, usual_settings

SECOND, SECOND_ID, SECOND_BASE = Symbol("XAUT/USDT"), "XAUTUSDT", Asset("XAUT")

type Receive = Callable[[ApiRequest], Delivery]


def two_markets() -> AccountSettings:
    """Return an account that quotes both, each with half of the quote asset."""
    half = CapitalShare(share=Decimal("0.5"))
    both = (market_settings(), market_settings(symbol=SECOND, number=1))
    return usual_settings(*(replace(each, capital_quote=half) for each in both))


def list_second(world: World) -> Venue:
    """List a second market beside the world's own; faults of it are armed on what this returns."""
    first = world.served.venue
    second = _second_venue(world, first)
    answer_first, answer_second = first.receive, second.receive

    def receive(request: ApiRequest) -> Delivery:
        named = _named(request)
        if request.route == METADATA and len(named) > 1:
            asked = {MARKET_ID: answer_first, SECOND_ID: answer_second}
            return _merged([asked[each](_about(request, each)) for each in named])
        if request.route == OPEN_ORDERS and not named:
            return _merged([answer_first(request), answer_second(request)])
        return (answer_second if named == [SECOND_ID] else answer_first)(request)

    first.receive = receive  # type: ignore[method-assign]
    return second


def _second_venue(world: World, first: Venue) -> Venue:
    engine = first.listing.engine
    wallet = engine.account.wallet
    wallet.add(SECOND_BASE, Decimal(20))
    instrument = replace(engine.instrument, symbol=SECOND, base=SECOND_BASE)
    clock = MarketClock(wall_start_us=world.clock(), market_start_us=0)
    klines = MarketKlines(clock.wall_ms)
    feed = MarketFeed(Breathing(), tick_size=instrument.tick_size)
    account = Account(instrument=instrument, fees=engine.account.fees, wallet=wallet)
    second = Engine(account=account, feed=feed, watch=klines.record)
    second.advance(0)
    listing = Listing(
        engine=second,
        clock=clock,
        klines=klines,
        began_us=0,
        daily_volume_base=Decimal(1),
        daily_volume_quote=Decimal(1),
    )
    return Venue(dialect=BINANCE_SPOT, listing=listing, login=LOGIN, wall_us=world.clock)


def _named(request: ApiRequest) -> list[str]:
    sent = parse_qs(request.query) | parse_qs(request.body)
    listed: list[str] = json.loads(sent["symbols"][0]) if "symbols" in sent else sent.get("symbol", [])
    return listed


def _about(request: ApiRequest, market_id: str) -> ApiRequest:
    return replace(request, query=urlencode({"symbols": json.dumps([market_id])}))


def _merged(answers: list[Delivery]) -> Delivery:
    """Put answers together; one that is no answer, or a refusal, is that of all."""
    replies = [each.reply for each in answers]
    for answer, reply in zip(answers, replies, strict=True):
        if reply is None or reply.status != 200:
            return answer
    contents = [json.loads(reply.content) for reply in replies if reply is not None]
    return Delivery(reply=Reply(status=200, content=json.dumps(_together(contents))))


def _together(contents: list[Any]) -> Any:
    if isinstance(contents[0], list):
        return [row for content in contents for row in content]
    return {**contents[0], "symbols": [each for content in contents for each in content["symbols"]]}
