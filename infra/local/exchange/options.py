"""The command line of the exchange."""

import argparse
from collections.abc import Sequence
from decimal import Decimal, DecimalException
from pathlib import Path

from infra.local.exchange.binance_spot.speech import BINANCE_SPOT
from infra.local.exchange.building import DIALECTS
from marketmaker.domain.units import ZERO
from marketmaker.simulation.account import FeeAsset
from marketmaker.simulation.faults import FAULT_KINDS
from marketmaker.simulation.recording import DEFAULT_HALF_SPREAD_BPS


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.exchange",
        description="A local exchange in a venue's REST dialect, on 127.0.0.1 only: a recorded or generated market.",
        epilog=f"POST /local/faults arms one of: {', '.join(FAULT_KINDS)}; GET /local/state counts what struck.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port to listen on; 0 takes any free one")
    add("--dialect", choices=list(DIALECTS), default=BINANCE_SPOT.name, help="the venue's API to speak")
    market = parser.add_argument_group("market")
    add = market.add_argument
    add("--data", type=Path, metavar="PREFIX", help="recording, without _quotes.csv.gz; else the market is generated")
    add("--start-s", type=_amount, default=ZERO, help="start this many seconds into the recording")
    add("--half-spread-bps", type=_amount, default=DEFAULT_HALF_SPREAD_BPS, help="assumed where no quotes are recorded")
    add("--seed", type=int, default=1, help="seed of the generated market")
    add("--history-s", type=_amount, default=ZERO, help="let so many seconds of the market pass before the start")
    add("--speed", type=_speed, default=1.0, help="market seconds per second")
    add("--symbol", help="ccxt's notation, like ETH/USD; else from the recording")
    add("--tick", type=_amount, help="price grid; else from the recording's decimals")
    add("--lot", type=_amount, help="size grid; else from the recording's decimals")
    add("--min-notional", type=_amount, default=Decimal(5), help="least value of an order in quote currency")
    account = parser.add_argument_group("account")
    add = account.add_argument
    add("--equity-quote", type=_amount, default=Decimal(100_000), help="what the account is worth at the first price")
    add("--base-share", type=_amount, default=Decimal("0.35"), help="share of the equity held in base")
    add("--base", type=_amount, help="base held; overrides the share")
    add("--quote", type=_amount, help="quote held; overrides the share")
    add("--maker-fee", type=_signed_amount, default=Decimal("0.0001"), help="fraction; negative is a rebate")
    add("--taker-fee", type=_signed_amount, default=Decimal("0.001"), help="fraction; negative is a rebate")
    add("--fee-asset", choices=[asset.value for asset in FeeAsset], default=FeeAsset.RECEIVED.value, help="charged in")
    add("--api-key", help="the key that clients must send; else local-key, or one of the local exchange's own")
    add("--limit-factor", type=_factor, default=1, help="widens the rate limits, for clients that hurry through a day")
    add("--api-secret", help="the secret that clients must sign with; else local-secret, or the own key's seed")
    add("--withdrawals", action="store_true", help="a key that may withdraw, as no bot's should")
    perpetual = parser.add_argument_group(
        "perpetual", "of a dialect that trades perpetuals; fees are in quote currency"
    )
    add = perpetual.add_argument
    add("--leverage", type=_amount, default=Decimal(20), help="what the account is set to at first")
    add("--max-leverage", type=_amount, default=Decimal(50), help="the most that can be set")
    add("--maintenance-rate", type=_amount, default=Decimal("0.01"), help="margin below which a position is closed")
    add("--liquidation-fee", type=_amount, default=Decimal("0.0125"), help="fraction of the notional that is closed")
    add("--funding-rate", type=_signed_amount, default=Decimal("0.0001"), help="what longs pay at a funding time")
    add("--funding-interval-s", type=_amount, default=Decimal(28_800), help="market seconds between funding times")
    return parser.parse_args(arguments)


def _signed_amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except DecimalException as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
    if not value.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def _amount(text: str) -> Decimal:
    value = _signed_amount(text)
    if value < ZERO:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def _factor(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _speed(text: str) -> float:
    value = float(_amount(text))
    if value == 0:
        raise argparse.ArgumentTypeError("0 would stop the market")
    return value
