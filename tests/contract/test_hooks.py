"""Alerts as chat robots and programs receive them over real HTTP, and every way in which that can fail (S12, R27)."""

import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.processes import free_port
from marketmaker.adapters.clock import SystemClock
from marketmaker.adapters.hooks import HttpHookSender, answers, transport
from marketmaker.adapters.hooks.answers import harmless
from marketmaker.adapters.hooks.speech import LIMIT_BYTES, cut, request_of, text_of
from marketmaker.domain.hooks import HookKind, HookSecret
from marketmaker.errors import Refused, Retryable
from marketmaker.ports import Notice, Severity
from tests.contract import hook_receivers as robots
from tests.contract.hook_receivers import Answer, Received, Receiver, Robot, receiver, said

NOTICE = Notice(
    delivery="95df01b4",
    deployment="live",
    told_at="2026-11-22 21:20:05 UTC",
    severity=Severity.CRITICAL,
    what="price band",
    text="1795.2 is outside [1800, 2000]. Our orders are cancelled, none placed until it is over",
    kind="price_band",
    account="main",
    symbol="PAXG/USDT",
)
TEXT = (
    "[live] CRITICAL main PAXG/USDT: price band\n"
    "1795.2 is outside [1800, 2000]. Our orders are cancelled, none placed until it is over\n"
    "2026-11-22 21:20:05 UTC"
)
ROBOTS: dict[HookKind, Robot] = {
    HookKind.DINGTALK: robots.dingtalk,
    HookKind.WECOM: robots.wecom,
    HookKind.SLACK: robots.slack,
    HookKind.TELEGRAM: robots.telegram,
    HookKind.WEBHOOK: robots.webhook,
}
TAKEN = {
    HookKind.DINGTALK: {"errcode": 0, "errmsg": "ok"},
    HookKind.WECOM: {"errcode": 0, "errmsg": "ok"},
    HookKind.TELEGRAM: {"ok": True},
}


def secret_of(kind: HookKind, endpoint: str) -> HookSecret:
    match kind:
        case HookKind.DINGTALK:
            url = f"{endpoint}/robot/send?access_token={robots.DINGTALK_TOKEN}"
            return HookSecret(url=url, signing=robots.DINGTALK_SECRET)
        case HookKind.WECOM:
            return HookSecret(url=f"{endpoint}/cgi-bin/webhook/send?key={robots.WECOM_KEY}")
        case HookKind.SLACK:
            return HookSecret(url=f"{endpoint}{robots.SLACK_PATH}")
        case HookKind.TELEGRAM:
            return HookSecret(url=f"{endpoint}/bot{robots.TELEGRAM_TOKEN}/sendMessage", chat=robots.TELEGRAM_CHAT)
        case HookKind.WEBHOOK:
            return HookSecret(url=f"{endpoint}{robots.WEBHOOK_PATH}", signing=robots.WEBHOOK_SECRET)


@contextmanager
def at(kind: HookKind, robot: Robot | None = None) -> Iterator[tuple[Receiver, Callable[..., None]]]:
    """Run a receiver of this kind, and what sends it a notice."""
    with receiver(robot or ROBOTS[kind]) as running:
        sender = HttpHookSender(SystemClock())

        def send(notice: Notice = NOTICE, **changes: Any) -> None:
            sender.send(kind, replace(secret_of(kind, running.endpoint), **changes), notice)

        yield running, send


# --- what arrives ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", HookKind)
def test_every_kind_of_receiver_takes_an_alert_as_it_is_written(kind: HookKind) -> None:
    with at(kind) as (running, send):
        send()
        (got,) = running.received
    assert got.method == "POST"
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    bodies: dict[HookKind, Any] = {
        HookKind.DINGTALK: {"msgtype": "text", "text": {"content": TEXT}, "at": {"isAtAll": False}},
        HookKind.WECOM: {"msgtype": "text", "text": {"content": TEXT}},
        HookKind.SLACK: {"text": TEXT, "mrkdwn": False, "unfurl_links": False},
        HookKind.TELEGRAM: {
            "chat_id": robots.TELEGRAM_CHAT,
            "text": TEXT,
            "link_preview_options": {"is_disabled": True},
        },
        HookKind.WEBHOOK: {
            "id": "95df01b4",
            "deployment": "live",
            "time": "2026-11-22 21:20:05 UTC",
            "severity": "critical",
            "resolved": False,
            "kind": "price_band",
            "account": "main",
            "symbol": "PAXG/USDT",
            "title": "[live] CRITICAL main PAXG/USDT: price band",
            "text": NOTICE.text,
        },
    }
    assert got.json == bodies[kind]


