"""Where an account's venue is, by stage, and which key opens it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from marketmaker.adapters.ccxt_venue import CcxtVenue, VenueLogin
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.dynamodb import TableClient, TableSettings
from marketmaker.adapters.secrets import read_venue_key
from marketmaker.bootstrap.environment import Environment
from marketmaker.bootstrap.secrets import secrets
from marketmaker.config import Deployment, KeyPurpose, Stage
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.keys import VenueKey
from marketmaker.errors import ConfigError
from marketmaker.ports import Telemetry, Venue


def account_venue(
    environment: Environment, deployment: Deployment, account: AccountSettings, key: KeyPurpose, telemetry: Telemetry
) -> Venue:
    """Connect an account to what its stage trades at."""
    if deployment.stage is Stage.PAPER:
        return _paper_venue(public_login(environment, deployment, account.venue), deployment, account, telemetry)
    return CcxtVenue(_keyed_login(environment, deployment, account, key), SystemClock())


def public_login(environment: Environment, deployment: Deployment, venue: str) -> VenueLogin:
    """Reach a venue's public data, without a key: a testnet's where some account works there, else the venue's own."""
    login = replace(_login(environment, deployment, None), venue=venue)
    is_worked = any(account.venue == venue for account in deployment.accounts.values())
    return login if is_worked else replace(login, is_sandbox=False)


def reference_venues(environment: Environment, deployment: Deployment, account: AccountSettings) -> dict[str, Venue]:
    """Connect to the other venues that the account's markets may be priced by, without a key; nothing is asked yet."""
    return {
        name: CcxtVenue(public_login(environment, deployment, name), SystemClock())
        for name in sorted(account.venues - {account.venue})
    }


def login_with(environment: Environment, deployment: Deployment, key: VenueKey, venue: str) -> VenueLogin:
    """Log in at a venue with a key at hand."""
    return replace(_login(environment, deployment, lambda: key, key=key), venue=venue)


def _login(
    environment: Environment,
    deployment: Deployment,
    read_key: Callable[[], VenueKey] | None,
    *,
    key: VenueKey | None = None,
) -> VenueLogin:
    """Say how the stage reaches its venue: testnet at the venue's testnet, paper and live at the venue itself.

    An endpoint re-routes every stage to this machine, and the client refuses one that is not here; the local stage has
    nowhere else to go.
    """
    if deployment.stage is Stage.LOCAL and not environment.venue_endpoint:
        raise ConfigError(
            "MM_VENUE_ENDPOINT: nothing is not allowed: the address of the local exchange, where the stage is local"
        )
    return VenueLogin(
        read_key=read_key,
        key=key,
        request_timeout_ms=deployment.clocks.request_timeout_ms,
        request_ttl_ms=deployment.clocks.request_ttl_ms,
        endpoint=environment.venue_endpoint or None,
        is_sandbox=deployment.stage is Stage.TESTNET,
    )


def _keyed_login(
    environment: Environment, deployment: Deployment, account: AccountSettings, key: KeyPurpose
) -> VenueLogin:
    """Log an account in with one of its keys.

    Quoting must not claim a tick without its key; what stops an account sets its flag even where it has none.
    """
    read_key = partial(read_venue_key, secrets(deployment), deployment.secret_name(account.name, key))
    login = _login(environment, deployment, read_key, key=read_key() if key == "trade" else None)
    return replace(login, venue=account.venue)


def _paper_venue(login: VenueLogin, deployment: Deployment, account: AccountSettings, telemetry: Telemetry) -> Venue:
    """Connect an account to its paper; imported here, so that no other stage loads a matching engine."""
    from marketmaker.adapters.dynamodb.paper import DynamoDbPaperStore
    from marketmaker.adapters.paper_venue import PaperLogin, PaperVenue

    clock = SystemClock()
    fees = {market.symbol: market.fees for market in account.markets}
    return PaperVenue(
        PaperLogin(account=account.name, opening=deployment.paper[account.name], fees=fees),
        public=CcxtVenue(login, clock),
        store=DynamoDbPaperStore(client=tables(deployment)),
        clock=clock,
        telemetry=telemetry,
    )


def tables(deployment: Deployment) -> TableClient:
    """Describe the deployment's tables to a client of their own; nothing connects yet."""
    return TableClient(
        TableSettings(
            state_table=deployment.state_table,
            ledger_table=deployment.ledger_table,
            prices_table=deployment.prices_table,
            region=deployment.region,
        )
    )
