"""Tick queues on SQS: standard queues, because FIFO has no delay per message."""

import json
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.domain.units import AccountName
from marketmaker.errors import Retryable
from marketmaker.ports import DelayedTick

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

_A_BATCH = 10


class SqsTickQueue:
    """Sends ticks with a delay each; `queue_urls` names every account's queue."""

    def __init__(self, client: "SQSClient", queue_urls: Mapping[AccountName, str]) -> None:
        self._client = client
        self._queue_urls = dict(queue_urls)

    def send(self, account: AccountName, ticks: Sequence[DelayedTick]) -> None:
        """Send all ticks of an account, ten a request.

        Raises:
            Retryable: SQS could not be asked, or took only some of them.
            Fatal: the queue is missing or not ours to send to.
        """
        url = self._queue_urls[account]
        for batch in batched(ticks, _A_BATCH, strict=False):
            entries = [_entry(account, index, tick) for index, tick in enumerate(batch)]
            try:
                failed = self._client.send_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
            except (BotoCoreError, ClientError) as error:
                raise as_failure(error, f"sending ticks to {url}") from error
            if failed:
                raise Retryable(f"{len(failed)} of {len(entries)} ticks were not taken by {url}: {failed[0]['Code']}")


def _entry(account: AccountName, index: int, tick: DelayedTick) -> "SendMessageBatchRequestEntryTypeDef":
    body = json.dumps({"account": account, "slot_ms": tick.slot_ms})
    return {"Id": str(index), "MessageBody": body, "DelaySeconds": tick.delay_s}
