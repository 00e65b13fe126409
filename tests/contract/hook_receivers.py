"""The receiving ends of hooks on this machine, each as its makers document it, and answers that go wrong."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DINGTALK_TOKEN, DINGTALK_SECRET = "d1ngtalkt0ken", "SEC0f+the/robot="
WECOM_KEY = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
SLACK_PATH = "/services/T01ABCDEF/B01ABCDEF/x0x0x0x0x0x0x0x0"
TELEGRAM_TOKEN, TELEGRAM_CHAT = "123456789:AAF-the_bots_token", "-1001234567890"
WEBHOOK_PATH, WEBHOOK_SECRET = "/take/h1dden-place", "webh00k-signing-key"
SECRETS = (
    *(DINGTALK_TOKEN, DINGTALK_SECRET, WECOM_KEY, SLACK_PATH, TELEGRAM_TOKEN, TELEGRAM_CHAT),
    *(WEBHOOK_PATH, WEBHOOK_SECRET),
)
HOUR_MS = 3_600_000
WECOM_LIMIT_BYTES, TELEGRAM_LIMIT_CHARACTERS = 2048, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back; `raw` instead is written as it stands, and the connection closed."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


type Robot = Callable[[Received], Answer]


def said(content: object, status: int = 200) -> Answer:
    """Answer with JSON."""
    return Answer(status=status, body=json.dumps(content))


def dingtalk(got: Received) -> Answer:
    """A custom robot with the security setting "sign"."""
    if got.path != "/robot/send" or got.query.get("access_token") != DINGTALK_TOKEN:
        return said({"errcode": 300005, "errmsg": "token is not exist"})
    stamp = got.query.get("timestamp", "")
    digest = hmac.new(DINGTALK_SECRET.encode(), f"{stamp}\n{DINGTALK_SECRET}".encode(), hashlib.sha256).digest()
    if got.query.get("sign") != base64.b64encode(digest).decode():
        return said({"errcode": 310000, "errmsg": "sign not match"})
    if abs(int(stamp) - time.time() * 1000) > HOUR_MS:
        return said({"errcode": 310000, "errmsg": "invalid timestamp"})
    if got.json["msgtype"] != "text" or not got.json["text"]["content"]:
        return said({"errcode": 40035, "errmsg": "缺少参数 text"})
    return said({"errcode": 0, "errmsg": "ok"})


def wecom(got: Received) -> Answer:
    """A group robot."""
    if got.path != "/cgi-bin/webhook/send" or got.query != {"key": WECOM_KEY}:
        return said({"errcode": 93000, "errmsg": "invalid webhook url, hint: [1577808000]"})
    if got.json["msgtype"] != "text" or len(got.json["text"]["content"].encode()) > WECOM_LIMIT_BYTES:
        return said({"errcode": 40058, "errmsg": "text.content exceed max length 2048"})
    return said({"errcode": 0, "errmsg": "ok"})


def slack(got: Received) -> Answer:
    """An incoming webhook."""
    if got.path != SLACK_PATH:
        return Answer(status=404, body="no_service")
    return Answer(body="ok") if got.json.get("text") else Answer(status=400, body="no_text")


def telegram(got: Received) -> Answer:
    """A bot's sendMessage."""
    if got.path != f"/bot{TELEGRAM_TOKEN}/sendMessage":
        return said({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
    if got.json["chat_id"] != TELEGRAM_CHAT:
        return said({"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}, 400)
    if len(got.json["text"].encode("utf-16-le")) // 2 > TELEGRAM_LIMIT_CHARACTERS:
        return said({"ok": False, "error_code": 400, "description": "Bad Request: message is too long"}, 400)
    return said({"ok": True, "result": {"message_id": 1}})


def webhook(got: Received) -> Answer:
    """A program that checks the signature as the README shows it."""
    stamp = got.headers.get("x-marketmaker-timestamp", "")
    digest = hmac.new(WEBHOOK_SECRET.encode(), f"{stamp}.".encode() + got.body, hashlib.sha256).hexdigest()
    if got.path != WEBHOOK_PATH or not hmac.compare_digest(
        got.headers.get("x-marketmaker-signature", ""), f"sha256={digest}"
    ):
        return Answer(status=403, body="forbidden")
    return Answer(status=204)


class Receiver:
    """An HTTP server that keeps every request, and answers as a robot or, as long as there are any, with `answers`."""

    def __init__(self, robot: Robot, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.received: list[Received] = []
        self.answers: list[Answer] = []
        self._robot = robot

    def answer(self, got: Received) -> Answer:
        """Keep a request and answer it."""
        self.received.append(got)
        return self.answers.pop(0) if self.answers else self._robot(got)


@contextmanager
def receiver(robot: Robot) -> Iterator[Receiver]:
    """Serve on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            got = Received(
                method=self.command,
                path=parts.path,
                query={name: values[0] for name, values in parse_qs(parts.query).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("content-length", 0))),
            )
            answer = running.answer(got)
            if answer.raw is not None:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            content = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {"content-length": str(len(content)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815 - a redirect would be followed with one

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Receiver(robot, server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
