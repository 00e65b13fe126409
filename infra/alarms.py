"""What wakes a human: every alarm tells the critical topic when it goes off and when it is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.accounts import Account
from infra.alerting import Alerting
from infra.functions import Function
from infra.relays import Relay
from infra.shared import SharedFunctions
from marketmaker.config import Deployment

NAMESPACE = "marketmaker"
HALTING_MINUTES = 5
TAKING_MINUTES = 5
"""Where orders may take, some fill as a taker's; minute after minute they do only if the quotes are wrong."""
TICK_AGE_S = 180
"""A tick waits at most two minutes for its moment; one this old is not being worked."""
_DEFECT = "An invocation raised an error or ran out of time: a defect. See its log."
_NOT_RELAYED = "A hook did not take an alert. It is tried twice more, then kept in the queue of what reached nobody."

type Statistic = Literal["Sum", "Maximum"]
_MINUTE = Duration.minutes(1)


class Kind(StrEnum):
    """What a metric tells, and so what a minute without data means."""

    FAILURES = "from the threshold on it is bad; no data is good"
    FINDING = "from the threshold on it is bad; no data says nothing, so what was found last stands"
    PRESENCE = "below the threshold it is bad, and no data is as bad"


_NO_DATA = MappingProxyType(
    {
        Kind.FAILURES: cloudwatch.TreatMissingData.NOT_BREACHING,
        Kind.FINDING: cloudwatch.TreatMissingData.IGNORE,
        Kind.PRESENCE: cloudwatch.TreatMissingData.BREACHING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is watched: `minutes` in a row that are bad are an alarm, which `says` what to know and do.

    One that `halts` stops every account.
    """

    name: str
    kind: Kind
    metric: cloudwatch.Metric
    says: str
    minutes: int = 1
    threshold: int = 1
    enabled: bool = True
    halts: bool = False


class Alarms(Construct):
    """An alarm for every failure that nobody would notice otherwise.

    No composite alarm and no metric math: what is to be judged together is counted together, by the functions. So the
    same alarms can be judged by a local AWS, and no race between two of them tells a human something false.
    """

    def __init__(self, scope: Construct, construct_id: str, *, deployment: Deployment, alerting: Alerting) -> None:
        super().__init__(scope, construct_id)
        self._deployment = deployment
        self._alerting = alerting

    def watch_account(self, account: Account) -> None:
        """Watch an account's functions, its queue, and what the functions count."""
        for function in (account.replace_quotes, account.check_risk, account.halt):
            self._watch_function(function)
        for watch in (*self._of_ticks(account), *self._of_checks(account)):
            self._add(watch)

    def watch_shared(self, shared: SharedFunctions, undelivered: sqs.Queue) -> None:
        """Watch the deployment's own functions and what could not be delivered."""
        for function in (shared.schedule_ticks, shared.fetch_prices):
            self._watch_function(function)
        for watch in self._of_shared(shared, undelivered):
            self._add(watch)

    def watch_relay(self, relay: Relay) -> None:
        """Watch the function of a hook; it leaves these alarms to e-mail, SMS and the other hooks."""
        self._watch_function(relay.function, says=f"{_NOT_RELAYED} `mm hooks test {relay.hook.name}` says why.")

    def _of_ticks(self, account: Account) -> Iterator[Watch]:
        name, queue = account.settings.name, account.ticks.queue
        yield Watch(
            name=f"{name}-heartbeat",
            kind=Kind.PRESENCE,
            metric=self._counted("heartbeat", "Sum", account),
            says="No tick was worked for three minutes, and the account is not halted. Its orders rest unattended.",
            minutes=3,
            enabled=self._deployment.may_quote,
        )
        yield Watch(
            name=f"{name}-tick_age",
            kind=Kind.FAILURES,
            metric=queue.metric_approximate_age_of_oldest_message(period=_MINUTE, statistic="Maximum"),
            says="Ticks wait in the queue and are not worked.",
            minutes=3,
            threshold=TICK_AGE_S,
        )
        may_take = any(not each.post_only or each.exits.has_rules for each in account.settings.markets)
        yield Watch(
            name=f"{name}-taker_fills",
            kind=Kind.FAILURES,
            metric=self._counted("taker_fills", "Sum", account),
            says="Orders take and pay for it minute after minute, as a maker's rarely do: widen or wait longer."
            if may_take
            else "An order took although all are post-only: look at its fill, and at what else uses this login.",
            minutes=TAKING_MINUTES if may_take else 1,
        )
        yield Watch(
            name=f"{name}-ticks-dead",
            kind=Kind.FAILURES,
            metric=_depth(account.ticks.dead),
            says="A tick failed five times: look at the function's log. Never send it again.",
        )
        yield Watch(
            name=f"{name}-replace_quotes-failing",
            kind=Kind.FAILURES,
            metric=account.replace_quotes.function.metric_errors(period=_MINUTE, statistic="Sum"),
            says=f"Ticks raised errors {HALTING_MINUTES} minutes in a row, as only a defect does: every account halts.",
            minutes=HALTING_MINUTES,
            halts=True,
        )

    def _of_checks(self, account: Account) -> Iterator[Watch]:
        name = account.settings.name
        yield Watch(
            name=f"{name}-check_risk-presence",
            kind=Kind.PRESENCE,
            metric=self._counted("checks", "Sum", account),
            says="No risk check ended for three minutes: nobody takes the second look.",
            minutes=3,
            enabled=self._deployment.standby_of is None,
        )
        yield Watch(
            name=f"{name}-risk_breach",
            kind=Kind.FINDING,
            metric=self._counted("risk_breach", "Maximum", account),
            says="A limit is broken; the alert beside this one says which, and what was done.",
        )
        yield Watch(
            name=f"{name}-risk_blind",
            kind=Kind.FINDING,
            metric=self._counted("risk_blind", "Maximum", account),
            says="For three minutes the risk check could not see the venue or the state.",
            minutes=3,
        )
        yield Watch(
            name=f"{name}-halted",
            kind=Kind.FINDING,
            metric=self._counted("halted", "Maximum", account),
            says="The account is halted until `mm resume`.",
        )

    def _of_shared(self, shared: SharedFunctions, undelivered: sqs.Queue) -> Iterator[Watch]:
        yield Watch(
            name="schedule_ticks-presence",
            kind=Kind.PRESENCE,
            metric=shared.schedule_ticks.function.metric_invocations(period=_MINUTE, statistic="Sum"),
            says="schedule_ticks was not invoked for three minutes: no account gets ticks.",
            minutes=3,
            enabled=self._deployment.may_quote,
        )
        yield Watch(
            name="fetch_prices-presence",
            kind=Kind.PRESENCE,
            metric=self._counted("prices_markets", "Sum"),
            says="No prices were fetched for three minutes.",
            minutes=3,
        )
        yield Watch(
            name="fetch_prices-failing",
            kind=Kind.FINDING,
            metric=self._counted("prices_markets_failed", "Maximum"),
            says="For five minutes some market's prices could not be kept: see `failures` in the function's log.",
            minutes=5,
        )
        yield Watch(
            name="undelivered",
            kind=Kind.FAILURES,
            metric=_depth(undelivered),
            says="An event reached nobody: a schedule's, an alert, or a halt. If it is a halt, use `mm halt` now.",
        )

    def _watch_function(self, function: Function, *, says: str = _DEFECT) -> None:
        short = function.name.removeprefix(f"{self._deployment.stack_name}-")
        self._add(
            Watch(
                name=f"{short}-errors",
                kind=Kind.FAILURES,
                metric=function.function.metric_errors(period=_MINUTE, statistic="Sum"),
                says=says,
            )
        )
        self._add(
            Watch(
                name=f"{short}-throttles",
                kind=Kind.FAILURES,
                metric=function.function.metric_throttles(period=_MINUTE, statistic="Sum"),
                says="Lambda refused an invocation: the AWS account's concurrency is used up.",
            )
        )

    def _add(self, watch: Watch) -> None:
        alarm = cloudwatch.Alarm(
            self,
            watch.name,
            alarm_name=f"{self._deployment.stack_name}-{watch.name}",
            alarm_description=watch.says,
            metric=watch.metric,
            comparison_operator=(
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
                if watch.kind is Kind.PRESENCE
                else cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
            ),
            threshold=watch.threshold,
            evaluation_periods=watch.minutes,
            datapoints_to_alarm=watch.minutes,
            treat_missing_data=_NO_DATA[watch.kind],
            actions_enabled=watch.enabled,
        )
        alarm.add_alarm_action(actions.SnsAction(self._alerting.critical))
        alarm.add_ok_action(actions.SnsAction(self._alerting.critical))
        if watch.halts:
            alarm.add_alarm_action(actions.SnsAction(self._alerting.halt))

    def _counted(self, name: str, statistic: Statistic, account: Account | None = None) -> cloudwatch.Metric:
        """Return a metric that the functions count, of an account or of the deployment."""
        dimensions = {"deployment": self._deployment.name}
        if account is not None:
            dimensions["account"] = account.settings.name
        return cloudwatch.Metric(
            namespace=NAMESPACE, metric_name=name, dimensions_map=dimensions, statistic=statistic, period=_MINUTE
        )


def _depth(queue: sqs.Queue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(period=_MINUTE, statistic="Maximum")
