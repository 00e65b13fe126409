"""State, ledger and prices in DynamoDB: exact numbers, conditional writes, consistent reads."""

from marketmaker.adapters.dynamodb.client import TableClient, TableSettings
from marketmaker.adapters.dynamodb.prices import DynamoDbPrices
from marketmaker.adapters.dynamodb.store import DynamoDbStore

__all__ = ["DynamoDbPrices", "DynamoDbStore", "TableClient", "TableSettings"]
