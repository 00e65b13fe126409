"""A deployment as the rest of the product sees it: frozen domain values, and the hash that names them."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from marketmaker.config.advice import advise
from marketmaker.config.alert_schema import read_hooks
from marketmaker.config.keys import KeyPath, keys_of, written
from marketmaker.config.market_schema import Preset
from marketmaker.config.markets import read_market
from marketmaker.config.presets import decided_by, with_presets
from marketmaker.config.reading import Place, parse_toml, read_table
from marketmaker.config.request_weights import refuse_too_heavy
from marketmaker.config.risk_schema import PortfolioTable, read_risk
from marketmaker.config.schema import (
    ClocksTable,
    DeploymentTable,
    Egress,
    Stage,
)
from marketmaker.domain.accounts import AccountSettings, Clocks
from marketmaker.domain.exposure import Portfolio
from marketmaker.domain.hooks import HookName, HookSettings
from marketmaker.domain.keys import KeyPurpose
from marketmaker.domain.orders import DeploymentTag
from marketmaker.domain.units import AccountName, Asset, Symbol
from marketmaker.domain.venues import ClientIds, trading_at

_MS = 1_000
_HASH_CHARACTERS = 16


type AccountFunction = Literal["replace_quotes", "check_risk", "halt"]
"""The functions that every account has of its own."""
type SharedFunction = Literal["schedule_ticks", "fetch_prices"]
"""The functions that a deployment has one of."""
type HookFunction = Literal["relay_alerts"]
"""The function that every hook has of its own."""
type TopicName = Literal["halt", "alerts-critical", "alerts-info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """Who is told: e-mail addresses get every alert, phone numbers the critical ones."""

    email: tuple[str, ...]
    sms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetUse:
    """What a market's preset came to, with what the file says over it: each value by its key below the market."""

    account: AccountName
    symbol: Symbol
    preset: Preset
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Everything that a deployment file says.

    `config_hash` is equal for files that mean the same: order, spacing, comments, 1.50 for 1.5 and a default written
    out do not change it; any other difference does (R12). `paper` is what each account opens with in the paper stage.
    `said` is every value by its key, `presets` the preset of each market that names one, `text` the file as it was
    read.
    """

    name: str
    tag: DeploymentTag
    stage: Stage
    armed: bool
    standby_of: str | None
    region: str
    egress: Egress
    recipients: Recipients
    hooks: Mapping[HookName, HookSettings]
    memory_mb: Mapping[AccountFunction | SharedFunction | HookFunction, int]
    accounts: Mapping[AccountName, AccountSettings]
    paper: Mapping[AccountName, Mapping[Asset, Decimal]]
    clocks: Clocks
    config_hash: str
    said: Mapping[KeyPath, object]
    presets: Mapping[tuple[AccountName, Symbol], Preset] = field(compare=False)
    text: str = field(compare=False, repr=False)

    @property
    def may_quote(self) -> bool:
        """Tell whether ticks may run as deployed: a live deployment must be armed first, a standby take over."""
        return self.standby_of is None and (self.armed or self.stage is not Stage.LIVE)

    @property
    def advice(self) -> tuple[str, ...]:
        """What it should not say, though it may: one line each."""
        return tuple(advise(self.accounts.values()))

    def below(self, *key: str) -> Mapping[str, str]:
        """Return every value below a key, by the rest of its key and as a file writes it."""
        return {
            ".".join(path[len(key) :]): written(value) for path, value in self.said.items() if path[: len(key)] == key
        }

    @property
    def preset_uses(self) -> tuple[PresetUse, ...]:
        """What each preset that is named came to; what it leaves off is `off`."""
        return tuple(
            PresetUse(account=account, symbol=symbol, preset=preset, values=self._decided(account, symbol, preset))
            for (account, symbol), preset in self.presets.items()
        )

    def _decided(self, account: AccountName, symbol: Symbol, preset: Preset) -> Mapping[str, str]:
        values: dict[str, str] = {}
        for key in decided_by(preset):
            said = self.below("accounts", account, f"markets[{symbol}]", key) or {"": "off"}
            values |= {f"{key}.{rest}".rstrip("."): value for rest, value in said.items()}
        return values

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues that any account works at or reads prices of, each once, sorted."""
        return tuple(sorted({venue for account in self.accounts.values() for venue in account.venues}))

    def symbols_at(self, venue: str) -> tuple[Symbol, ...]:
        """Return what any account works at a venue, each symbol once, sorted."""
        accounts = (each for each in self.accounts.values() if each.venue == venue)
        return tuple(sorted({symbol for account in accounts for symbol in account.symbols}))

    @property
    def tells_of_triangles(self) -> bool:
        """Tell whether some market wants an edge round its triangle to be told of (S15)."""
        markets = (market for account in self.accounts.values() for market in account.markets)
        return any(market.triangle is not None for market in markets)

    def listings_at(self, venue: str) -> tuple[Symbol, ...]:
        """Return what prices may be made of at a venue, but no account works there; each symbol once, sorted."""
        listings = (each for account in self.accounts.values() for each in account.listings)
        worked = self.symbols_at(venue)
        return tuple(sorted({each.symbol for each in listings if each.venue == venue} - {*worked}))

    @property
    def stack_name(self) -> str:
        """Name of the CloudFormation stack; every named resource starts with it."""
        return f"marketmaker-{self.name}"

    @property
    def state_table(self) -> str:
        """Name of the DynamoDB table with the deployment's state."""
        return f"{self.stack_name}-state"

    @property
    def ledger_table(self) -> str:
        """Name of the DynamoDB table with the deployment's ledger."""
        return f"{self.stack_name}-ledger"

    @property
    def prices_table(self) -> str:
        """Name of the DynamoDB table with what the venues publish."""
        return f"{self.stack_name}-prices"

    def function_name(
        self, function: AccountFunction | SharedFunction | HookFunction, owner: AccountName | HookName | None = None
    ) -> str:
        """Name a Lambda function; those of an account or a hook carry its name."""
        return "-".join([self.stack_name, *([owner] if owner else []), function])

    def topic_name(self, topic: TopicName) -> str:
        """Name an SNS topic."""
        return f"{self.stack_name}-{topic}"

    def secret_name(self, account: AccountName, purpose: KeyPurpose) -> str:
        """Name the Secrets Manager secret that holds one of an account's venue keys."""
        return f"marketmaker/{self.name}/{account}/{purpose}"

    def hook_secret_name(self, hook: HookName) -> str:
        """Name the Secrets Manager secret that holds a hook's address and what signs its messages."""
        return f"marketmaker/{self.name}/hooks/{hook}"


