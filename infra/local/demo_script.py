"""What happens in the demo: quoting, a price outside its band, a halt and its end, all by the deployed functions."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from infra.local.bridges import fire_rates
from infra.local.demo_view import Progress
from infra.local.processes import ProcessFailedError
from infra.local.stack import LocalStack
from infra.local.subscriber import Alert

BREACH_AT, HALT_AT = 0.3, 0.65
"""When the price leaves its band and when the operator halts, as parts of the run."""
OUT_BPS, BACK_BPS = 2500, -2000
"""Beyond every band and exactly back: 1.25 · 0.8 = 1. Upwards, as no limit of losses is to answer first."""
MINUTE_S = 60.0
LEAST_LEAD_S = 10.0
"""Before a whole minute: what is fired later would leave a minute without ticks."""
FIRST_TICK_TIMEOUT_S = 90.0
REACTION_TIMEOUT_S = 30.0
RECOVERY_TIMEOUT_S = 90.0
"""A risk check that saw the price outside its band keeps the market stopped until the next one."""
CHECK_MARGIN_S = 20.0
FRAME_S = 0.5


@dataclass(slots=True, kw_only=True)
class Script:
    """Plays the acts one after another; `show` is called in every frame with what is going on."""

    stack: LocalStack
    progress: Progress
    show: Callable[[str], None]
    started_s: float = 0.0
    last_check_s: float = 0.0
    last_tick: dict[str, Any] = field(default_factory=dict)
    halts: list[dict[str, Any]] = field(default_factory=list)
    alerts_seen: int = 0

    def begin(self) -> None:
        """Let the schedules fire and wait for the first tick: it comes with the next whole minute."""
        self.stack.invoke("replace_quotes", {"Records": []})
        self._pause("waiting for a new minute", lambda: MINUTE_S - time.time() % MINUTE_S >= LEAST_LEAD_S)
        self.started_s = (time.time() // MINUTE_S + 1) * MINUTE_S
        fire_rates(self.stack.deployed)
        self.wait("waiting for the next whole minute", lambda: bool(self.last_tick), FIRST_TICK_TIMEOUT_S)

    def quote_until(self, share: float) -> None:
        """Let the functions work until a part of the run is over."""
        end_s = self.started_s + share * self.progress.seconds
        self._pause("quoting", lambda: time.time() >= end_s)

    def leave_the_band(self) -> None:
        """Move the price out of its band and back: quotes are pulled with an alert, and return with another.

        Not just before a risk check: what it stops, the next one lets go, a minute later.
        """
        self._pause("quoting", lambda: time.time() < self.last_check_s + MINUTE_S - CHECK_MARGIN_S)
        self.stack.shift_prices(OUT_BPS)
        self.wait("the price is outside its band", lambda: self.is_told("price_band", "critical"))
        self.wait("the price is outside its band", lambda: not self.stack.exchange()["open_orders"])
        self.stack.shift_prices(BACK_BPS)
        self.wait("the price is back", lambda: self.is_told("price_band", "info"), RECOVERY_TIMEOUT_S)

    def halt_and_resume(self) -> None:
        """Halt by the topic, see a tick refused, and lift the halt as an operator does."""
        self.stack.request_halt("the operator's drill", "operator")
        self.wait("halting", lambda: bool(self.halts))
        self.wait("halted", lambda: self.last_tick.get("outcome") == "halted" and self.is_told("halt", "critical"))
        self.stack.mm("resume", "--reason", "the drill is over")
        self.wait("resuming", lambda: self.is_told("resume", "info") and self.last_tick.get("outcome") == "done")

    def end(self) -> None:
        """Halt for good, so that the books can be compared."""
        self.show("halting")
        self.stack.invoke("halt", {"reason": "the demo is over", "requested_by": "make demo"})
        self.wait("halting", lambda: len(self.halts) > 1)

    def watch(self, what: str) -> None:
        """Take in what the functions logged and which alerts arrived, and draw a frame."""
        self.stack.bridges.check()
        self.progress.elapsed_s = max(0.0, time.time() - self.started_s) if self.started_s else 0.0
        for line in self.stack.logs.read():
            with (self.stack.out / f"{line.function}.log").open("a", encoding="utf-8") as log:
                log.write(f"{line.text}\n")
            self._take(line.record() or {}, line.at_ms / 1000)
        alerts = self.product_alerts()
        for alert in alerts[self.alerts_seen :]:
            self.progress.alert(alert.subject, critical=alert.attributes["severity"] == "critical")
        self.alerts_seen = len(alerts)
        self.show(what)

    def product_alerts(self) -> list[Alert]:
        """Return the functions' own alerts; an alarm's messages name no kind."""
        return [alert for alert in self.stack.subscriber.alerts() if "kind" in alert.attributes]

    def _take(self, record: dict[str, Any], at_s: float) -> None:
        match record.get("message"):
            case "tick":
                self.last_tick = record
                self.progress.add(record)
            case "risk":
                self.last_check_s = at_s
                self.progress.risk_checks += 1
            case "halt":
                self.halts.append(record)

    def is_told(self, kind: str, severity: str) -> bool:
        """Tell whether such an alert has arrived."""
        wanted = {"kind": kind, "severity": severity}
        return any(wanted.items() <= dict(alert.attributes).items() for alert in self.product_alerts())

    def _pause(self, what: str, is_over: Callable[[], bool]) -> None:
        while not is_over():
            self.watch(what)
            time.sleep(FRAME_S)

    def wait(self, what: str, is_over: Callable[[], bool], timeout_s: float = REACTION_TIMEOUT_S) -> None:
        """Watch until something has happened.

        Raises:
            ProcessFailedError: it did not in time.
        """
        end_s = time.time() + timeout_s
        while True:
            self.watch(what)
            if is_over():
                return
            if time.time() > end_s:
                raise ProcessFailedError(f"{what}: nothing came of it within {timeout_s:.0f} s; see {self.stack.out}")
            time.sleep(FRAME_S)


def play(script: Script) -> dict[str, Any]:
    """Play all acts; returns the exchange's account of the moment before the first halt."""
    script.begin()
    script.quote_until(BREACH_AT)
    script.leave_the_band()
    script.quote_until(HALT_AT)
    before_halt = script.stack.exchange()
    script.halt_and_resume()
    script.quote_until(1.0)
    script.end()
    return before_halt
