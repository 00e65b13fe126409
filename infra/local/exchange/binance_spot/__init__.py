"""Binance's spot REST API, `/api/v3/*` and `/sapi/v1/account/apiRestrictions`."""
