"""An account's halt function, invoked by an operator: it has the address and the key that the venue knows."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from marketmaker.adapters.aws_failures import as_failure, error_code
from marketmaker.domain.units import AccountName
from marketmaker.errors import Fatal, Refused, Retryable
from marketmaker.ports import HaltRequest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class HaltFunctions:
    """Invokes a deployment's halt functions; `connect` makes a client that waits so many seconds for an answer."""

    def __init__(self, name_of: Callable[[AccountName], str], connect: "Callable[[float], LambdaClient]") -> None:
        self._name_of = name_of
        self._connect = connect

    def halt[Report](self, request: HaltRequest, report: type[Report], timeout_s: float) -> Report:
        """Halt, and wait so long for the report.

        Raises:
            Refused: there is no such function.
            Retryable: it could not be reached, or gave no answer in time: it may be at work all the same.
            Fatal: it may not be invoked, or failed.
        """
        name = self._name_of(request.account)
        asked = {"account": request.account, "reason": request.reason, "requested_by": request.requested_by}
        if request.symbol is not None:
            asked["symbol"] = request.symbol
        try:
            client = self._connect(timeout_s)
            answer = client.invoke(FunctionName=name, Payload=json.dumps(asked).encode())
            said = answer["Payload"].read()
        except (BotoCoreError, ClientError) as error:
            if error_code(error) == "ResourceNotFoundException":
                raise Refused(f"there is no function {name}") from error
            raise as_failure(error, f"invoking {name}") from error
        except ValueError as error:  # botocore's word for an endpoint that is no address
            raise Retryable(f"invoking {name}: {error}") from error
        if answer.get("FunctionError"):
            raise Fatal(f"{name} failed: {said.decode(errors='replace')[:300]}")
        try:
            return msgspec.convert(msgspec.json.decode(said)["halt"], report)
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise Fatal(f"{name} answered what is no report: {error}") from error
