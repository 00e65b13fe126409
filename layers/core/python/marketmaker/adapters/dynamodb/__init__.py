"""State and ledger in DynamoDB: exact numbers, conditional writes, consistent reads."""

from marketmaker.adapters.dynamodb.store import DynamoDbStore
from marketmaker.adapters.dynamodb.tables import create_tables

__all__ = ["DynamoDbStore", "create_tables"]
