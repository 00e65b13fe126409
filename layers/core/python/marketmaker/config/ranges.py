"""What a single value of the deployment file may be: names, symbols, amounts, shares, bps."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from marketmaker.domain.orders import DeploymentTag
from marketmaker.domain.units import ONE, ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a value of the right type must also be; the text completes "... is not allowed: "."""

    text: str
    holds: Callable[[Any], bool]


def _text(pattern: str, text: str) -> Allowed:
    return Allowed(text=text, holds=lambda value: re.fullmatch(pattern, value) is not None)


def moment_ms(text: str) -> int | None:
    """Read a moment of UTC, None where the text is none."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000


def whole(low: int, high: int) -> Allowed:
    """Allow whole numbers from low to high, ends included."""
    return Allowed(text=f"a whole number from {low} to {high}", holds=lambda value: low <= value <= high)


def above(low: int, high: int) -> Allowed:
    """Allow numbers above low, up to high."""
    return Allowed(text=f"a number above {low} and at most {high}", holds=lambda value: low < value <= high)


def from_to(low: int, high: int) -> Allowed:
    """Allow numbers from low to high, ends included."""
    return Allowed(text=f"a number from {low} to {high}", holds=lambda value: low <= value <= high)


def _is_tag(text: str) -> bool:
    try:
        DeploymentTag(text=text)
    except ValueError:
        return False
    return True


SYMBOL = _text(
    r"([A-Z0-9]{1,20})/(?!\1(?::|$))([A-Z0-9]{1,20})(?::\2)?",
    'a spot market as BASE/QUOTE, such as "PAXG/USDT", or a perpetual as BASE/QUOTE:QUOTE, such as "SOL/USDC:USDC"',
)
"""What a market's symbol looks like; errors name a market by it where it is valid."""
_SPOT_SYMBOL = _text(r"([A-Z0-9]{1,20})/(?!\1$)[A-Z0-9]{1,20}", 'a spot market as BASE/QUOTE, such as "PAXG/USDT"')


def base_and_quote(symbol: str) -> tuple[str, str]:
    """Name the two assets of a symbol; a perpetual's are those that its price is of and in."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    return base, quote


_HIGHEST_BPS = 10_000
_HIGHEST_FEE_BPS = 100

DeploymentName = Annotated[
    str, _text(r"[a-z][a-z0-9-]{0,11}", "a name of 1 to 12 of a-z, 0-9 and -, starting with a letter")
]
"""With an account's 20 characters and a function's name it fits the 64 of a Lambda function or a role."""
NameOfAccount = Annotated[
    str, _text(r"[a-z][a-z0-9_]{0,19}", "an account name of 1 to 20 of a-z, 0-9 and _, starting with a letter")
]
NameOfHook = Annotated[
    str, _text(r"[a-z][a-z0-9_]{0,19}", "a hook name of 1 to 20 of a-z, 0-9 and _, starting with a letter")
]
TagText = Annotated[str, Allowed(text="exactly 3 of 0-9 and a-z, unique per venue login", holds=_is_tag)]
Region = Annotated[str, _text(r"[a-z]{2}(-[a-z]+)+-[0-9]", 'an AWS region such as "ap-northeast-1"')]
Email = Annotated[str, _text(r"[^@\s]+@[^@\s]+\.[^@\s.]+", 'an e-mail address such as "me@example.com"')]
Phone = Annotated[str, _text(r"\+[1-9][0-9]{6,14}", 'a phone number in E.164 form such as "+819012345678"')]
SymbolText = Annotated[str, SYMBOL]
SpotSymbolText = Annotated[str, _SPOT_SYMBOL]
AssetText = Annotated[str, _text(r"[A-Z0-9]{1,20}", 'an asset such as "USDT"')]
MomentText = Annotated[
    str,
    Allowed(text='a moment of UTC such as "2026-12-16T18:30:00Z"', holds=lambda text: moment_ms(text) is not None),
]
Positive = Annotated[Decimal, Allowed(text="a number above 0", holds=lambda value: value > ZERO)]
Amount = Annotated[Decimal, Allowed(text="a number, 0 or more", holds=lambda value: value >= ZERO)]
Share = Annotated[Decimal, Allowed(text="a share above 0 and at most 1", holds=lambda value: ZERO < value <= ONE)]
Ratio = Annotated[Decimal, Allowed(text="a ratio from 0 to 1", holds=lambda value: ZERO <= value <= ONE)]
Bps = Annotated[
    Decimal, Allowed(text=f"bps above 0 and below {_HIGHEST_BPS}", holds=lambda value: ZERO < value < _HIGHEST_BPS)
]
Factor = Annotated[Decimal, above(0, 10)]
FeeBps = Annotated[
    Decimal,
    Allowed(
        text=f"bps from -{_HIGHEST_FEE_BPS} to {_HIGHEST_FEE_BPS}, a rebate below 0",
        holds=lambda value: abs(value) <= _HIGHEST_FEE_BPS,
    ),
]
