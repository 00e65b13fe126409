"""State and ledger in DynamoDB: exact numbers, conditional writes, consistent reads."""

from marketmaker.adapters.dynamodb.store import DynamoDbStore

__all__ = ["DynamoDbStore"]
