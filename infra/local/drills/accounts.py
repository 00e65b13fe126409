"""The deployment of the drills: an account for each, and what its exchange trades."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

NAME, TAG, REGION = "drill", "drl", "eu-central-1"
HOOK = "desk"
HOOK_ACCOUNT = "lost_alert"
CRASH_ACCOUNT = "price_crash"
_HISTORY = ("--history-s", "200")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillAccount:
    """The account of one drill: what its table of the deployment file says, and the options of its exchange.

    `off` is what a protection's absence replaces of the table, old text by new.
    """

    drill: str
    table: str
    options: tuple[str, ...]
    off: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def text(self, without: Collection[str]) -> str:
        """Write the account's tables, without some protections."""
        table = self.table
        for old, new in (change for name in without for change in self.off.get(name, {}).items()):
            if old not in table:
                raise ValueError(f"{self.drill} has no {old!r} to switch off")
            table = table.replace(old, new)
        name = f"accounts.{self.drill}"
        return f"[{name}]\n" + table.replace("[[markets]]", f"[[{name}.markets]]")


_PAXG = """dedicated = true

[[markets]]
symbol = "PAXG/USDT"
number = 1
capital_base = { share = 1.0 }
capital_quote = { share = 1.0 }
fees = { maker_bps = 1, taker_bps = 10 }
half_spread = { quote = 0.5 }
assumed_volatility = 0.1
order_size_base = 0.1
price_band = { bps = 1000 }
max_book_age_s = 8
"""
_SPOT = f'venue = "binance"\n{_PAXG}'
_PAXG_EXCHANGE = (*_HISTORY, "--base", "1", "--quote", "4000")
_CRASH = """venue = "binance"
dedicated = true

[[markets]]
symbol = "BTC/USD"
number = 1
capital_base = { share = 1.0 }
capital_quote = { share = 1.0 }
fees = { maker_bps = 1, taker_bps = 10 }
half_spread = { bps = 5 }
order_size_base = 0.0005
price_band = { bps = 200 }
stop_loss = { fall = 0.015, share = 1.0 }
max_book_age_s = 120
"""
_NO_STOP = {"stop_loss = { fall = 0.015, share = 1.0 }\n": ""}
_OUTAGE = """venue = "binanceusdm"
dedicated = true

[[markets]]
symbol = "PAXG/USDT:USDT"
number = 1
capital_quote = { share = 1.0 }
inventory = { policy = "position", max_base = 1 }
fees = { maker_bps = 1, taker_bps = 5 }
half_spread = { quote = 0.5 }
assumed_volatility = 0.1
order_size_base = 0.1
price_band = { bps = 1000 }
"""
_KILLED = _SPOT + "stop_loss = { fall = 0.03, share = 1.0 }\n"

ACCOUNTS = (
    DrillAccount(
        drill=CRASH_ACCOUNT,
        table=_CRASH,
        options=("--symbol", "BTC/USD", "--tick", "0.01", "--lot", "0.00000001", "--base", "0.004", "--quote", "800"),
        off={"stop_loss": _NO_STOP},
    ),
    DrillAccount(
        drill="venue_outage",
        table=_OUTAGE,
        options=(
            *("--dialect", "binance_usdm", "--symbol", "PAXG/USDT:USDT", *_HISTORY),
            *("--equity-quote", "4000", "--maker-fee", "0.0001", "--taker-fee", "0.0005"),
        ),
        off={"dead_man_switch": {"dedicated = true": "dedicated = false"}},
    ),
    DrillAccount(
        drill="frozen_book",
        table=_SPOT,
        options=_PAXG_EXCHANGE,
        off={"stale_data": {"max_book_age_s = 8": "max_book_age_s = 3600"}},
    ),
    DrillAccount(
        drill="killed_functions",
        table=_KILLED,
        options=_PAXG_EXCHANGE,
        off={"stop_loss": {"stop_loss = { fall = 0.03, share = 1.0 }\n": ""}},
    ),
    DrillAccount(drill="revoked_key", table=_SPOT, options=_PAXG_EXCHANGE),
    DrillAccount(
        drill=HOOK_ACCOUNT,
        table=_SPOT,
        options=_PAXG_EXCHANGE,
        off={"price_band": {"price_band = { bps = 1000 }": "price_band = { low = 1, high = 1000000 }"}},
    ),
    DrillAccount(drill="clock_skew", table=_SPOT, options=_PAXG_EXCHANGE),
)

_HEAD = f"""name = "{NAME}"
tag = "{TAG}"
stage = "local"
region = "{REGION}"

[clocks]
interval_s = 3

[alerts.hooks.{HOOK}]
kind = "webhook"
accounts = ["{HOOK_ACCOUNT}"]

"""


def deployment_text(accounts: Sequence[DrillAccount], without: Collection[str]) -> str:
    """Write the deployment file: ticks every 3 s, and a hook that hears of one account."""
    return _HEAD + "\n".join(each.text(without) for each in accounts)
