"""What a deployment file may say and should not: allowed, but pointed out with what to write instead (P8)."""

from collections.abc import Iterable, Iterator

from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.distances import BpsDistance, QuoteDistance
from marketmaker.domain.markets import AbsoluteBand, MarketSettings
from marketmaker.domain.models import PositionSkew
from marketmaker.domain.units import ONE, TWO, plain


def advise(accounts: Iterable[AccountSettings]) -> Iterator[str]:
    """Yield a line for each thing that a market's settings had better not say."""
    for account in accounts:
        for market in account.markets:
            for each in (*_walking(market), *_unstopped(market), *_below_the_fees(market), *_indebted(market)):
                yield f"accounts.{account.name}.markets[{market.symbol}].{each}"


def _walking(market: MarketSettings) -> Iterator[str]:
    policy = market.inventory_band
    if isinstance(policy, PositionSkew) and not policy.target_base and not policy.skew:
        threshold = ONE if policy.max_base > ONE else policy.max_base / TWO
        yield (
            "inventory: with target_base = 0 and skew = 0 the position will random-walk; set skew = 0.5 and "
            f"threshold_base = {plain(threshold)}"
        )


def _unstopped(market: MarketSettings) -> Iterator[str]:
    """Point out a position that nothing bounds but its size."""
    policy, held = market.inventory_band, market.perpetual
    if held is None or not isinstance(policy, PositionSkew) or market.exits.stop_loss is not None:
        return
    yield (
        f"stop_loss: off, so nothing but max_base = {plain(policy.max_base)} bounds the position; the worst case is "
        f"all of capital_quote: at max_exposure = {plain(held.max_exposure)} after a move of "
        f"{ONE / held.max_exposure:.0%} against it; "
        "set stop_loss = { loss_quote = ... } to the most that you would lose"
    )


def _below_the_fees(market: MarketSettings) -> Iterator[str]:
    """Point out a half-spread that the floors will not let stand (R36)."""
    fees, wanted = market.fees.maker_bps, market.half_spread
    if not market.has_floors:
        return
    if isinstance(wanted, BpsDistance) and wanted.bps < fees:
        yield (
            f"half_spread: {plain(wanted.bps)} bps is below the fees' break-even and will be widened by "
            f"{plain(fees - wanted.bps)} bps at least; set bps = {plain(fees)} or more"
        )
    if isinstance(wanted, QuoteDistance) and isinstance(market.price_band, AbsoluteBand):
        price = market.price_band.high
        needed = market.fees.break_even_half_spread(price)
        if wanted.quote < needed:
            yield (
                f"half_spread: {plain(wanted.quote)} in quote currency is below the fees' break-even at {plain(price)} "
                f"and will be widened by {plain(needed - wanted.quote)} there at least; set quote = {plain(needed)} or "
                "more"
            )


def _indebted(market: MarketSettings) -> Iterator[str]:
    """Point out more exposure than twice the equity, which nobody gets by default (S17)."""
    if market.perpetual is not None and market.perpetual.max_exposure > TWO:
        most = plain(market.perpetual.max_exposure)
        yield (
            f"perpetual.max_exposure: position and resting orders may reach {most} times the equity, and a move of "
            f"{ONE / market.perpetual.max_exposure:.0%} takes it all; set max_exposure = 2 or less"
        )
