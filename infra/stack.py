"""The stack of one deployment: everything that `cdk deploy` sends."""

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra.accounts import Account, Services
from infra.alarms import Alarms
from infra.alerting import Alerting
from infra.functions import FunctionCode, FunctionHome
from infra.network import StaticEgress
from infra.queues import DeadLetters
from infra.relays import Relay
from infra.schedules import MinuteSchedules
from infra.shared import SharedFunctions
from infra.stage import is_on_aws
from infra.storage import Storage
from marketmaker.config import Deployment, Egress

NOT_ARMED = "live but not armed: the schedule of ticks is off, so nothing is quoted; `armed = true` switches it on"
STANDBY = "a standby: ticks and risk checks are off until `mm takeover`; a later deploy of this file switches them off"
NOBODY_TOLD = "nobody is told: alerts.email and alerts.sms are empty, so alarms and alerts reach no human"


class MarketMakerStack(cdk.Stack):
    """Tables, topics, functions, schedules and alarms of one deployment file."""

    def __init__(self, scope: Construct, *, deployment: Deployment, deployment_file: Path, placeholder: bool) -> None:
        super().__init__(
            scope,
            deployment.stack_name,
            env=cdk.Environment(region=deployment.region),
            description=f"Market maker {deployment.name} ({deployment.stage})",
            termination_protection=is_on_aws(deployment),
            tags={"application": "marketmaker", "deployment": deployment.name, "stage": deployment.stage},
        )
        storage = Storage(self, "Storage", deployment=deployment)
        undelivered = DeadLetters(self, "Undelivered", deployment=deployment, name="undelivered")
        alerting = Alerting(self, "Alerting", deployment=deployment, undelivered=undelivered)
        egress = StaticEgress(self, "Egress") if deployment.egress is Egress.STATIC else None
        code = FunctionCode(
            self, "Code", deployment=deployment, deployment_file=deployment_file, placeholder=placeholder
        )
        told = self._venue_environment(deployment)
        home = FunctionHome(deployment=deployment, code=code, egress=egress, venue_environment=told)
        services = Services(home=home, storage=storage, alerting=alerting, undelivered=undelivered)
        accounts = [
            Account(self, f"Account-{each.name}", account=each, services=services)
            for each in deployment.accounts.values()
        ]
        shared = SharedFunctions(self, "Shared", accounts=accounts, services=services)
        relays = [Relay(self, f"Relay-{each.name}", hook=each, services=services) for each in deployment.hooks.values()]

        schedules = MinuteSchedules(self, "Schedules", name=deployment.stack_name, undelivered=undelivered)
        schedules.invoke(shared.schedule_ticks, enabled=deployment.may_quote)
        schedules.invoke(shared.fetch_prices)
        for account in accounts:
            schedules.invoke(account.check_risk, enabled=deployment.standby_of is None)

        alarms = Alarms(self, "Alarms", deployment=deployment, alerting=alerting)
        alarms.watch_shared(shared, undelivered)
        for account in accounts:
            alarms.watch_account(account)
        for relay in relays:
            alarms.watch_relay(relay)
        self._warn(deployment)
        self._tell_operators(deployment, alerting, egress)

    def _venue_environment(self, deployment: Deployment) -> Mapping[str, str]:
        """Return where the venue is: its own address, but the local stage asks for that of the local exchange."""
        if is_on_aws(deployment):
            return {}
        parameter = cdk.CfnParameter(self, "VenueEndpoint", description="Address of the local exchange")
        return {"MM_VENUE_ENDPOINT": parameter.value_as_string}

    def _warn(self, deployment: Deployment) -> None:
        if deployment.standby_of is not None:
            cdk.Annotations.of(self).add_warning_v2("marketmaker:standby", STANDBY)
        elif not deployment.may_quote:
            cdk.Annotations.of(self).add_warning_v2("marketmaker:not-armed", NOT_ARMED)
        recipients = deployment.recipients
        if is_on_aws(deployment) and not (recipients.email or recipients.sms):
            cdk.Annotations.of(self).add_warning_v2("marketmaker:nobody-told", NOBODY_TOLD)

    def _tell_operators(self, deployment: Deployment, alerting: Alerting, egress: StaticEgress | None) -> None:
        outputs = {
            "StateTable": deployment.state_table,
            "LedgerTable": deployment.ledger_table,
            "PricesTable": deployment.prices_table,
            "HaltTopic": alerting.halt.topic_arn,
            "AlertsCriticalTopic": alerting.critical.topic_arn,
            "AlertsInfoTopic": alerting.info.topic_arn,
        }
        if egress:
            outputs["EgressAddress"] = egress.address.ref
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
