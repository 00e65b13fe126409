"""Backpack's REST API for perpetuals, `/api/v1` and `/wapi/v1`.

Beyond what the margin account assumes: orders are Limit and Market in base quantity; unless `selfTradePrevention` says
RejectMaker, an order ends where it would trade with one of our own; margin fractions do not grow with the position.
`available` in capital is the whole collateral; what is free of margins is `netEquityAvailable`. Klines are
of one minute. Bids in depth rise in price, the best last. There is no dead-man switch and no test environment.
"""
