"""What Binance's two APIs call their routes, and the little in which they differ beyond that.

Both name parameters and fields alike, so a request is written once and asks its API for the route.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from marketmaker.domain.units import Symbol

POST_ONLY_ORDER_TYPE, POST_ONLY_TIME_IN_FORCE = "LIMIT_MAKER", "GTX"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """ccxt's names of a venue's routes; None is one that it has not."""

    metadata: str = "publicGetExchangeInfo"
    time: str = "publicGetTime"
    depth: str = "publicGetDepth"
    price: str = "publicGetTickerPrice"
    klines: str = "publicGetKlines"
    day: str = "publicGetTicker24hr"
    public_trades: str = "publicGetAggTrades"
    open_orders: str = "privateGetOpenOrders"
    order: str = "privateGetOrder"
    cancel: str = "privateDeleteOrder"
    trades: str = "privateGetMyTrades"
    balances: str = "privateGetAccount"
    permissions: str | None = "sapiGetAccountApiRestrictions"
    positions: str | None = None
    premium: str | None = None
    income: str | None = None
    leverage: str | None = None
    margin_type: str | None = None
    create: str | None = None
    countdown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One of them: routes, the kind of market, what is configured in ccxt, and what answers look like.

    `lists_by_symbols` tells whether several markets can be asked for in one request by name. `intervals` are the klines
    that there are, by ms. Answers to creates and cancels call their time `receipt_time`. A market is
    told apart by its `market_names`.
    """

    routes: Routes = field(default_factory=Routes)
    market_type: str = "spot"
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    lists_by_symbols: bool = True
    intervals: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({1_000: "1s", 60_000: "1m"}))
    receipt_time: str = "transactTime"
    market_names: tuple[str, ...] = ("symbol", "baseAsset", "quoteAsset", "status")

    @property
    def is_perpetual(self) -> bool:
        """Whether its markets are perpetuals."""
        return self.routes.positions is not None


SPOT_API = Api(
    options=MappingProxyType(
        {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "newOrderRespType": {"limit": "RESULT", "market": "FULL"},
        }
    )
)
USDM_API = Api(
    routes=Routes(
        metadata="fapiPublicGetExchangeInfo",
        time="fapiPublicGetTime",
        depth="fapiPublicGetDepth",
        price="fapiPublicGetTickerPrice",
        klines="fapiPublicGetKlines",
        day="fapiPublicGetTicker24hr",
        public_trades="fapiPublicGetAggTrades",
        open_orders="fapiPrivateGetOpenOrders",
        order="fapiPrivateGetOrder",
        cancel="fapiPrivateDeleteOrder",
        trades="fapiPrivateGetUserTrades",
        balances="fapiPrivateV2GetBalance",
        permissions=None,
        positions="fapiPrivateV2GetPositionRisk",
        premium="fapiPublicGetPremiumIndex",
        income="fapiPrivateGetIncome",
        leverage="fapiPrivatePostLeverage",
        margin_type="fapiPrivatePostMarginType",
        create="fapiPrivatePostOrder",
        countdown="fapiPrivatePostCountdownCancelAll",
    ),
    market_type="swap",
    options=MappingProxyType({"defaultType": "swap", "fetchMarkets": {"types": ["linear"]}}),
    lists_by_symbols=False,
    intervals=MappingProxyType({60_000: "1m"}),
    receipt_time="updateTime",
    market_names=("symbol", "baseAsset", "quoteAsset", "status", "marginAsset", "contractType"),
)


def market_id(symbol: Symbol) -> str:
    """Name a market as Binance does."""
    return symbol.partition(":")[0].replace("/", "")
