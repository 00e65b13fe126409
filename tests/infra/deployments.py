"""Deployment files that the stack is synthesized from."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = {name: ROOT / "infra" / "deployments" / f"{name}.toml" for name in ("local", "paper", "testnet", "live")}

_ACCOUNT = """
[accounts.{name}]
venue = "binance"

[[accounts.{name}.markets]]
symbol = "PAXG/USDT"
number = 1
capital_base = {{ amount = 1.0 }}
capital_quote = {{ amount = 10000.0 }}
fees = {{ maker_bps = 10, taker_bps = 10 }}
half_spread = {{ bps = 12 }}
order_size_base = 0.01
price_band = {{ bps = 500 }}
"""
FULL = (
    """
name = "full"
tag = "ful"
stage = "live"
armed = true
egress = "static"
region = "eu-central-1"

[alerts]
email = ["ops@example.com"]
sms = ["+819012345678"]

[memory_mb]
halt = 512

[clocks]
interval_s = 10
function_timeout_s = 12

[portfolio]
max_notional_quote = { USDT = 50000 }
"""
    + _ACCOUNT.format(name="one")
    + _ACCOUNT.format(name="two")
    + "post_only = false\n"
)
"""Everything that a file can ask of the stack, none of it at its default; orders of `two` may take."""

_PRICED_ELSEWHERE = """
[accounts.{name}.markets.reference]
venue = "binanceus"
symbol = "PAXG/USDT"

[accounts.{name}.markets.implied]
through = "BTC"

[accounts.{name}.markets.triangle]
"""
WIDE = FULL + _PRICED_ELSEWHERE.format(name="two")
"""The same, with another venue's prices and the triangle of one account's market."""

HOOKED = FULL.replace(
    "[memory_mb]",
    """
[alerts.hooks.desk]
kind = "dingtalk"

[alerts.hooks.night]
kind = "telegram"
severity = "critical"
accounts = ["two"]

[memory_mb]""",
)
"""The same with two hooks: one hears everything, the other what is critical in one account."""
