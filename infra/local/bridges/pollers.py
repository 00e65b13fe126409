"""Queues that are looked at without a pause: Lambda's pollers wait on a queue, ministack's looks once a second.

A tick would arrive up to a second late. ministack looks at once whenever a message of any queue becomes visible, so one
message, in a queue of its own that nobody reads, becomes visible again several times a second.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_QUEUE = "local-poller"


class QueuePoller:
    """Makes ministack look at all queues at once."""

    def __init__(self, client: "SQSClient") -> None:
        self._client = client
        self._url = client.create_queue(QueueName=_QUEUE)["QueueUrl"]
        client.send_message(QueueUrl=self._url, MessageBody="look")
        self._receipt = client.receive_message(QueueUrl=self._url)["Messages"][0]["ReceiptHandle"]

    def look(self) -> None:
        """Let the message become visible again."""
        self._client.change_message_visibility(QueueUrl=self._url, ReceiptHandle=self._receipt, VisibilityTimeout=0)
