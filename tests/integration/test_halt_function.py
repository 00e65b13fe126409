"""An operator's command invokes an account's halt function and reads its report, on stubbed answers of Lambda."""

import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from marketmaker.adapters.halt_function import HaltFunctions
from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import Fatal, MarketMakerError, Refused, Retryable
from marketmaker.ports import HaltRequest
from marketmaker.usecases.halt import HaltReport
from tests.tables import REGION, use_fake_credentials

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

MAIN = AccountName("main")
REQUEST = HaltRequest(account=MAIN, reason="drill", requested_by="ada")
REPORT = HaltReport(
    account=MAIN,
    symbol=Symbol("PAXG/USDT"),
    flag_set=True,
    first_sweep_s=0.25,
    emptied_s=7.5,
    verified_s=7.5,
    orders_cancelled=2,
    orders_left=0,
    foreign_orders=1,
    ledger_settled=True,
    problems=("one thing",),
)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> "LambdaClient":
    use_fake_credentials(monkeypatch)
    return boto3.client("lambda", region_name=REGION)


@pytest.fixture
def stub(client: "LambdaClient") -> Iterator[Stubber]:
    with Stubber(client) as stub:
        yield stub


def answered(said: object, **more: Any) -> dict[str, Any]:
    raw = json.dumps(said).encode()
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(raw), len(raw)), **more}


def functions(client: "LambdaClient") -> HaltFunctions:
    return HaltFunctions(lambda account: f"marketmaker-mine-{account}-halt", lambda _: client)


def test_function_of_the_account_is_asked_and_its_report_read(client: "LambdaClient", stub: Stubber) -> None:
    asked = {"account": "main", "reason": "drill", "requested_by": "ada", "symbol": "PAXG/USDT"}
    expected = {"FunctionName": "marketmaker-mine-main-halt", "Payload": json.dumps(asked).encode()}
    stub.add_response("invoke", answered({"halt": REPORT.summary()}), expected)
    request = HaltRequest(account=MAIN, reason="drill", requested_by="ada", symbol=Symbol("PAXG/USDT"))
    assert functions(client).halt(request, HaltReport, 30) == REPORT


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ResourceNotFoundException", 404, Refused),
        ("AccessDeniedException", 403, Fatal),
        ("TooManyRequestsException", 429, Retryable),
        ("ServiceException", 500, Retryable),
    ],
)
def test_refusals_say_what_to_do_and_name_the_function(
    client: "LambdaClient", stub: Stubber, code: str, status: int, kind: type[MarketMakerError]
) -> None:
    stub.add_client_error("invoke", service_error_code=code, http_status_code=status)
    with pytest.raises(kind, match="marketmaker-mine-main-halt"):
        functions(client).halt(REQUEST, HaltReport, 30)


def test_function_that_raised_is_no_report(client: "LambdaClient", stub: Stubber) -> None:
    stub.add_response("invoke", answered({"errorMessage": "a defect"}, FunctionError="Unhandled"))
    with pytest.raises(Fatal, match=r"failed: .*a defect"):
        functions(client).halt(REQUEST, HaltReport, 30)


@pytest.mark.parametrize("said", [{}, {"halt": None}, {"halt": {"account": "main"}}, [], None])
def test_answer_that_is_no_report_is_refused(client: "LambdaClient", stub: Stubber, said: object) -> None:
    stub.add_response("invoke", answered(said))
    with pytest.raises(Fatal, match="no report"):
        functions(client).halt(REQUEST, HaltReport, 30)


def failing(error: Exception) -> "Callable[[float], LambdaClient]":
    def connect(_: float) -> "LambdaClient":
        raise error

    return connect


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="here"), ValueError("Invalid endpoint: x")])
def test_function_that_does_not_answer_can_be_asked_again(error: Exception) -> None:
    with pytest.raises(Retryable, match="invoking main-halt"):
        HaltFunctions(lambda account: f"{account}-halt", failing(error)).halt(REQUEST, HaltReport, 30)
