"""Deploy a cloud assembly to a local AWS with boto3 alone: what `cdk deploy` does, but never to real AWS.

It does what the CDK CLI does with the same files: upload the assets to the bootstrap bucket, then create or update the
stack from the uploaded template. What the template asks for and ministack ignores is made good afterwards.
"""

import ipaddress
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.assembly import Assembly, DeployError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

type Say = Callable[[str], None]

WAIT_TIMEOUT_S = 120.0
_POLL_S = 0.2
_BOOTSTRAP_VERSION = "100"
_UNUSABLE = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
"""States that no update leads out of: the stack is deleted and created anew."""
_PATHS = Config(s3={"addressing_style": "path"})
"""No bucket has a host name of its own here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAws:
    """Where to deploy: an endpoint on this machine, and a region."""

    endpoint: str
    region: str

    def __post_init__(self) -> None:
        host = urlsplit(self.endpoint).hostname or ""
        if host != "localhost" and not _is_loopback(host):
            raise DeployError(
                f"AWS_ENDPOINT_URL: {self.endpoint} is not allowed: an address of this machine; "
                "`make deploy` is for real AWS"
            )

    @classmethod
    def of_environment(cls, region: str | None) -> "LocalAws":
        """Read the endpoint from the environment, and the region too where the app left it open."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        if not endpoint:
            raise DeployError("AWS_ENDPOINT_URL: nothing is not allowed: the address of a local AWS on this machine")
        region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region:
            raise DeployError("AWS_REGION: nothing is not allowed: the app names no region, so it must")
        return cls(endpoint=endpoint, region=region)

    def client(self, service: Any) -> Any:  # noqa: ANN401 - boto3's overloads are per service name
        """Make a client that no profile or variable can send elsewhere."""
        return boto3.client(service, region_name=self.region, endpoint_url=self.endpoint, config=_PATHS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of a deployed stack; `name` is what `Ref` gives: a name, a queue's URL, a topic's ARN."""

    logical_id: str
    type: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A stack as it was deployed."""

    stack_name: str
    aws: LocalAws
    outputs: Mapping[str, str]
    resources: Mapping[str, Resource]

    def names(self, resource_type: str) -> tuple[str, ...]:
        """Return the names of all resources of a type, such as `AWS::Lambda::Function`."""
        return tuple(each.name for each in self.resources.values() if each.type == resource_type)

    def name_ending(self, resource_type: str, ending: str) -> str:
        """Return the one resource of a type whose name ends like this."""
        found = [name for name in self.names(resource_type) if name.endswith(ending)]
        if len(found) != 1:
            raise DeployError(f"{self.stack_name} has {len(found)} {resource_type} ending in {ending!r}, not one")
        return found[0]


def deploy(assembly: Assembly, *, parameters: Mapping[str, str], say: Say) -> Deployed:
    """Bring the stack to what the assembly says; the endpoint comes from `AWS_ENDPOINT_URL`.

    Raises:
        DeployError: the endpoint is not on this machine, or the stack failed: with the first failed resource's reason.
    """
    aws = LocalAws.of_environment(assembly.region)
    unknown = sorted(parameters.keys() - assembly.template.get("Parameters", {}).keys())
    if unknown:
        raise DeployError(f"{assembly.stack_name} has no parameter {', '.join(unknown)}")
    try:
        template_url = _upload(assembly, aws, say)
        _name_the_bootstrap_version(assembly, aws)
        _bring_up(assembly, aws, template_url, parameters, say)
        deployed = describe(assembly.stack_name, aws)
        _expire_items(assembly, deployed)
    except (BotoCoreError, ClientError) as error:
        raise DeployError(f"{assembly.stack_name} could not be deployed to {aws.endpoint}: {error}") from error
    return deployed


def describe(stack_name: str, aws: LocalAws) -> Deployed:
    """Read what a deployed stack consists of."""
    client: CloudFormationClient = aws.client("cloudformation")
    stack = client.describe_stacks(StackName=stack_name)["Stacks"][0]
    rows = client.describe_stack_resources(StackName=stack_name)["StackResources"]
    return Deployed(
        stack_name=stack_name,
        aws=aws,
        outputs={each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
        resources={
            row["LogicalResourceId"]: Resource(
                logical_id=row["LogicalResourceId"], type=row["ResourceType"], name=row["PhysicalResourceId"]
            )
            for row in rows
        },
    )


def destroy(deployed: Deployed, *, say: Say) -> None:
    """Delete a stack and wait until it is gone."""
    try:
        _delete(deployed.aws.client("cloudformation"), deployed.stack_name)
    except (BotoCoreError, ClientError) as error:
        raise DeployError(f"{deployed.stack_name} could not be deleted: {error}") from error
    say(f"deleted {deployed.stack_name}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _upload(assembly: Assembly, aws: LocalAws, say: Say) -> str:
    """Upload what is not there yet, as its key is a hash of the content; the template's address is returned."""
    client, address = aws.client("s3"), ""
    account = aws.client("sts").get_caller_identity()["Account"]
    for asset in assembly.assets:
        bucket, key = (_filled_in(name, account, aws.region) for name in (asset.bucket, asset.key))
        _make_bucket(client, bucket, aws.region)
        if asset.source == assembly.template_file:
            address = f"{aws.endpoint}/{bucket}/{key}"
        if client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)["KeyCount"]:
            continue
        content = asset.content()
        client.put_object(Bucket=bucket, Key=key, Body=content)
        say(f"uploaded {asset.source.name}, {len(content) / 1e6:.1f} MB")
    if not address:
        raise DeployError(f"{assembly.template_file} is not among the assembly's assets: synthesize with the defaults")
    return address


def _filled_in(name: str, account: str, region: str) -> str:
    values = {"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": "aws"}
    for variable, value in values.items():
        name = name.replace(f"${{{variable}}}", value)
    return name


def _make_bucket(client: Any, bucket: str, region: str) -> None:  # noqa: ANN401 - as LocalAws.client
    if bucket in {each["Name"] for each in client.list_buckets()["Buckets"]}:
        return
    location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    client.create_bucket(Bucket=bucket, **location)


def _name_the_bootstrap_version(assembly: Assembly, aws: LocalAws) -> None:
    """Answer the template's question for the version of `cdk bootstrap`, which nobody runs here."""
    for parameter in assembly.template.get("Parameters", {}).values():
        if parameter["Type"] == "AWS::SSM::Parameter::Value<String>" and "/cdk-bootstrap/" in parameter["Default"]:
            aws.client("ssm").put_parameter(
                Name=parameter["Default"], Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True
            )


def _bring_up(assembly: Assembly, aws: LocalAws, template_url: str, parameters: Mapping[str, str], say: Say) -> None:
    client: CloudFormationClient = aws.client("cloudformation")
    name, stack, token = assembly.stack_name, _find(client, assembly.stack_name), str(uuid.uuid4())
    if stack and stack["StackStatus"] in _UNUSABLE:
        say(f"deleting {name}, which is {stack['StackStatus']}")
        _delete(client, name)
        stack = None
    change: Any = client.update_stack if stack else client.create_stack
    try:
        change(
            StackName=name,
            TemplateURL=template_url,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in assembly.tags.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            ClientRequestToken=token,
        )
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            say(f"{name} is up to date")
            return
        raise
    say(f"{'updating' if stack else 'creating'} {name}")
    status = _settled(client, name)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployError(f"{name} is {status}: {_first_failure(client, name, token)}")
    say(f"{name} is {status}")


def _find(client: "CloudFormationClient", name: str) -> "StackTypeDef | None":
    try:
        return client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _settled(client: "CloudFormationClient", name: str) -> str:
    """Wait until nothing is in progress; a stack that is gone has the status DELETE_COMPLETE."""
    end = time.monotonic() + WAIT_TIMEOUT_S
    while time.monotonic() < end:
        stack = _find(client, name)
        status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(_POLL_S)
    raise DeployError(f"{name} is still in progress after {WAIT_TIMEOUT_S:.0f} s")


def _first_failure(client: "CloudFormationClient", name: str, token: str) -> str:
    """Return why the first resource of one operation failed: the others are cancelled because of it."""
    for event in reversed(client.describe_stack_events(StackName=name)["StackEvents"]):
        failed = event.get("ResourceStatus", "").endswith("_FAILED") and event.get("ClientRequestToken") == token
        if failed and event.get("ResourceType") != "AWS::CloudFormation::Stack":
            reason = event.get("ResourceStatusReason") or "no reason given"
            return f"{event.get('LogicalResourceId')} ({event.get('ResourceType')}): {reason}"
    return "no resource failed"


def _delete(client: "CloudFormationClient", name: str) -> None:
    token = str(uuid.uuid4())
    client.delete_stack(StackName=name, ClientRequestToken=token)
    status = _settled(client, name)
    if status != "DELETE_COMPLETE":
        raise DeployError(f"{name} is {status}: {_first_failure(client, name, token)}")


def _expire_items(assembly: Assembly, deployed: Deployed) -> None:
    """Switch on the expiry that tables ask for: ministack leaves `TimeToLiveSpecification` out."""
    client = deployed.aws.client("dynamodb")
    for table, attribute in _expiring_tables(assembly.template, deployed):
        current = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if current.get("TimeToLiveStatus") == "ENABLED":
            continue
        client.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute}
        )


def _expiring_tables(template: Mapping[str, Any], deployed: Deployed) -> Iterator[tuple[str, str]]:
    for logical_id, resource in template["Resources"].items():
        asked = resource.get("Properties", {}).get("TimeToLiveSpecification")
        if asked and asked.get("Enabled", True) and logical_id in deployed.resources:
            yield deployed.resources[logical_id].name, asked["AttributeName"]