def standby_alarms(account: AccountName) -> tuple[str, ...]:
    """Name the alarms that are off until ticks and checks run, after the stack's name."""
    return (f"{account}-heartbeat", f"{account}-check_risk-presence", "schedule_ticks-presence")


def load_deployment(path: str | Path) -> Deployment:
    """Read and check a deployment file; raises `ConfigError` for the first thing that is wrong."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Place(file=str(path), path="the file").refuse("unreadable", f"UTF-8 text ({error})") from error
    return parse_deployment(text, file=str(path))


def parse_deployment(text: str, *, file: str, change: Callable[[dict[str, Any]], None] | None = None) -> Deployment:
    """Check a deployment file's text; `file` is its name in errors, `change` may change what was parsed before."""
    raw = parse_toml(text, file)
    if change is not None:
        change(raw)
    read = read_table(DeploymentTable, with_presets(raw), Place(file=file))
    table = msgspec.structs.replace(read, accounts={name: each.located for name, each in read.accounts.items()})
    tag = DeploymentTag(text=table.tag)
    clocks = _clocks(table.clocks)
    config_hash = _hash(table)
    portfolio = None if table.portfolio is None else _portfolio(table.portfolio, table.accounts)
    accounts = {
        AccountName(name): AccountSettings(
            name=AccountName(name),
            venue=account.venue.value,
            tag=tag,
            dedicated=account.dedicated,
            markets=tuple(read_market(each, account.venue.value, clocks) for each in account.markets),
            clocks=clocks,
            risk=read_risk(account.risk),
            config_hash=config_hash,
            is_standby=table.standby_of is not None,
            accepts_unverified_key=account.accept_unverified_key,
            remind_every_ms=60 * _MS * table.alerts.remind_every_min,
            portfolio=portfolio,
            is_armed=table.armed or table.stage is not Stage.LIVE,
            numbers_orders=trading_at(account.venue.value).client_ids is ClientIds.UINT32,
        )
        for name, account in table.accounts.items()
    }
    paper = _paper(table)
    if table.stage is not Stage.LOCAL:
        refuse_too_heavy(accounts, paper, Place(file=file).key("clocks").key("interval_s"))
    return Deployment(
        name=table.name,
        tag=tag,
        stage=table.stage,
        armed=table.armed,
        standby_of=table.standby_of,
        region=table.region,
        egress=table.egress,
        recipients=Recipients(email=table.alerts.email, sms=table.alerts.sms),
        hooks=MappingProxyType(read_hooks(table.alerts)),
        memory_mb=MappingProxyType(msgspec.structs.asdict(table.memory_mb)),  # type: ignore[arg-type]
        accounts=MappingProxyType(accounts),
        paper=MappingProxyType(paper),
        clocks=clocks,
        config_hash=config_hash,
        said=keys_of(table),
        presets=MappingProxyType(_presets(read)),
        text=text,
    )


def _paper(table: DeploymentTable) -> dict[AccountName, Mapping[Asset, Decimal]]:
    return {
        AccountName(name): MappingProxyType({Asset(asset): amount for asset, amount in account.paper.items()})
        for name, account in table.accounts.items()
        if account.paper is not None
    }


def _presets(table: DeploymentTable) -> dict[tuple[AccountName, Symbol], Preset]:
    return {
        (AccountName(name), Symbol(market.symbol)): market.preset
        for name, account in table.accounts.items()
        for market in account.markets
        if market.preset is not None
    }


def _hash(table: DeploymentTable) -> str:
    canonical = msgspec.json.encode(table, order="sorted")
    return hashlib.sha256(canonical).hexdigest()[:_HASH_CHARACTERS]


def _portfolio(table: PortfolioTable, accounts: Iterable[str]) -> Portfolio:
    bounds = {Asset(asset): bound for asset, bound in table.max_notional_quote.items()}
    return Portfolio(accounts=tuple(map(AccountName, accounts)), max_notional_quote=bounds)


def _clocks(table: ClocksTable) -> Clocks:
    return Clocks(
        interval_ms=table.interval_s * _MS,
        request_timeout_ms=table.request_timeout_ms,
        request_ttl_ms=table.request_ttl_ms,
        function_timeout_ms=table.function_timeout_s * _MS,
    )
