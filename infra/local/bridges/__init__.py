"""What ministack lacks and the deployed stack relies on: small, named, and ended with the context that started them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.assembly import DeployError
from infra.local.bridges.alarms import AlarmBridge
from infra.local.bridges.metrics import metrics_of_logs, metrics_of_queues, put_metrics
from infra.local.bridges.pollers import QueuePoller
from infra.local.bridges.schedules import fire_rates
from infra.local.deployer import Deployed
from infra.local.function_logs import follow_functions

__all__ = ["Bridges", "bridges", "fire_rates"]

ROUND_S = 5.0
LOOK_S = 0.2
LATE_S = 5.0
"""A period is judged this long after its end, when all that happened in it is known."""
_STOP_TIMEOUT_S = 10.0


class Bridges:
    """Logs → metrics → alarms in rounds, and queues that are looked at without a pause, until it is told to stop."""

    def __init__(self, deployed: Deployed) -> None:
        """Take over the stack's alarms; nothing runs yet."""
        self._logs = follow_functions(deployed)
        self._cloudwatch = deployed.aws.client("cloudwatch")
        self._sqs = deployed.aws.client("sqs")
        self._queues = deployed.names("AWS::SQS::Queue")
        self._alarms = AlarmBridge(self._cloudwatch, deployed.names("AWS::CloudWatch::Alarm"))
        self._poller = QueuePoller(deployed.aws.client("sqs"))
        self._failure: Exception | None = None
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(pause_s, work), name=work.__name__, daemon=True)
            for pause_s, work in ((ROUND_S, self._round_now), (LOOK_S, self._poller.look))
        ]

    def round(self, now_s: float) -> None:
        """Carry over once what has happened since the last round."""
        put_metrics(self._cloudwatch, metrics_of_logs(self._logs.read()))
        put_metrics(self._cloudwatch, metrics_of_queues(self._sqs, self._queues, now_s))
        self._alarms.settle(now_s - LATE_S)

    def start(self) -> None:
        """Begin, in threads of their own."""
        for thread in self._threads:
            thread.start()

    def check(self) -> None:
        """Raise what ended the bridges, so that nobody waits for an alarm that cannot come."""
        if self._failure is not None:
            raise DeployError(f"the local bridges ended: {self._failure!r}") from self._failure

    def stop(self) -> None:
        """Finish what is being carried over, and end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_STOP_TIMEOUT_S)

    def _round_now(self) -> None:
        self.round(time.time())

    def _repeat(self, pause_s: float, work: Callable[[], object]) -> None:
        """Work again and again; the first failure ends it and is kept for `check`."""
        while not self._stop.wait(pause_s):
            try:
                work()
            except (BotoCoreError, ClientError, KeyError, ValueError) as error:
                self._failure = error
                return


@contextmanager
def bridges(deployed: Deployed) -> Iterator[Bridges]:
    """Run the bridges of a stack."""
    running = Bridges(deployed)
    running.start()
    try:
        yield running
    finally:
        running.stop()
