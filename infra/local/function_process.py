"""Run one function in a process of its own: `python -m infra.local.function_process functions.halt.handler`.

Events arrive as JSON lines on standard input, results leave as JSON lines on standard output; what the function prints
(its log) goes to standard error. The process stays warm between events, as Lambda's does.
"""

import importlib
import json
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Context:
    """What a handler reads of Lambda's context."""

    timeout_ms: int
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function would be stopped."""
        return max(0, self.timeout_ms - int((time.monotonic() - self.started) * 1000))


def main() -> None:
    """Serve events until standard input ends; an error is a result too, as on Lambda."""
    module, timeout_s = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 8.0
    results, sys.stdout = sys.stdout, sys.stderr
    handler = importlib.import_module(module).handler
    for line in sys.stdin:
        try:
            result: dict[str, Any] = {"result": handler(json.loads(line), Context(int(timeout_s * 1000)))}
        except Exception as error:  # noqa: BLE001 - the boundary: Lambda reports the type and text of any error
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), file=results, flush=True)


if __name__ == "__main__":
    main()
