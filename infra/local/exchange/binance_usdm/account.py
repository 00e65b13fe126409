"""The private routes of the account: balances, positions, leverage and modes."""

from decimal import Decimal
from enum import StrEnum

from infra.local.exchange.binance.words import BinanceParams, fixed, listed
from infra.local.exchange.binance_usdm.listing import MOST, UsdmListing
from infra.local.exchange.dialect import ApiError
from infra.local.exchange.market import Json
from marketmaker.domain.units import ZERO

_DONE: Json = {"code": 200, "msg": "success"}


class MarginType(StrEnum):
    """How a position is backed."""

    CROSSED = "CROSSED"
    ISOLATED = "ISOLATED"


def show_balances(listing: UsdmListing, _params: BinanceParams, market_us: int) -> list[Json]:
    """GET /balance, v2 and v3."""
    margin = listing.shown_margin
    return [
        {
            "accountAlias": "local",
            "asset": listing.instrument.quote,
            "balance": fixed(margin.balance),
            "crossWalletBalance": fixed(margin.balance),
            "crossUnPnl": fixed(margin.unrealised),
            "availableBalance": fixed(margin.available),
            "maxWithdrawAmount": fixed(min(margin.available, max(ZERO, margin.balance))),
            "marginAvailable": True,
            "updateTime": listing.clock.wall_ms(market_us),
        }
    ]


def show_account(listing: UsdmListing, _params: BinanceParams, market_us: int) -> Json:
    """GET /account, v3: the position is listed while there is one or orders are open."""
    shown = [_position(listing, market_us)] if _is_shown(listing) else []
    names = ("symbol", "positionSide", "positionAmt", "unRealizedProfit", "notional", "initialMargin", "maintMargin")
    return {
        **_totals(listing, market_us),
        "positions": [
            {**{name: each[name] for name in names}, "unrealizedProfit": each["unRealizedProfit"]} for each in shown
        ],
    }


def show_whole_account(listing: UsdmListing, _params: BinanceParams, market_us: int) -> Json:
    """GET /account, v2: every symbol with its leverage."""
    margin = listing.shown_margin
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "multiAssetsMargin": False,
        **_totals(listing, market_us),
        "positions": [
            {
                **position,
                "unrealizedProfit": position["unRealizedProfit"],
                "leverage": str(int(margin.leverage)),
                "isolated": listing.modes.is_isolated,
                "maxNotional": fixed(MOST),
            }
            for position in _sides(listing, market_us)
        ],
    }


def show_positions(listing: UsdmListing, params: BinanceParams, market_us: int) -> list[Json]:
    """GET /positionRisk, v3: only positions that there are, or that have orders."""
    _listed_if_named(listing, params)
    return [_position(listing, market_us)] if _is_shown(listing) else []


def show_whole_positions(listing: UsdmListing, params: BinanceParams, market_us: int) -> list[Json]:
    """GET /positionRisk, v2: every symbol, flat ones too, with leverage and margin type."""
    _listed_if_named(listing, params)
    return [
        {
            **position,
            "leverage": str(int(listing.shown_margin.leverage)),
            "maxNotionalValue": fixed(MOST),
            "marginType": "isolated" if listing.modes.is_isolated else "cross",
            "isAutoAddMargin": "false",
        }
        for position in _sides(listing, market_us)
    ]


def show_brackets(listing: UsdmListing, params: BinanceParams, _market_us: int) -> Json | list[Json]:
    """GET /leverageBracket: the one bracket there is."""
    _listed_if_named(listing, params)
    terms = listing.engine.account.terms
    entry: Json = {
        "symbol": listing.market_id,
        "notionalCoef": 1.0,
        "brackets": [
            {
                "bracket": 1,
                "initialLeverage": int(terms.max_leverage),
                "notionalCap": int(MOST),
                "notionalFloor": 0,
                "maintMarginRatio": float(terms.maintenance_rate),
                "cum": 0.0,
            }
        ],
    }
    return entry if "symbol" in params else [entry]


