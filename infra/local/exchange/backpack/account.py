"""The private routes of the account: capital, collateral, position and leverage."""

from decimal import Decimal

from infra.local.exchange.backpack.listing import BackpackListing
from infra.local.exchange.backpack.words import BackpackParams, bad_request, listed_if_named
from infra.local.exchange.dialect import ApiError
from infra.local.exchange.market import Json
from marketmaker.domain.units import BPS, ONE, ZERO, plain

_USER = 1


def show_account(listing: BackpackListing, _params: BackpackParams, _market_us: int) -> Json:
    """GET /account; fees are in basis points."""
    account = listing.engine.account
    return {
        "autoBorrowSettlements": True,
        "autoLend": False,
        "autoRealizePnl": True,
        "autoRepayBorrows": True,
        "borrowLimit": "0",
        "futuresMakerFee": plain(account.fees.maker / BPS),
        "futuresTakerFee": plain(account.fees.taker / BPS),
        "spotMakerFee": plain(account.fees.maker / BPS),
        "spotTakerFee": plain(account.fees.taker / BPS),
        "leverageLimit": plain(listing.shown_margin.leverage),
        "limitOrders": len(listing.open_orders()),
        "liquidating": account.must_be_liquidated,
        "positionLimit": "100",
        "triggerOrders": 0,
    }


def update_account(listing: BackpackListing, params: BackpackParams, _market_us: int) -> None:
    """PATCH /account: the leverage of the whole account; the answer is empty."""
    if "leverageLimit" not in params:
        return
    account, leverage = listing.engine.account, params.decimal("leverageLimit")
    if not ONE <= leverage <= account.terms.max_leverage:
        raise bad_request(f"Invalid leverage limit {plain(leverage)}")
    if not account.set_leverage(leverage):
        raise ApiError("INSUFFICIENT_MARGIN", "Insufficient margin")


def show_capital(listing: BackpackListing, _params: BackpackParams, _market_us: int) -> Json:
    """GET /capital."""
    balance = max(ZERO, listing.shown_margin.balance)
    return {listing.instrument.quote: {"available": plain(balance), "locked": "0", "staked": "0"}}


def show_collateral(listing: BackpackListing, _params: BackpackParams, _market_us: int) -> Json:
    """GET /capital/collateral: the account's equity and what of it is free."""
    margin = listing.shown_margin
    exposure = _exposure(listing) * margin.mark
    ratio = margin.margin_balance / exposure if exposure else None
    balance = plain(margin.balance)
    return {
        "assetsValue": balance,
        "borrowLiability": "0",
        "collateral": [
            {
                "symbol": listing.instrument.quote,
                "assetMarkPrice": "1",
                "totalQuantity": balance,
                "balanceNotional": balance,
                "collateralWeight": "1",
                "collateralValue": balance,
                "openOrderQuantity": "0",
                "lendQuantity": "0",
                "availableQuantity": balance,
            }
        ],
        "imf": plain(ONE / margin.leverage),
        "mmf": plain(listing.engine.account.terms.maintenance_rate),
        "liabilitiesValue": "0",
        "marginFraction": None if ratio is None else format(ratio, ".8f"),
        "netEquity": plain(margin.margin_balance),
        "netEquityAvailable": plain(margin.available),
        "netEquityLocked": plain(margin.initial_margin),
        "netExposureFutures": plain(exposure),
        "pnlUnrealized": plain(margin.unrealised),
        "unsettledEquity": "0",
    }


def show_position(listing: BackpackListing, params: BackpackParams, _market_us: int) -> list[Json]:
    """GET /position: none while flat; exposure counts the open orders at their worst."""
    listed_if_named(listing, params)
    margin = listing.shown_margin
    if margin.entry is None:
        return []
    terms = listing.engine.account.terms
    exposure = _exposure(listing)
    return [
        {
            "symbol": listing.market_id,
            "positionId": "1",
            "userId": _USER,
            "subaccountId": None,
            "entryPrice": plain(margin.entry),
            "breakEvenPrice": plain(margin.entry),
            "markPrice": plain(margin.mark),
            "netQuantity": plain(margin.size),
            "netCost": plain(margin.cost),
            "netExposureQuantity": plain(exposure),
            "netExposureNotional": plain(exposure * margin.mark),
            "pnlRealized": plain(margin.realised),
            "pnlUnrealized": plain(margin.unrealised),
            "cumulativeFundingPayment": plain(margin.funding),
            "cumulativeInterest": "0",
            "estLiquidationPrice": plain(margin.liquidation or ZERO),
            "imf": plain(ONE / margin.leverage),
            "imfFunction": {"type": "sqrt", "base": plain(ONE / terms.max_leverage), "factor": "0"},
            "mmf": plain(terms.maintenance_rate),
            "mmfFunction": {"type": "sqrt", "base": plain(terms.maintenance_rate), "factor": "0"},
        }
    ]


def _exposure(listing: BackpackListing) -> Decimal:
    size = listing.shown_margin.size
    pending = [
        (order.request.side.sign, order.remaining_base)
        for order in listing.open_orders()
        if not order.request.reduce_only
    ]
    bids = sum((amount for sign, amount in pending if sign > 0), ZERO)
    asks = sum((amount for sign, amount in pending if sign < 0), ZERO)
    return max(abs(size + bids), abs(size - asks))
