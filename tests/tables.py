"""The tables that storage tests share, and stores connected to them."""

import pytest

from marketmaker.adapters.dynamodb import DynamoDbPrices, DynamoDbStore, TableClient, TableSettings

REGION = "eu-west-1"
STATE_TABLE = "mm-state"
LEDGER_TABLE = "mm-ledger"
PRICES_TABLE = "mm-prices"


def table_settings(endpoint: str | None) -> TableSettings:
    """Name the session's tables."""
    return TableSettings(
        state_table=STATE_TABLE,
        ledger_table=LEDGER_TABLE,
        prices_table=PRICES_TABLE,
        region=REGION,
        endpoint=endpoint,
    )


def local_store(endpoint: str | None) -> DynamoDbStore:
    """Connect a store of its own to the session's tables."""
    return DynamoDbStore(TableClient(table_settings(endpoint)))


def local_prices(endpoint: str | None) -> DynamoDbPrices:
    """Connect prices of their own to the session's tables."""
    return DynamoDbPrices(TableClient(table_settings(endpoint)))


def use_fake_credentials(patch: pytest.MonkeyPatch) -> None:
    """Keep every test away from a real account."""
    patch.setenv("AWS_ACCESS_KEY_ID", "testing")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        patch.delenv(name, raising=False)
