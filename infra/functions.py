"""One Lambda function: its package, role, log group, and how asynchronous events reach it."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.checks import acknowledge
from infra.layers import DEPLOYMENT_FILE, Platform, core_layer, dependencies_layer, function_package
from infra.network import StaticEgress
from infra.stage import is_on_aws
from marketmaker.config import (
    AccountFunction,
    AccountSettings,
    Deployment,
    HookFunction,
    HookSettings,
    SharedFunction,
)

HANDLER = "handler.handler"
RUNTIME = lambda_.Runtime.PYTHON_3_13


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncRules:
    """How an asynchronous event is delivered: for how long, how often again, and where it goes in the end."""

    max_age: Duration
    retries: int
    undelivered: sqs.IQueue | None = None


EVERY_MINUTE = AsyncRules(max_age=Duration.seconds(60), retries=0)
"""The next minute brings the next event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """What distinguishes one function from another; the deployment's own have neither `account` nor `hook`."""

    name: AccountFunction | SharedFunction | HookFunction
    account: AccountSettings | None = None
    hook: HookSettings | None = None
    timeout: Duration
    environment: Mapping[str, str]
    calls_venue: bool
    rules: AsyncRules = EVERY_MINUTE


class FunctionCode(Construct):
    """The two layers that all functions share, for Lambda's architecture or, locally, for this machine's."""

    def __init__(
        self, scope: Construct, construct_id: str, *, deployment: Deployment, deployment_file: Path, placeholder: bool
    ) -> None:
        super().__init__(scope, construct_id)
        self._deployment_file = deployment_file
        target = Platform.LAMBDA if is_on_aws(deployment) else Platform.LOCAL
        self.architecture = lambda_.Architecture.ARM_64 if is_on_aws(deployment) else _of_this_machine()
        self.layers = [
            self._layer("Dependencies", dependencies_layer(deployment.venues, target, placeholder=placeholder)),
            self._layer("Core", core_layer()),
        ]

    def package(self, name: AccountFunction | SharedFunction | HookFunction) -> lambda_.Code:
        """Return a function's own package."""
        return lambda_.Code.from_asset(str(function_package(name, self._deployment_file)))

    def _layer(self, construct_id: str, directory: Path) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=lambda_.Code.from_asset(str(directory)),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[self.architecture],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionHome:
    """Where all functions of a deployment live; `venue_environment` is what those that call the venue are told."""

    deployment: Deployment
    code: FunctionCode
    egress: StaticEgress | None
    venue_environment: Mapping[str, str]


class Function(Construct):
    """A function with a role and a log group of its own; `allow` adds to what the role may do."""

    def __init__(self, scope: Construct, *, spec: FunctionSpec, home: FunctionHome) -> None:
        super().__init__(scope, spec.name)
        self._keeps = is_on_aws(home.deployment)
        owner = spec.account or spec.hook
        self.name = home.deployment.function_name(spec.name, owner.name if owner else None)
        self.arn = cdk.Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=self.name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        self.log_group = self._log_group()
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        writing = ["logs:CreateLogStream", "logs:PutLogEvents"]
        self.allow(iam.PolicyStatement(actions=writing, resources=[self.log_group.log_group_arn]))
        self.function = self._function(spec, home)
        self._acknowledge(spec)

    def allow(self, *statements: iam.PolicyStatement) -> None:
        """Add statements to the function's role."""
        for statement in statements:
            self.role.add_to_principal_policy(statement)

    def _log_group(self) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{self.name}",
            retention=logs.RetentionDays.ONE_YEAR if self._keeps else logs.RetentionDays.ONE_WEEK,
            removal_policy=cdk.RemovalPolicy.RETAIN if self._keeps else cdk.RemovalPolicy.DESTROY,
        )

    def _function(self, spec: FunctionSpec, home: FunctionHome) -> lambda_.Function:
        egress = home.egress if spec.calls_venue else None
        told = {**spec.environment, **(home.venue_environment if spec.calls_venue else {})}
        if egress:
            egress.join(self.role, self.arn)
        if egress and spec.account:
            told["MM_EGRESS_ADDRESS"] = egress.address.ref
        return lambda_.Function(
            self,
            "Function",
            function_name=self.name,
            runtime=RUNTIME,
            architecture=home.code.architecture,
            handler=HANDLER,
            code=home.code.package(spec.name),
            layers=home.code.layers,
            role=self.role,
            log_group=self.log_group,
            memory_size=home.deployment.memory_mb[spec.name],
            timeout=spec.timeout,
            environment={"MM_DEPLOYMENT_FILE": DEPLOYMENT_FILE, **told},
            max_event_age=spec.rules.max_age,
            retry_attempts=spec.rules.retries,
            on_failure=destinations.SqsDestination(spec.rules.undelivered) if spec.rules.undelivered else None,
            vpc=egress.vpc if egress else None,
            security_groups=[egress.security_group] if egress else None,
        )

    def _acknowledge(self, spec: FunctionSpec) -> None:
        pinned = "Python 3.13 is what the layers are built for and the tests run on; an upgrade is a deliberate change"
        acknowledge(
            self.function,
            {
                "AwsSolutions-L1": pinned,
                "Serverless-LambdaLatestVersion": pinned,
                "Serverless-LambdaTracing": "X-Ray adds 0.3 s to a cold start; every call is timed in the log",
                "Serverless-LambdaDLQ": "events go to a destination or, once a minute, are better lost than late",
            },
        )
        if spec.rules.undelivered is None:
            late = "the next minute brings the next event; a failure counts as an error, which has an alarm"
            acknowledge(self.function, {"Serverless-LambdaAsyncFailureDestination": late})


def _of_this_machine() -> lambda_.Architecture:
    return lambda_.Architecture.ARM_64 if platform.machine() in ("aarch64", "arm64") else lambda_.Architecture.X86_64
