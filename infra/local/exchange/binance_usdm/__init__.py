"""Binance's USDⓈ-M futures REST API, `/fapi/v1`, `/fapi/v2` and `/fapi/v3`.

Beyond what spot and the margin account assume: orders are LIMIT and MARKET, `newOrderRespType` is ACK unless asked for
RESULT, an IOC that takes nothing is EXPIRED, a FOK that cannot be whole is refused. `countdownCancelAll` arms one
switch for the one symbol. Hedge mode and isolated margin can be set and are told; orders of a side are not modelled.
"""
