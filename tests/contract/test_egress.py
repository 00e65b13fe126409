"""Where the venue sees us: as we were told, or as an echo on this machine answers, well or badly."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from marketmaker.adapters.egress import PublicEgress
from marketmaker.ports import EgressAddress, Unknown


@contextmanager
def echo(status: int, body: bytes) -> Iterator[str]:
    """Serve one answer to every request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_a_static_address_is_known_and_nobody_is_asked() -> None:  # R26
    nowhere = "http://127.0.0.1:1"
    assert PublicEgress("203.0.113.7", nowhere).find() == EgressAddress(address="203.0.113.7", is_static=True)


@pytest.mark.parametrize("address", ["198.51.100.4", "2001:db8::7"])
def test_a_changing_address_is_what_the_echo_answers(address: str) -> None:
    with echo(200, f"{address}\n".encode()) as url:
        assert PublicEgress(None, url).find() == EgressAddress(address=address, is_static=False)


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (200, b"<html>sign in to this network</html>", "ValueError"),
        (200, b"", "ValueError"),
        (200, b"\xff\xfe", "UnicodeDecodeError"),
        (200, b"1" * 1_000_000, "ValueError"),
        (302, b"", "ValueError"),
        (503, b"198.51.100.4", "HTTPError"),
    ],
)
def test_an_echo_that_answers_no_address_leaves_it_unknown(status: int, body: bytes, failure: str) -> None:
    with echo(status, body) as url:
        assert PublicEgress(None, url).find() == Unknown(reason=f"{url} did not tell: {failure}")


def test_an_echo_that_is_not_there_leaves_it_unknown() -> None:
    nowhere = "http://127.0.0.1:1"
    assert PublicEgress(None, nowhere).find() == Unknown(reason=f"{nowhere} did not tell: ConnectionError")
