import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.errors import Fatal, MarketMakerError, Refused, Retryable


def client_error(code: str, status: int = 400) -> ClientError:
    response = {"Error": {"Code": code, "Message": "because"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "UpdateItem")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (client_error("ThrottlingException"), Retryable),
        (client_error("ProvisionedThroughputExceededException"), Retryable),
        (client_error("RequestLimitExceeded"), Retryable),
        (client_error("TransactionConflictException"), Retryable),
        (client_error("InternalServerError", 500), Retryable),
        (client_error("503", 503), Retryable),
        (client_error("AccessDeniedException"), Fatal),
        (client_error("ResourceNotFoundException"), Fatal),
        (client_error("UnrecognizedClientException"), Fatal),
        (client_error("ValidationException"), Refused),
        (ReadTimeoutError(endpoint_url="https://there"), Retryable),
        (ConnectTimeoutError(endpoint_url="https://there"), Retryable),
        (EndpointConnectionError(endpoint_url="https://there"), Retryable),
        (NoCredentialsError(), Fatal),
        (NoRegionError(), Fatal),
    ],
)
def test_each_error_says_what_the_caller_does(error: BotoCoreError | ClientError, kind: type[MarketMakerError]) -> None:
    failure = as_failure(error, "UpdateItem on table mm-state")
    assert type(failure) is kind
    assert str(failure).startswith("UpdateItem on table mm-state: ")
