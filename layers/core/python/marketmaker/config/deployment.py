"""A deployment as the rest of the product sees it: frozen domain values, and the hash that names them."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Literal, assert_never

import msgspec

from marketmaker.config.reading import EXACT_NUMBERS, Place, read_table, show
from marketmaker.config.schema import (
    AbsoluteBandTable,
    AmountTable,
    BothSidesTable,
    BpsBandTable,
    BpsDistanceTable,
    CapitalTable,
    ClocksTable,
    DeploymentTable,
    DistanceTable,
    MarketTable,
    QuoteDistanceTable,
    ReplaceTable,
    ShareTable,
    ShiftTable,
)
from marketmaker.domain.accounts import AccountSettings, Clocks
from marketmaker.domain.markets import (
    AbsoluteBand,
    BothSidesBand,
    BpsBand,
    BpsDistance,
    Capital,
    CapitalAmount,
    CapitalShare,
    Distance,
    FeeSchedule,
    InventoryBand,
    MarketSettings,
    PriceBand,
    QuoteDistance,
    ReplaceTolerance,
    ShiftBand,
)
from marketmaker.domain.orders import DeploymentTag
from marketmaker.domain.units import AccountName, Symbol

_MS = 1_000
_HASH_CHARACTERS = 16
_TOML_PLACE = re.compile(r"(?P<problem>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)")


type KeyPurpose = Literal["trade", "risk"]
"""The two keys of a login: quoting trades with one, the risk check and the halt use the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Everything that a deployment file says.

    `config_hash` is equal for files that mean the same: order, spacing, comments, 1.50 for 1.5 and a default written
    out do not change it; any other difference does (R12).
    """

    name: str
    tag: DeploymentTag
    region: str
    accounts: Mapping[AccountName, AccountSettings]
    clocks: Clocks
    config_hash: str

    @property
    def state_table(self) -> str:
        """Name of the DynamoDB table with the deployment's state."""
        return f"marketmaker-{self.name}-state"

    @property
    def ledger_table(self) -> str:
        """Name of the DynamoDB table with the deployment's ledger."""
        return f"marketmaker-{self.name}-ledger"

    def secret_name(self, account: AccountName, purpose: KeyPurpose) -> str:
        """Name the Secrets Manager secret that holds one of an account's venue keys."""
        return f"marketmaker/{self.name}/{account}/{purpose}"


def load_deployment(path: str | Path) -> Deployment:
    """Read and check a deployment file; raises `ConfigError` for the first thing that is wrong."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Place(file=str(path), path="the file").refuse("unreadable", f"UTF-8 text ({error})") from error
    return parse_deployment(text, file=str(path))


def parse_deployment(text: str, *, file: str) -> Deployment:
    """Check a deployment file's text; `file` is its name in errors."""
    table = read_table(DeploymentTable, _parse_toml(text, file), Place(file=file))
    tag = DeploymentTag(text=table.tag)
    clocks = _clocks(table.clocks)
    config_hash = _hash(table)
    accounts = {
        AccountName(name): AccountSettings(
            name=AccountName(name),
            venue=account.venue.value,
            tag=tag,
            dedicated=account.dedicated,
            markets=tuple(_market(each) for each in account.markets),
            clocks=clocks,
            config_hash=config_hash,
        )
        for name, account in table.accounts.items()
    }
    return Deployment(
        name=table.name,
        tag=tag,
        region=table.region,
        accounts=MappingProxyType(accounts),
        clocks=clocks,
        config_hash=config_hash,
    )


def _hash(table: DeploymentTable) -> str:
    canonical = msgspec.json.encode(table, order="sorted")
    return hashlib.sha256(canonical).hexdigest()[:_HASH_CHARACTERS]


def _parse_toml(text: str, file: str) -> dict[str, object]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.fullmatch(str(error))
        lines = text.split("\n")
        number = int(found["line"]) if found else len(text.rstrip().split("\n"))
        where = f"line {number}, column {found['column']}" if found else f"line {number}"
        allowed = f"valid TOML ({found['problem'] if found else error})"
        raise Place(file=file, path=where).refuse(show(lines[number - 1].strip()), allowed) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Place(file=file, path="a value").refuse("too long or too deeply nested", EXACT_NUMBERS) from error


def _clocks(table: ClocksTable) -> Clocks:
    return Clocks(
        interval_ms=table.interval_s * _MS,
        request_timeout_ms=table.request_timeout_ms,
        request_ttl_ms=table.request_ttl_ms,
        function_timeout_ms=table.function_timeout_s * _MS,
    )


def _market(table: MarketTable) -> MarketSettings:
    return MarketSettings(
        symbol=Symbol(table.symbol),
        number=table.number,
        capital_base=_capital(table.capital_base),
        capital_quote=_capital(table.capital_quote),
        opening_cost_quote=table.opening_cost_quote,
        fees=FeeSchedule(maker_bps=table.fees.maker_bps, taker_bps=table.fees.taker_bps),
        fair_price=table.fair_price,
        half_spread=_distance(table.half_spread),
        order_size_base=table.order_size_base,
        inventory_band=_inventory_band(table.inventory),
        price_band=_price_band(table.price_band),
        tolerance=_tolerance(table.replace),
        max_book_age_ms=table.max_book_age_s * _MS,
    )


def _capital(table: CapitalTable) -> Capital:
    match table:
        case AmountTable():
            return CapitalAmount(amount=table.amount)
        case ShareTable():
            return CapitalShare(share=table.share)
        case _:
            assert_never(table)


def _distance(table: DistanceTable) -> Distance:
    match table:
        case QuoteDistanceTable():
            return QuoteDistance(quote=table.quote)
        case BpsDistanceTable():
            return BpsDistance(bps=table.bps)
        case _:
            assert_never(table)


def _inventory_band(table: ShiftTable | BothSidesTable) -> InventoryBand:
    match table:
        case ShiftTable():
            return ShiftBand(
                min_ratio=table.min_ratio,
                max_ratio=table.max_ratio,
                max_shift_share=table.max_shift_share,
                ramp_ratio=table.ramp_ratio,
            )
        case BothSidesTable():
            return BothSidesBand(
                min_ratio=table.min_ratio,
                max_ratio=table.max_ratio,
                half_spread_below=_distance(table.half_spread_below),
                half_spread_above=_distance(table.half_spread_above),
            )
        case _:
            assert_never(table)


def _price_band(table: AbsoluteBandTable | BpsBandTable) -> PriceBand:
    match table:
        case AbsoluteBandTable():
            return AbsoluteBand(low=table.low, high=table.high)
        case BpsBandTable():
            return BpsBand(bps=table.bps)
        case _:
            assert_never(table)


def _tolerance(table: ReplaceTable) -> ReplaceTolerance:
    return ReplaceTolerance(
        price_share=table.price_share, size_share=table.size_share, max_age_ms=table.max_age_s * _MS
    )
