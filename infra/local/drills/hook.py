"""The receiving end of a hook on this machine, which can be lost."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_MAX_BYTES = 64 * 1024


class HookEnd:
    """Keeps the messages it takes; while it `is_lost` it refuses them, and counts how many."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_lost = False
        self.refused = 0
        self._taken: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def take(self, message: dict[str, Any]) -> bool:
        """Take a message, or refuse it."""
        with self._lock:
            if self.is_lost:
                self.refused += 1
                return False
            self._taken.append(message)
            return True

    def taken(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one kind so far."""
        with self._lock:
            return [each for each in self._taken if each.get("kind") == kind]


@contextmanager
def hook_end() -> Iterator[HookEnd]:
    """Serve on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer the relay."""
            length = min(int(self.headers.get("content-length", 0)), _MAX_BYTES)
            is_taken = end.take(json.loads(self.rfile.read(length)))
            self.send_response(HTTPStatus.NO_CONTENT if is_taken else HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    end = HookEnd(f"http://127.0.0.1:{server.server_port}/drill")
    thread = threading.Thread(target=server.serve_forever, name="hook", daemon=True)
    thread.start()
    try:
        yield end
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
