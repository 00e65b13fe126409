"""Composition root: the only reader of the environment, and the only place where ports meet adapters.

One module for each kind of caller, so that a function imports what it needs and no more: ticks are scheduled without
ccxt.

| variable | meaning |
|---|---|
| `MM_DEPLOYMENT_FILE` | the deployment file; a relative path starts at `LAMBDA_TASK_ROOT` where that is set |
| `MM_ACCOUNT` | the account this function works |
| `MM_TOPIC_CRITICAL`, `MM_TOPIC_INFO` | alert topics; without them alerts are log lines; `mm` finds them by name |
| `MM_TOPIC_HALT` | where `check_risk` asks for a halt; without it that is a log line only |
| `MM_HOOK` | the hook that this `relay_alerts` delivers to |
| `MM_TICK_QUEUES` | JSON, account → queue URL, for `schedule_ticks` |
| `MM_VENUE_ENDPOINT` | the local exchange, on this machine only; needed in the local stage, allowed in every other |
| `MM_API_KEY`, `MM_API_SECRET` | the key that `mm run` trades with; a local exchange takes its own without them |
| `AWS_ENDPOINT_URL`, `AWS_REGION` | as boto3 reads them |
"""
