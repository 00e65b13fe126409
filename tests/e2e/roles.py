"""The roles of a deployed stack: what each allows, and what the functions really asked for.

ministack enforces roles but does not look at `dynamodb:LeadingKeys`, and refuses without saying what would have been
enough. So what its CloudTrail recorded is read here as the permissions that each request needed, partitions included,
and held against the statements.
"""

import json
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import boto3

from tests.e2e.stack import Name, Stack
from tests.e2e.stage import REGION

SERVICES = ("dynamodb", "secretsmanager", "sns", "sqs")
MOST_EVENTS = 50

type Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One permission that a request needed: an action on a resource, and of a table the partitions."""

    action: str
    resource: str
    partitions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A function's role with its one policy, as deployed."""

    arn: str
    policy: str
    statements: tuple[Document, ...]

    @classmethod
    def of(cls, stack: Stack, function: Name) -> "Role":
        """Read a function's role."""
        iam = boto3.client("iam")
        arn = boto3.client("lambda").get_function_configuration(FunctionName=stack.name_of(function))["Role"]
        name = arn.rpartition("/")[2]
        (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
        document: Any = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        return cls(arn=arn, policy=policy, statements=tuple(document["Statement"]))

    def keep(self, statements: Sequence[Document]) -> None:
        """Leave the role these statements only."""
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        name = self.arn.rpartition("/")[2]
        boto3.client("iam").put_role_policy(RoleName=name, PolicyName=self.policy, PolicyDocument=document)

    def client(self, service: Any) -> Any:
        """Make a client that asks as the role."""
        given = boto3.client("sts").assume_role(RoleArn=self.arn, RoleSessionName="probe")["Credentials"]
        return boto3.client(
            service,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )


def allows(statement: Document, asked: Asked) -> bool:
    """Tell whether a statement allows this, of a table only in the partitions that its condition names."""
    conditions = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
    leading = conditions.get("dynamodb:LeadingKeys", ["*"])
    return (
        asked.action in listed(statement["Action"])
        and any(fnmatchcase(asked.resource, pattern) for pattern in listed(statement["Resource"]))
        and all(any(fnmatchcase(each, pattern) for pattern in leading) for each in asked.partitions)
    )


def listed(value: str | list[str]) -> list[str]:
    """Return an element of a statement that may be one text or several."""
    return [value] if isinstance(value, str) else value


@dataclass(slots=True, kw_only=True)
class Work:
    """What the functions did: what came of it, and what each asked for."""

    results: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    asked: dict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))


class Recorder:
    """Attributes what ministack's CloudTrail recorded to functions: each has an access key of its own."""

    def __init__(self, stack: Stack) -> None:
        """Switch the recording on."""
        self.work = Work()
        self._trail = boto3.client("cloudtrail")
        self._functions = {stack.environment["AWS_ACCESS_KEY_ID"]: ""}
        self._requests = Requests(stack)
        self._seen: set[str] = set()
        request = urllib.request.Request(  # noqa: S310 - our own loopback
            f"{stack.environment['AWS_ENDPOINT_URL']}/_ministack/config",
            json.dumps({"cloudtrail._recording_enabled": "true"}).encode(),
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310

    def step(self, function: Name, do: Callable[[], Any]) -> None:
        """Do a step; an access key that was not seen before is that of the function."""
        self.work.results[function].append(do())
        for service in SERVICES:
            for detail in self._new_events(service):
                by = self._functions.setdefault(detail["userIdentity"]["accessKeyId"], function)
                self.work.asked[by] += self._requests.read(detail)

    def _new_events(self, service: str) -> list[Document]:
        source: Any = [{"AttributeKey": "EventSource", "AttributeValue": f"{service}.amazonaws.com"}]
        events = self._trail.lookup_events(LookupAttributes=source)["Events"]
        new = [each for each in events if each["EventId"] not in self._seen]
        assert len(new) < MOST_EVENTS, f"a step with more requests to {service} than one look shows"
        self._seen |= {each["EventId"] for each in new}
        return [json.loads(each["CloudTrailEvent"]) for each in new]


class Requests:
    """Reads recorded requests as the permissions that they needed on AWS."""

    def __init__(self, stack: Stack) -> None:
        self._state = stack.deployment.state_table
        self._account = boto3.client("sts").get_caller_identity()["Account"]
        self._secrets = boto3.client("secretsmanager")

    def read(self, detail: Document) -> list[Asked]:
        """Return the permissions that one event needed; a transaction needs those of its items."""
        service, name = detail["eventSource"].partition(".")[0], detail["eventName"]
        parameters = detail["requestParameters"]
        match service:
            case "dynamodb" if "TransactItems" in parameters:
                items = [(kind, item) for each in parameters["TransactItems"] for kind, item in each.items()]
                return [self._rows(f"{kind}Item", item["TableName"], [item]) for kind, item in items]
            case "dynamodb" if "RequestItems" in parameters:
                tables = parameters["RequestItems"].items()
                return [self._rows(name, table, [{"Key": key} for key in rows["Keys"]]) for table, rows in tables]
            case "dynamodb":
                return [self._rows(name, parameters["TableName"], [parameters])]
            case "secretsmanager":
                secret = self._secrets.describe_secret(SecretId=parameters["SecretId"])["ARN"]
                return [Asked(action=f"secretsmanager:{name}", resource=secret)]
            case "sqs":
                queue = parameters["QueueUrl"].rpartition("/")[2]
                return [Asked(action=f"sqs:{name.removesuffix('Batch')}", resource=self._arn("sqs", queue))]
            case _:
                return [Asked(action=f"{service}:{parameters['Action']}", resource=parameters["TopicArn"])]

    def _rows(self, action: str, table: str, rows: Sequence[Document]) -> Asked:
        partition = "account" if table == self._state else "market"
        return Asked(
            action=f"dynamodb:{action}",
            resource=self._arn("dynamodb", f"table/{table}"),
            partitions=tuple(_partition(row, partition) for row in rows),
        )

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{self._account}:{resource}"


def _partition(row: Document, name: str) -> str:
    """Return the partition of a key, of an item, or of a query."""
    if "KeyConditionExpression" not in row:
        return str((row.get("Key") or row["Item"])[name]["S"])
    names, values = row["ExpressionAttributeNames"], row["ExpressionAttributeValues"]
    terms = row["KeyConditionExpression"].replace("(", " ").replace(")", " ").split()
    (asked,) = [terms[index + 2] for index, term in enumerate(terms) if names.get(term) == name]
    return str(values[asked]["S"])
