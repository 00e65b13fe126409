"""The whole stack on this machine: the synthesized template on ministack, against the local exchange."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from infra.local.assembly import Assembly
from infra.local.aws import ROOT, ministack, put_keys, variables
from infra.local.bridges import Bridges, bridges
from infra.local.deployer import Deployed, deploy
from infra.local.function_logs import FunctionLogs, follow_functions
from infra.local.processes import ProcessFailedError, first_line, last_line, running
from infra.local.subscriber import Alert, Subscriber, alert_subscriber
from marketmaker.config import AccountFunction, Deployment, load_deployment
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.units import BPS

API_KEY, SECRET = "local-key", "local-secret"
START_TIMEOUT_S = 60.0
FUNDING = ("--funding-interval-s", "45", "--funding-rate", "0.0002")
"""A perpetual of the demo is paid for while somebody watches, not every eight hours."""
HISTORY_S = "300"
"""What a generated market has behind it at the start: the first klines that `fetch_prices` keeps."""
COMMAND_TIMEOUT_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What the local exchange trades: a recording from some second on, or a generated market."""

    data: str | None = None
    seed: int = 1
    start_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStack:
    """A deployed stack with everything it talks to; `account` is the one that is quoted."""

    deployment: Deployment
    account: AccountSettings
    deployed: Deployed
    endpoint: str
    environment: Mapping[str, str]
    logs: FunctionLogs
    subscriber: Subscriber
    bridges: Bridges
    out: Path

    @property
    def symbol(self) -> str:
        """The market that is quoted."""
        return self.account.markets[0].symbol

    def exchange(self) -> dict[str, Any]:
        """Read the exchange's own account of what happened."""
        return self._ask_exchange(f"{self.endpoint}/local/state")

    def shift_prices(self, shift_bps: int) -> None:
        """Move the whole market."""
        body = json.dumps({"shift_bps": shift_bps}).encode()
        request = urllib.request.Request(  # noqa: S310 - our own loopback
            f"{self.endpoint}/local/prices", body, {"content-type": "application/json"}
        )
        self._ask_exchange(request)

    def invoke(self, function: AccountFunction, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke one of the account's functions and return its result.

        Raises:
            ProcessFailedError: it raised.
        """
        name = self.deployment.function_name(function, self.account.name)
        answer = self.deployed.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise ProcessFailedError(f"{name} failed: {result.get('errorMessage', result)}")
        return result

    def request_halt(self, reason: str, requested_by: str) -> None:
        """Publish to the halt topic, as an operator, a breach or an alarm does."""
        account = self.account.name
        message = json.dumps({"account": account, "reason": reason, "requested_by": requested_by})
        self.deployed.aws.client("sns").publish(
            TopicArn=self.deployed.outputs["HaltTopic"],
            Message=message,
            MessageAttributes={"account": {"DataType": "String", "StringValue": account}},
        )

    def mm(self, *arguments: str, accepted: frozenset[int] = frozenset({0})) -> str:
        """Run the command line as an operator does in a second terminal; returns what it printed.

        Raises:
            ProcessFailedError: it failed, with an exit code that is not `accepted`.
        """
        own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "AWS_"))}
        done = subprocess.run(
            [str(Path(sys.executable).parent / "mm"), *arguments],
            env={**own, "TERM": "dumb", "MM_OPERATOR": "operator", **self.environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        if done.returncode not in accepted:
            raise ProcessFailedError(f"mm {' '.join(arguments)} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def _ask_exchange(self, request: str | urllib.request.Request) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - our own loopback
                state: dict[str, Any] = json.load(answer)
                return state
        except (OSError, http.client.HTTPException, ValueError) as error:
            log = self.out / "exchange.log"
            text = f"the local exchange does not answer ({error}); {log} ends: {last_line(log)}"
            raise ProcessFailedError(text) from error


@contextmanager
def local_stack(
    assembly: Assembly,
    deployment_file: Path,
    market: Market,
    out: Path,
    *,
    say: Callable[[str], None],
    on_alert: Callable[[Alert], None] = lambda _: None,
) -> Iterator[LocalStack]:
    """Start ministack and the exchange, deploy, store keys and subscribe; everything ends with the context.

    The schedules have not fired yet: `bridges.fire_rates` begins.
    """
    deployment = load_deployment(deployment_file)
    account = next(iter(deployment.accounts.values()))
    with ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="marketmaker-", ignore_cleanup_errors=True))
        data = Path(temporary)
        aws = stack.enter_context(ministack(region=deployment.region, log=out / "ministack.log", data=data))
        endpoint = stack.enter_context(_exchange(account, market, out / "exchange.log"))
        environment = {**aws, "MM_DEPLOYMENT_FILE": str(deployment_file), "MM_VENUE_ENDPOINT": endpoint}
        with variables(aws):
            deployed = deploy(assembly, parameters={"VenueEndpoint": endpoint}, say=say)
            put_keys(deployment, account.name, api_key=API_KEY, secret=SECRET)
        topics = [deployed.outputs["AlertsCriticalTopic"], deployed.outputs["AlertsInfoTopic"]]
        yield LocalStack(
            deployment=deployment,
            account=account,
            deployed=deployed,
            endpoint=endpoint,
            environment=environment,
            logs=follow_functions(deployed),
            subscriber=stack.enter_context(alert_subscriber(deployed.aws, topics, on_alert)),
            bridges=stack.enter_context(bridges(deployed)),
            out=out,
        )


@contextmanager
def _exchange(account: AccountSettings, market: Market, log: Path) -> Iterator[str]:
    settings = account.markets[0]
    is_perpetual = settings.perpetual is not None
    command: Sequence[str] = [
        *(sys.executable, "-m", "infra.local.exchange", "--port", "0", "--seed", str(market.seed)),
        *("--symbol", settings.symbol, "--start-s", str(market.start_s)),
        *("--maker-fee", _fraction(settings.fees.maker_bps), "--taker-fee", _fraction(settings.fees.taker_bps)),
        *(("--data", market.data) if market.data else ("--history-s", HISTORY_S)),
        *(("--dialect", "binance_usdm", "--equity-quote", "10000", *FUNDING) if is_perpetual else ()),
    ]
    with running(command, log=log, environment={}, stdout=subprocess.PIPE, cwd=ROOT) as process:
        yield first_line(process, "listening on ", timeout_s=START_TIMEOUT_S, log=log)


def _fraction(bps: Decimal) -> str:
    return str(bps * BPS)
