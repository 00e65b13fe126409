"""One cold start of a function, alone in its process: prints what import and init took, and the memory they need.

Init is what the first event waits for beyond the import: the account's desk with its trading key read from Secrets
Manager, one ccxt client, one DynamoDB client.
"""

import importlib
import time

started_s = time.perf_counter()
handler = importlib.import_module("handler")
imported_s = time.perf_counter()
desk = handler.account_desk("trade")
desk.venue._connection._clients.mine({})
client = desk.store._client.connection.client
ready_s = time.perf_counter()

import json  # noqa: E402 - loaded by then, and not before the clock starts
import re  # noqa: E402
from pathlib import Path  # noqa: E402

status = Path("/proc/self/status").read_text(encoding="utf-8")
peak_kb = re.search(r"VmHWM:\s+(\d+) kB", status)
figures = {
    "import_ms": (imported_s - started_s) * 1000,
    "ready_ms": (ready_s - started_s) * 1000,
    "peak_mb": int(peak_kb[1]) * 1024 / 1e6 if peak_kb else 0.0,
}
print(json.dumps(figures))  # noqa: T201 - its result
