"""What Binance's venues can do and allow: the one place for each such fact."""

WEIGHT_A_MINUTE = {"binance": 6_000, "binanceus": 1_200, "binanceusdm": 2_400}
"""The venues there are, and the request weight an address may use between two full minutes at each."""
USED_WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"
TOO_MANY_REQUESTS, BANNED = 429, 418
DEFAULT_BLOCK_S = {TOO_MANY_REQUESTS: 60, BANNED: 120}
"""How long a refusal for too many requests holds where it does not say so; bans begin at two minutes."""
POST_ONLY_ORDER_TYPE, POST_ONLY_TIME_IN_FORCE = "LIMIT_MAKER", "GTX"
LIVE_STATUSES = frozenset({"NEW", "PENDING_NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"})
FINISHED_STATUSES = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})
TRADES_A_PAGE = 1_000