@pytest.mark.parametrize("kind", HookKind)
def test_what_is_over_is_marked_as_resolved(kind: HookKind) -> None:
    with at(kind) as (running, send):
        send(replace(NOTICE, severity=Severity.INFO, resolves=Severity.CRITICAL))
        (got,) = running.received
    assert "[live] RESOLVED main PAXG/USDT: price band" in got.body.decode()
    assert kind is not HookKind.WEBHOOK or got.json["resolved"] is True


def test_the_signature_of_dingtalk_is_that_of_its_documentation() -> None:
    """The expected value comes from `openssl dgst -sha256 -hmac`."""
    secret = HookSecret(url="https://oapi.dingtalk.com/robot/send?access_token=x", signing="SECtest+secret/1")
    assert request_of(HookKind.DINGTALK, secret, NOTICE, 1577808000000).url == (
        "https://oapi.dingtalk.com/robot/send?access_token=x"
        "&timestamp=1577808000000&sign=q1%2BLHFlODWruFq6%2BrdYcyqsyodexcNuwKG4kUjf7ZXg%3D"
    )


def test_the_signature_of_a_webhook_covers_the_time_and_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected value comes from `openssl dgst -sha256 -hmac`."""
    monkeypatch.setattr(json, "dumps", lambda *_, **__: '{"a": 1}')
    request = request_of(HookKind.WEBHOOK, HookSecret(url="https://a/b", signing="k3y"), NOTICE, 1577808000999)
    assert request.headers["x-marketmaker-timestamp"] == "1577808000"
    assert request.headers["x-marketmaker-signature"] == (
        "sha256=7873b2fe25ccc996ab7787165365d4ec462e1661c4984e5a4a6a1fe775d4582a"
    )


def test_a_webhook_without_a_secret_is_not_signed() -> None:
    request = request_of(HookKind.WEBHOOK, HookSecret(url="https://a/b"), NOTICE, 0)
    assert request.headers.keys() == {"content-type"}


@pytest.mark.parametrize("kind", [HookKind.DINGTALK, HookKind.WEBHOOK])
def test_a_wrong_signature_is_refused_by_the_receiver_and_told(kind: HookKind) -> None:
    with at(kind) as (_, send), pytest.raises(Refused, match=r"sign not match|answered 403: forbidden"):
        send(signing="another-secret")


def test_slack_gets_no_links_and_no_mentions() -> None:
    with at(HookKind.SLACK) as (running, send):
        send(replace(NOTICE, text="<!channel> 5 > 4 & 3 < 4"))
        (got,) = running.received
    assert "&lt;!channel&gt; 5 &gt; 4 &amp; 3 &lt; 4" in got.json["text"]


@pytest.mark.parametrize("kind", HookKind)
def test_no_text_is_too_long_for_its_receiver(kind: HookKind) -> None:
    with at(kind) as (running, send):
        send(replace(NOTICE, text="价格超出区间。" * 20_000))
        (got,) = running.received
    assert "… (cut)" in got.body.decode()
    assert kind is HookKind.WEBHOOK or "2026-11-22 21:20:05 UTC" in got.body.decode()


@given(
    st.text(),
    st.text(st.characters(codec="utf-8")),
    st.sampled_from([LIMIT_BYTES[HookKind.WECOM], LIMIT_BYTES[HookKind.SLACK], 400]),
)
def test_a_cut_text_keeps_within_its_bytes_and_its_characters_whole(what: str, text: str, limit: int) -> None:
    what, text = (each.encode(errors="ignore").decode() * 40 for each in (what, text))
    written = text_of(replace(NOTICE, what=what, text=text), limit)
    assert len(written.encode()) <= limit
    assert written.endswith("\n2026-11-22 21:20:05 UTC")
    assert cut(text, 10**9) == text


# --- what does not arrive --------------------------------------------------------------------------------------------

NO_TAKERS = [
    (HookKind.DINGTALK, said({"errcode": 310000, "errmsg": "keywords not in content"}), "310000.*keywords"),
    (HookKind.DINGTALK, Answer(body="ok"), "answered 200: ok"),
    (HookKind.DINGTALK, said({"errmsg": "ok"}), "answered 200"),
    (HookKind.DINGTALK, said({"errcode": "0"}), "answered 200"),
    (HookKind.DINGTALK, said({"errcode": False}), "answered 200"),
    (HookKind.WECOM, said({"errcode": 93000, "errmsg": "invalid webhook url"}), "93000"),
    (HookKind.WECOM, Answer(), r"answered 200: \(nothing\)"),
    (HookKind.WECOM, said([0]), "answered 200"),
    (HookKind.SLACK, Answer(body="no_text"), "answered 200: no_text"),
    (HookKind.SLACK, Answer(status=404, body="no_service"), "answered 404: no_service"),
    (HookKind.SLACK, Answer(status=410, body="channel_is_archived"), "answered 410: channel_is_archived"),
    (HookKind.TELEGRAM, said({"ok": False, "description": "chat not found"}, 400), "answered 400.*chat not found"),
    (HookKind.TELEGRAM, said({"ok": 1}), "answered 200"),
    (HookKind.TELEGRAM, Answer(body="<html>blocked"), "answered 200: <html>blocked"),
    (HookKind.WEBHOOK, Answer(status=404, body="gone"), "answered 404: gone"),
]


@pytest.mark.parametrize(("kind", "answer", "told"), NO_TAKERS)
def test_a_receiver_that_does_not_say_it_took_the_alert_did_not(kind: HookKind, answer: Answer, told: str) -> None:
    """Robots answer 200 to what they refuse."""
    with at(kind) as (running, send):
        running.answers.append(answer)
        with pytest.raises(Refused, match=rf"^{kind} hook: .*{told}"):
            send()


@pytest.mark.parametrize("kind", HookKind)
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_receiver_that_is_down_is_tried_again_later(kind: HookKind, status: int) -> None:
    with at(kind) as (running, send):
        running.answers.append(Answer(status=status, body=json.dumps(TAKEN.get(kind, "ok"))))
        with pytest.raises(Retryable, match=f"answered {status}"):
            send()
        send()
        assert len(running.received) == 2


@pytest.mark.parametrize("kind", HookKind)
def test_too_many_messages_are_left_for_later(kind: HookKind) -> None:
    with at(kind) as (running, send):
        running.answers += [Answer(status=429, headers={"retry-after": "31"}), Answer(status=429)]
        with pytest.raises(Retryable, match=r"too many messages, again in 31 s$"):
            send()
        with pytest.raises(Retryable, match=r"too many messages$"):
            send()


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (HookKind.DINGTALK, -1),
        (HookKind.DINGTALK, 130101),
        (HookKind.DINGTALK, 410100),
        (HookKind.WECOM, 45009),
    ],
)
def test_a_limit_that_a_robot_tells_with_200_is_left_for_later(kind: HookKind, code: int) -> None:
    with at(kind) as (running, send):
        running.answers.append(said({"errcode": code, "errmsg": "send too fast"}))
        with pytest.raises(Retryable, match="send too fast"):
            send()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with at(HookKind.WEBHOOK) as (running, send):
        running.answers.append(Answer(status=status, headers={"location": f"{running.endpoint}{robots.WEBHOOK_PATH}"}))
        with pytest.raises(Refused, match=f"answered {status}: a redirect, which is not followed"):
            send()
        assert len(running.received) == 1


def test_neither_a_proxy_nor_a_password_file_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pass", encoding="utf-8")
    with at(HookKind.SLACK) as (running, send):
        send()
        assert "authorization" not in running.received[0].headers


# --- secrets (R27) ---------------------------------------------------------------------------------------------------


def echo(got: Received) -> Answer:
    """Answer as a talkative proxy does: with all that was asked for."""
    query = "&".join(f"{name}={value}" for name, value in got.query.items())
    return Answer(status=403, body=f"denied: POST {got.path}?{query} {dict(got.headers)} {got.body.decode()}")


def upper_echo(got: Received) -> Answer:
    return Answer(status=400, body=echo(got).body.upper())


def broken_header(_: Received) -> Answer:
    return Answer(raw=b"HTTP/1.1 200 OK\r\nbroken header\r\ncontent-length: 2\r\n\r\nok")


def cut_body(_: Received) -> Answer:
    return Answer(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nok")


def no_http(_: Received) -> Answer:
    return Answer(raw=b"220 mail.example.com ESMTP\r\n")


def silence(_: Received) -> Answer:
    return Answer(raw=b"")


def endless(_: Received) -> Answer:
    return Answer(status=500, body="x" * 1_000_000)


FAILING: dict[str, Robot] = {
    each.__name__: each for each in (echo, upper_echo, broken_header, cut_body, no_http, silence, endless)
}


def every_text_of(error: BaseException) -> str:
    """Write all that anybody could log of an error: its chain, with everything that hangs on it."""
    texts = traceback.format_exception(error)
    pending: list[BaseException | None] = [error]
    while pending:
        each = pending.pop()
        if each is not None:
            texts.append(f"{each!r} {each.args} {vars(each)}")
            pending += [each.__cause__, each.__context__]
    return "\n".join(texts)


def shown_secrets(text: str) -> list[str]:
    pieces = [each for secret in robots.SECRETS for each in secret.split("/")]
    hidden = [each for each in pieces if each not in {"", "services", "take"}]
    return [each for each in hidden if each.casefold() in text.casefold()]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """Everything that any library would write, had an operator switched all of it on."""
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", *transport.TALKATIVE, "requests"):
        caplog.set_level(logging.DEBUG, name)
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
    return caplog


@pytest.mark.parametrize("kind", HookKind)
@pytest.mark.parametrize("failing", FAILING)
def test_no_failure_shows_anything_of_a_secret(
    kind: HookKind, failing: str, log: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with at(kind, FAILING[failing]) as (running, send):
        try:
            send()
        except (Retryable, Refused) as error:
            told = every_text_of(error)
        else:
            told = ""  # an answer with a broken header may still say that the message was taken
        assert running.received
    assert shown_secrets(told + log.text + "".join(capfd.readouterr())) == []


@pytest.mark.parametrize("kind", HookKind)
@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "no-such-host.invalid", "127.0.0.1:99999", "[::1", "a" * 300])
def test_no_address_that_cannot_be_reached_is_shown(
    kind: HookKind, host: str, log: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = secret_of(kind, f"http://{host.format(port=free_port())}")
    with pytest.raises(Retryable, match=rf"^{kind} hook: no answer: \w+$") as caught:
        HttpHookSender(SystemClock()).send(kind, secret, NOTICE)
    assert shown_secrets(every_text_of(caught.value) + log.text + "".join(capfd.readouterr())) == []


@pytest.mark.parametrize("kind", HookKind)
def test_a_receiver_that_never_answers_is_not_waited_for(
    kind: HookKind, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transport, "READ_TIMEOUT_S", 0.05)
    over = threading.Event()

    def hangs(_: Received) -> Answer:
        over.wait(5)
        return Answer(raw=b"")

    with at(kind, hangs) as (_, send):
        with pytest.raises(Retryable, match="no answer: ReadTimeout") as caught:
            send()
        over.set()
    assert shown_secrets(every_text_of(caught.value) + log.text) == []


def test_a_certificate_that_nobody_vouches_for_is_no_receiver(log: pytest.LogCaptureFixture) -> None:
    """A plain server does not even speak TLS; what matters is that nothing is sent to it."""
    with receiver(robots.slack) as running:
        secret = secret_of(HookKind.SLACK, running.endpoint.replace("http://", "https://"))
        with pytest.raises(Retryable, match="no answer: SSLError"):
            HttpHookSender(SystemClock()).send(HookKind.SLACK, secret, NOTICE)
        assert running.received == []
    assert shown_secrets(log.text) == []


@pytest.mark.parametrize("kind", HookKind)
def test_neither_a_request_nor_a_secret_shows_itself(kind: HookKind) -> None:
    secret = secret_of(kind, "https://example.com")
    request = request_of(kind, secret, NOTICE, 0)
    assert shown_secrets(f"{secret} {secret!r} {request} {request!r}") == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no_service", "no_service"),
        ("line one\r\n\tline\x00two", "line one line two"),
        ("x" * 300, "x" * 200),
        ("", "(nothing)"),
        (f"of {robots.SLACK_PATH[-9:]}", None),
        ("of %78%30%78%30%78%30", None),
        ("of X0X0X0", None),
    ],
)
def test_an_answer_is_shown_on_one_line_unless_it_repeats_a_part_of_the_secret(text: str, shown: str | None) -> None:
    secret = secret_of(HookKind.SLACK, "https://hooks.slack.com")
    assert harmless(text, secret) == (shown or "(a text that repeats the hook's secret; not shown)")


def test_numbers_too_large_and_nesting_too_deep_are_no_answer() -> None:
    for text in ("9" * 5000, "[" * 100_000):
        answer = transport.HookAnswer(status=200, text=text, retry_after=None)
        found = answers.problem_of(HookKind.WECOM, answer, secret_of(HookKind.WECOM, "https://example.com"))
        assert found is not None
        assert not found.is_temporary
