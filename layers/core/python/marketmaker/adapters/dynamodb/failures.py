"""What a refused request to the tables means."""

from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import VerboseClientError

from marketmaker.adapters.aws_failures import as_failure, error_code
from marketmaker.errors import Conflict, Retryable

type RawItem = dict[str, dict[str, Any]]
"""An item as the service writes it: name to type and value."""


class ConditionFailed(Exception):
    """A conditional write changed nothing; `stored` is the item that stands in its way, empty if there is none.

    Of a transaction, `stored` is the first write's if that failed, and `failed` are the places of all that did.
    """

    def __init__(self, stored: RawItem, failed: frozenset[int] = frozenset({0})) -> None:
        super().__init__("the condition does not hold")
        self.stored = stored
        self.failed = failed


def _stored(error: BotoCoreError | ClientError) -> RawItem:
    """Return the item that the service sent with a failed condition; pynamodb keeps it in the original error only."""
    original = error.__cause__
    return cast("RawItem", original.response.get("Item", {})) if isinstance(original, ClientError) else {}


def as_told(error: BotoCoreError | ClientError, doing: str) -> Exception:
    """Translate a refused or failed request; `doing` names the operation and the tables."""
    match error_code(error):
        case "ConditionalCheckFailedException":
            return ConditionFailed(_stored(error))
        case "TransactionCanceledException" if isinstance(error, VerboseClientError):
            return _cancelled(error, doing)
        case _:
            return as_failure(error, doing)


def met_transaction(error: BotoCoreError | ClientError) -> bool:
    """Tell whether nothing but another write under way to the same items was in the way."""
    if error_code(error) == "TransactionConflictException":
        return True
    if not isinstance(error, VerboseClientError):
        return False
    codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
    return "TransactionConflict" in codes and "ConditionalCheckFailed" not in codes


def _cancelled(error: VerboseClientError, doing: str) -> Exception:
    reasons = error.cancellation_reasons
    codes = {reason.code for reason in reasons if reason is not None}
    if "ConditionalCheckFailed" in codes:
        first = reasons[0]
        stored = (first.raw_item if first is not None else None) or {}
        places = (
            place
            for place, reason in enumerate(reasons)
            if reason is not None and reason.code == "ConditionalCheckFailed"
        )
        return ConditionFailed(stored, frozenset(places))
    if "TransactionConflict" in codes:
        return Conflict(f"{doing}: another write to the same items is under way")
    if codes & {"ThrottlingError", "ProvisionedThroughputExceeded"}:
        return Retryable(f"{doing}: {', '.join(sorted(codes))}")
    return as_failure(error, doing)
