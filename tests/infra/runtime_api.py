"""Lambda's Runtime API on 127.0.0.1, and functions run against it by AWS's own runtime client.

A function's process sees the standard library, the runtime client, its package and the layers: no site-packages, no
virtual environment. Python itself tells which files it loads.
"""

import json
import os
import queue
import re
import subprocess
import sys
import sysconfig
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

RUNTIME_CLIENT = ("awslambdaric", "runtime_client*.so", "snapshot_restore_py.py", "simplejson")
"""The runtime client and what it imports, in site-packages."""
_LOADED = re.compile(r"^# (?:code object from|extension module .+ loaded from) '?([^'\n]+)'?$", re.MULTILINE)
_ANSWER_TIMEOUT_S = 60.0


class Outcome(StrEnum):
    """What the runtime client reports."""

    RESPONSE = "response"
    ERROR = "error"
    INIT_ERROR = "init/error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report: the function's result, or `errorType`, `errorMessage` and `stackTrace`."""

    outcome: Outcome
    body: Any


class _Api(ThreadingHTTPServer):
    """Hands out events, one for each question, and collects reports."""

    daemon_threads = True

    def __init__(self, timeout_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.timeout_s = timeout_s
        self.events: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self.reports: queue.Queue[Report] = queue.Queue()


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Api

    def do_GET(self) -> None:
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        deadline_ms = int((time.time() + self.server.timeout_s) * 1000)
        self._answer(
            200,
            json.dumps(event).encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:isolated",
            },
        )

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        outcome = next(each for each in sorted(Outcome, key=len, reverse=True) if self.path.endswith(f"/{each}"))
        self.server.reports.put(Report(outcome=outcome, body=body))
        self._answer(202, b"{}", {})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def _answer(self, code: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@dataclass(slots=True, kw_only=True)
class Function:
    """One function's warm process."""

    api: _Api
    process: "subprocess.Popen[bytes]"
    log: Path
    package: Path
    runtime_client: Path
    layers: Sequence[Path] = field(default_factory=tuple)

    def invoke(self, event: Mapping[str, Any]) -> Report:
        """Send one event and wait for what the runtime client reports; an error of init is one too."""
        self.api.events.put(event)
        end = time.monotonic() + _ANSWER_TIMEOUT_S
        while time.monotonic() < end:
            try:
                return self.api.reports.get(timeout=0.2)
            except queue.Empty:
                assert self.process.poll() is None or not self.api.reports.empty(), self._ending()
        raise AssertionError(f"no report within {_ANSWER_TIMEOUT_S} s")

    def loaded_files(self) -> list[str]:
        """List every file that Python loaded code from, bytecode by its own name."""
        return _LOADED.findall(self.log.read_text(encoding="utf-8", errors="replace"))

    def loaded_from(self, directory: Path) -> set[str]:
        """List the loaded files of one directory, relative to it."""
        inside = f"{directory}/"
        return {each.removeprefix(inside) for each in self.loaded_files() if each.startswith(inside)}

    def loaded_elsewhere(self) -> list[str]:
        """List loaded files that are neither Python's own nor in the package, the runtime client or a layer."""
        standard = {f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib")}
        ours = {f"{each}/" for each in (self.package, self.runtime_client, *self.layers)}
        return [
            each
            for each in self.loaded_files()
            if not each.startswith(tuple(ours)) and ("/site-packages/" in each or not each.startswith(tuple(standard)))
        ]

    def _ending(self) -> str:
        return f"the process ended: {self.log.read_text(encoding='utf-8', errors='replace')[-1000:]}"


@contextmanager
def function(
    package: Path, layers: Sequence[Path], environment: Mapping[str, str], directory: Path, *, timeout_s: float = 8.0
) -> Iterator[Function]:
    """Run a function's package with these layers as Lambda does; `directory` gets its log."""
    client = _runtime_client(directory / "runtime_client")
    log = directory / "verbose.log"
    home = directory / "home"
    home.mkdir()
    with _Api(timeout_s) as api, log.open("wb") as output:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        variables = {
            "LAMBDA_TASK_ROOT": str(package),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": package.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "HOME": str(home),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(str(each) for each in (client, *layers)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONVERBOSE": "1",
            **environment,
        }
        process = subprocess.Popen(
            [sys.executable, "-S", "-s", "-m", "awslambdaric", "handler.handler"],
            cwd=package,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield Function(
                api=api, process=process, log=log, package=package, runtime_client=client, layers=tuple(layers)
            )
        finally:
            process.kill()
            process.wait()
            api.events.put(None)
            api.shutdown()


def _runtime_client(directory: Path) -> Path:
    """Put the runtime client, alone, into a directory: it comes from Lambda and not from a layer."""
    directory.mkdir()
    installed = Path(sysconfig.get_path("purelib"))
    for pattern in RUNTIME_CLIENT:
        (found,) = installed.glob(pattern)
        (directory / found.name).symlink_to(found)
    return directory