def change_leverage(listing: UsdmListing, params: BinanceParams, _market_us: int) -> Json:
    """POST /leverage."""
    listed(listing, params)
    leverage = params.integer("leverage")
    account = listing.engine.account
    if not 1 <= leverage <= account.terms.max_leverage:
        raise ApiError(-4028, f"Leverage {leverage} is not valid")
    if not account.set_leverage(Decimal(leverage)):
        raise ApiError(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
    return {"symbol": listing.market_id, "leverage": leverage, "maxNotionalValue": format(MOST, "f")}


def change_margin_type(listing: UsdmListing, params: BinanceParams, _market_us: int) -> Json:
    """POST /marginType."""
    listed(listing, params)
    is_isolated = params.choice("marginType", MarginType, -4047, "marginType") is MarginType.ISOLATED
    if is_isolated == listing.modes.is_isolated:
        raise ApiError(-4046, "No need to change margin type.")
    if listing.open_orders():
        raise ApiError(-4047, "Margin type cannot be changed if there exists open orders.")
    if listing.engine.account.position.size_base:
        raise ApiError(-4048, "Margin type cannot be changed if there exists position.")
    listing.modes.is_isolated = is_isolated
    return _DONE


def show_position_mode(listing: UsdmListing, _params: BinanceParams, _market_us: int) -> Json:
    """GET /positionSide/dual."""
    return {"dualSidePosition": listing.modes.is_hedge}


def change_position_mode(listing: UsdmListing, params: BinanceParams, _market_us: int) -> Json:
    """POST /positionSide/dual."""
    is_hedge = params.text("dualSidePosition") == "true"
    if is_hedge == listing.modes.is_hedge:
        raise ApiError(-4059, "No need to change position side.")
    if listing.open_orders():
        raise ApiError(-4067, "Position side cannot be changed if there exists open orders.")
    if listing.engine.account.position.size_base:
        raise ApiError(-4068, "Position side cannot be changed if there exists position.")
    listing.modes.is_hedge = is_hedge
    return _DONE


def show_settings(listing: UsdmListing, params: BinanceParams, _market_us: int) -> list[Json]:
    """GET /symbolConfig: margin type and leverage of each symbol."""
    _listed_if_named(listing, params)
    return [
        {
            "symbol": listing.market_id,
            "marginType": (MarginType.ISOLATED if listing.modes.is_isolated else MarginType.CROSSED).value,
            "isAutoAddMargin": False,
            "leverage": int(listing.shown_margin.leverage),
            "maxNotionalValue": format(MOST, "f"),
        }
    ]


def show_account_settings(listing: UsdmListing, _params: BinanceParams, _market_us: int) -> Json:
    """GET /accountConfig."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "dualSidePosition": listing.modes.is_hedge,
        "multiAssetsMargin": False,
        "updateTime": 0,
        "tradeGroupId": -1,
    }


def show_fees(listing: UsdmListing, params: BinanceParams, _market_us: int) -> Json:
    """GET /commissionRate."""
    listed(listing, params)
    fees = listing.engine.account.fees
    return {
        "symbol": listing.market_id,
        "makerCommissionRate": fixed(fees.maker),
        "takerCommissionRate": fixed(fees.taker),
    }


def _listed_if_named(listing: UsdmListing, params: BinanceParams) -> None:
    if "symbol" in params:
        listed(listing, params)


def _is_shown(listing: UsdmListing) -> bool:
    return bool(listing.shown_margin.size) or bool(listing.open_orders())


def _sides(listing: UsdmListing, market_us: int) -> list[Json]:
    """Write the position as it is told: once, or once a side in hedge mode, which begins flat and takes no order."""
    position = _position(listing, market_us)
    return [{**position, "positionSide": side} for side in ("LONG", "SHORT")] if listing.modes.is_hedge else [position]


def _position(listing: UsdmListing, market_us: int) -> Json:
    margin = listing.shown_margin
    return {
        "symbol": listing.market_id,
        "positionSide": "BOTH",
        "positionAmt": fixed(margin.size),
        "entryPrice": format(margin.entry or ZERO, ".8f"),
        "breakEvenPrice": format(margin.entry or ZERO, ".8f"),
        "markPrice": fixed(margin.mark),
        "unRealizedProfit": format(margin.unrealised, ".8f"),
        "liquidationPrice": format(margin.liquidation or ZERO, ".8f"),
        "isolatedMargin": "0",
        "notional": format(margin.notional, ".8f"),
        "marginAsset": listing.instrument.quote,
        "isolatedWallet": "0",
        "initialMargin": format(margin.initial_margin, ".8f"),
        "maintMargin": format(margin.maintenance_margin, ".8f"),
        "positionInitialMargin": format(margin.position_margin, ".8f"),
        "openOrderInitialMargin": format(margin.order_margin, ".8f"),
        "adl": 0,
        "updateTime": listing.clock.wall_ms(market_us),
    }


def _totals(listing: UsdmListing, market_us: int) -> Json:
    margin = listing.shown_margin
    amounts = {
        "InitialMargin": margin.initial_margin,
        "MaintMargin": margin.maintenance_margin,
        "WalletBalance": margin.balance,
        "UnrealizedProfit": margin.unrealised,
        "MarginBalance": margin.margin_balance,
        "PositionInitialMargin": margin.position_margin,
        "OpenOrderInitialMargin": margin.order_margin,
        "CrossWalletBalance": margin.balance,
        "CrossUnPnl": margin.unrealised,
    }
    written = {name: format(amount, ".8f") for name, amount in amounts.items()}
    available = format(margin.available, ".8f")
    asset: Json = {
        "asset": listing.instrument.quote,
        **{name[0].lower() + name[1:]: text for name, text in written.items()},
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "marginAvailable": True,
        "updateTime": listing.clock.wall_ms(market_us),
    }
    return {
        **{f"total{name}": text for name, text in written.items()},
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "assets": [asset],
    }
