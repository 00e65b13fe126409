"""The alert topics of a drill: lost and found again, and delivered to hooks as SNS does."""

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from infra.local.deployer import Deployed
from infra.local.subscriber import Alert

if TYPE_CHECKING:
    from infra.local.drills.stage import DrillStage


def delete_topic(stage: "DrillStage", topic: str) -> Callable[[], None]:
    """Delete a topic; returns what makes it again, with those who had subscribed to it over HTTP."""
    client = stage.client("sns")
    rows = client.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    ends = [each["Endpoint"] for each in rows if each["Protocol"] == "http"]
    client.delete_topic(TopicArn=topic)

    def restore() -> None:
        client.create_topic(Name=topic.rpartition(":")[2])
        for end in ends:
            client.subscribe(TopicArn=topic, Protocol="http", Endpoint=end, ReturnSubscriptionArn=True)

    return restore


class AsynchronousRelay:
    """Hands messages on to a hook's function as SNS does, asynchronously, so that what fails is tried again.

    ministack's SNS invokes a function once, whatever comes of it; that subscription is ended.
    """

    def __init__(self, deployed: Deployed, function: str) -> None:
        self._lambda = deployed.aws.client("lambda")
        self._function = function
        sns = deployed.aws.client("sns")
        self._topics = {each.rpartition(":")[2]: each for each in deployed.names("AWS::SNS::Topic")}
        for topic in self._topics.values():
            for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
                if each["Protocol"] == "lambda" and each["Endpoint"].endswith(f":{function}"):
                    sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])

    def __call__(self, alert: Alert) -> None:
        """Invoke the function with one message."""
        told: dict[str, Any] = {
            "MessageId": str(uuid.uuid4()),
            "TopicArn": self._topics[alert.topic],
            "Message": alert.message,
            "Subject": alert.subject,
            "MessageAttributes": {name: {"Type": "String", "Value": text} for name, text in alert.attributes.items()},
        }
        event = {"Records": [{"EventSource": "aws:sns", "Sns": told}]}
        self._lambda.invoke(FunctionName=self._function, InvocationType="Event", Payload=json.dumps(event).encode())
