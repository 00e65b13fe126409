"""What a caller does about a failure of AWS: one reading of botocore's errors for every AWS adapter."""

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004

from marketmaker.errors import Fatal, MarketMakerError, Refused, Retryable

_RETRYABLE_CODES = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_FATAL_CODES = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "DecryptionFailure",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "NotFound",
        "NotFoundException",
        "OptInRequired",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
    }
)


def error_code(error: BotoCoreError | ClientError) -> str:
    """Return the service's own code of an error, the class name where it never reached the service."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "")
    return type(error).__name__


def as_failure(error: BotoCoreError | ClientError, doing: str) -> MarketMakerError:
    """Translate an AWS error; `doing` names the operation and the resource.

    A lost answer counts as `Retryable`: every write of ours is conditional and repeatable, so sending it again is safe.
    """
    code = error_code(error)
    if isinstance(error, ClientError):
        text = f"{doing}: {code}: {error.response.get('Error', {}).get('Message', '')}"
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _FATAL_CODES:
            return Fatal(text)
        return Retryable(text) if code in _RETRYABLE_CODES or status >= 500 else Refused(text)
    text = f"{doing}: {code}: {error}"
    return Retryable(text) if isinstance(error, HTTPClientError | ConnectionError) else Fatal(text)
