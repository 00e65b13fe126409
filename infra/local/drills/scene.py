"""One drill as it runs: ticks and checks are fired, the exchange is watched, and times are taken."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from infra.local.drills.bounds import Risk, Sample, held, middle, spread
from infra.local.drills.stage import DrillStage
from infra.local.function_logs import FunctionLogs
from infra.local.processes import ProcessFailedError
from infra.local.subscriber import Alert
from marketmaker.domain.accounts import AccountSettings
from marketmaker.domain.orders import read_level

CHECK_S = 10.0
START_TIMEOUT_S = 45.0
_FRAME_S = 0.2
_DIGITS = 1

type Condition = Callable[[], bool]


@dataclass(slots=True, kw_only=True)
class Scene:
    """The account of one drill with its exchange; while `ticks` and `checks` are on, they are fired."""

    stage: DrillStage
    account: AccountSettings
    endpoint: str
    logs: FunctionLogs
    show: Callable[[str], None]
    ticks: bool = True
    checks: bool = True
    is_checked: bool = True
    tells_no_time: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    struck_s: float = 0.0
    seen: int = 0
    _next_slot_s: float = 0.0
    _next_check_s: float = 0.0

    @property
    def interval_s(self) -> float:
        """The time from one tick to the next."""
        return self.account.clocks.interval_ms / 1000

    # --- what is done to it

    def arm(self, **fault: object) -> None:
        """Switch a fault of the exchange on."""
        self._post("faults", fault)

    def clear_faults(self) -> None:
        """Switch every fault of the exchange off."""
        self._ask("faults", method="DELETE")

    def shift(self, shift_bps: int) -> None:
        """Move the whole market."""
        self._post("prices", {"shift_bps": shift_bps})

    def accept_key(self, api_key: str, secret: str) -> None:
        """Let the exchange take this key alone from now on."""
        self._post("keys", {"api_key": api_key, "api_secret": secret})

    def halt(self, reason: str) -> None:
        """Publish to the halt topic, as an operator does."""
        name = self.account.name
        message = json.dumps({"account": name, "reason": reason, "requested_by": "operator"})
        self.stage.client("sns").publish(
            TopicArn=self.stage.deployed.outputs["HaltTopic"],
            Message=message,
            MessageAttributes={"account": {"DataType": "String", "StringValue": name}},
        )

    def strike(self) -> None:
        """Begin the incident: what was before, and the time."""
        self.watch("")
        self.before, self.struck_s = self.state, time.time()
        self.samples, self.seen = [], len(self.records)

    def begin(self) -> None:
        """Take the time from now on, for an incident that came later than it was waited for."""
        self.struck_s = time.time() - _FRAME_S

    # --- what is seen of it

    def accepted(self) -> int:
        """Return how many orders the exchange has accepted."""
        count: int = self.state["orders"]["accepted"]
        return count

    def min_notional(self) -> Decimal:
        """Return the least value of an order."""
        return Decimal(self.state["min_notional"])

    def requests(self, route: str) -> int:
        """Return how many requests of a route reached the exchange."""
        count: int = self.state["requests"].get(route, 0)
        return count

    def own_orders(self) -> list[dict[str, Any]]:
        """Return our orders that rest on the exchange."""
        tag = self.account.tag
        return [each for each in self.state["open_orders"] if read_level(each["clientOrderId"], tag) is not None]

    def is_empty(self) -> bool:
        """Tell whether none of our orders rests."""
        return not self.own_orders()

    def alerts(self, *kinds: str) -> list[Alert]:
        """Return the account's alerts of some kinds since the incident began."""
        wanted = {"account": self.account.name}
        return [
            alert
            for alert in self.stage.subscriber.alerts()
            if alert.at_s >= self.struck_s
            and wanted.items() <= dict(alert.attributes).items()
            and alert.attributes.get("kind") in kinds
        ]

    def told(self, *kinds: str) -> Condition:
        """Return whether such an alert has come since the incident."""
        return lambda: bool(self.alerts(*kinds))

    def logged(self, message: str) -> Iterator[dict[str, Any]]:
        """Return what the functions logged since the incident under a message."""
        return (each for each in self.records[self.seen :] if each.get("message") == message)

    def risk(self, orders: int) -> Risk:
        """Return what was at risk when the incident began."""
        settings = self.account.markets[0]
        return Risk(
            held_base=held(self.before),
            order_base=settings.order_size_base,
            orders=orders,
            spread_quote=spread(self.before),
            maker_bps=settings.fees.maker_bps,
            taker_bps=settings.fees.taker_bps,
        )

    def mid_before(self) -> Decimal:
        """Return the middle of the market when the incident began."""
        return _known(middle(self.before))

    # --- how time passes

    def quote(self) -> None:
        """Let ticks come until both sides rest.

        Raises:
            ProcessFailedError: they never did.
        """
        if self.until("quoting", lambda: len(self.own_orders()) >= 2, START_TIMEOUT_S) is None:
            last = [each for each in self.records if each.get("message") == "tick"][-1:]
            raise ProcessFailedError(
                f"{self.account.name}: no quotes within {START_TIMEOUT_S:.0f} s; last tick: {last}"
            )

    def observe(
        self, what: str, detected: Condition, acted: Condition, timeout_s: float
    ) -> tuple[float | None, float | None]:
        """Wait until both came; returns when each first did, in seconds since the incident."""
        times: list[float | None] = [None, None]

        def both() -> bool:
            for index, condition in enumerate((detected, acted)):
                if times[index] is None and condition():
                    times[index] = self.elapsed_s()
            return None not in times

        self.until(what, both, timeout_s)
        return times[0], times[1]

    def until(self, what: str, condition: Condition, timeout_s: float) -> float | None:
        """Wait until something holds; returns the seconds since the incident, None if it never did."""
        end_s = time.time() + timeout_s
        while time.time() < end_s:
            self.watch(what)
            if condition():
                return self.elapsed_s()
            time.sleep(_FRAME_S)
        return None

    def wait(self, what: str, seconds: float) -> None:
        """Let some time pass."""
        self.until(what, lambda: False, seconds)

    def elapsed_s(self) -> float:
        """Return the seconds since the incident."""
        return round(time.time() - self.struck_s, _DIGITS)

    def watch(self, what: str) -> None:
        """Fire what is due and take in what has happened."""
        self._fire(time.time())
        self.stage.poller.look()
        self.state = self._ask("state")
        mid = middle(self.state)
        if mid is not None:
            self.samples.append(Sample(at_s=time.time(), mid=mid))
        for line in self.logs.read():
            with (self.stage.out / f"{line.function}.log").open("a", encoding="utf-8") as log:
                log.write(f"{line.text}\n")
            record = line.record()
            if record is not None:
                self.records.append(record)
        if what:
            self.show(what)

    def check_now(self) -> None:
        """Invoke the check at once; the next one comes a period later."""
        if self.is_checked:
            self.stage.invoke_later("check_risk", self.account.name)
        self._next_check_s = time.time() + CHECK_S

    def _fire(self, now_s: float) -> None:
        if self.checks and now_s >= self._next_check_s:
            self.check_now()
        if self.ticks and now_s >= self._next_slot_s:
            slot_s = int(now_s // self.interval_s * self.interval_s)
            self._next_slot_s = slot_s + self.interval_s
            self._send_tick(slot_s)

    def _send_tick(self, slot_s: int) -> None:
        queue = self.stage.deployed.name_ending("AWS::SQS::Queue", f"-{self.account.name}-ticks")
        self.stage.client("sqs").send_message(
            QueueUrl=queue,
            MessageBody=json.dumps({"account": self.account.name, "slot_ms": slot_s * 1000}),
        )

    def _post(self, route: str, body: Mapping[str, object]) -> None:
        self._ask(route, body=json.dumps(body).encode(), method="POST")

    def _ask(self, route: str, *, body: bytes | None = None, method: str = "GET") -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own loopback
            f"{self.endpoint}/local/{route}", body, {"content-type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            said: dict[str, Any] = json.load(answer)
            return said


def _known(mid: Decimal | None) -> Decimal:
    if mid is None:
        raise ProcessFailedError("the exchange's market lacked a side when the drill began")
    return mid


@contextmanager
def open_scene(
    stage: DrillStage, drill: str, options: tuple[str, ...], *, show: Callable[[str], None]
) -> Iterator[Scene]:
    """Start a drill's exchange; its account is new."""
    account = next(each for each in stage.deployment.accounts.values() if each.name == drill)
    with stage.exchange(drill, options) as endpoint:
        yield Scene(
            stage=stage,
            account=account,
            endpoint=endpoint,
            logs=stage.logs_of(account.name),
            show=show,
        )
