"""What each kind of hook is told: its JSON, its signature, and how long a text it takes.

DingTalk, WeCom, Slack and Telegram take plain text; whatever would be markup or a mention in it is made harmless.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, assert_never
from urllib.parse import urlencode

from marketmaker.adapters.hooks.transport import HookRequest
from marketmaker.domain.hooks import HookKind, HookSecret
from marketmaker.ports import Notice

TIMESTAMP_HEADER = "x-marketmaker-timestamp"
SIGNATURE_HEADER = "x-marketmaker-signature"
LIMIT_BYTES: Mapping[HookKind, int] = {
    HookKind.DINGTALK: 4_000,
    HookKind.WECOM: 2_048,
    HookKind.SLACK: 4_000,
    HookKind.TELEGRAM: 4_000,
    HookKind.WEBHOOK: 64_000,
}
"""The longest text in UTF-8: WeCom takes no more, Telegram 4,096 characters, and of the others nobody reads more."""
_CUT = "… (cut)"


def request_of(kind: HookKind, secret: HookSecret, notice: Notice, now_ms: int) -> HookRequest:
    """Write a notice as a hook of this kind takes it."""
    match kind:
        case HookKind.DINGTALK:
            at = {"isAtAll": False}
            return _json(_dingtalk_url(secret, now_ms), {"msgtype": "text", "text": _content(kind, notice), "at": at})
        case HookKind.WECOM:
            return _json(secret.url, {"msgtype": "text", "text": _content(kind, notice)})
        case HookKind.SLACK:
            return _json(secret.url, {"text": _slack_text(notice), "mrkdwn": False, "unfurl_links": False})
        case HookKind.TELEGRAM:
            preview = {"is_disabled": True}
            text = text_of(notice, LIMIT_BYTES[kind])
            return _json(secret.url, {"chat_id": secret.chat, "text": text, "link_preview_options": preview})
        case HookKind.WEBHOOK:
            return _webhook(secret, notice, now_ms)
        case _:
            assert_never(kind)


def text_of(notice: Notice, limit_bytes: int) -> str:
    """Write a notice as lines for a phone: how bad and where, what happened and what to do, when."""
    head, foot = f"{notice.title}\n", f"\n{notice.told_at}"
    head = cut(head, limit_bytes // 2)
    return f"{head}{cut(notice.text, limit_bytes - len(head.encode()) - len(foot.encode()))}{foot}"


def cut(text: str, limit_bytes: int) -> str:
    """Cut a text to so many bytes of UTF-8, between characters, and say that it is cut."""
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    return f"{encoded[: limit_bytes - len(_CUT.encode())].decode(errors='ignore')}{_CUT}"


def _content(kind: HookKind, notice: Notice) -> dict[str, str]:
    return {"content": text_of(notice, LIMIT_BYTES[kind])}


def _dingtalk_url(secret: HookSecret, now_ms: int) -> str:
    """Sign as a DingTalk robot wants it: the secret signs the time and itself."""
    key = secret.signing or ""
    signature = base64.b64encode(_hmac(key, f"{now_ms}\n{key}".encode()).digest()).decode()
    return f"{secret.url}{'&' if '?' in secret.url else '?'}{urlencode({'timestamp': now_ms, 'sign': signature})}"


def _slack_text(notice: Notice) -> str:
    """Escape what Slack would read as a link or a mention."""
    text = text_of(notice, LIMIT_BYTES[HookKind.SLACK])
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _webhook(secret: HookSecret, notice: Notice, now_ms: int) -> HookRequest:
    """Write all fields; the signature is over the time, a point and the body, so neither can be exchanged."""
    limit = LIMIT_BYTES[HookKind.WEBHOOK]
    said = {
        "id": notice.delivery,
        "deployment": notice.deployment,
        "time": notice.told_at,
        "severity": notice.severity.value,
        "resolved": notice.resolves is not None,
        "kind": notice.kind,
        "account": notice.account,
        "symbol": notice.symbol,
        "title": cut(notice.title, limit),
        "text": cut(notice.text, limit),
    }
    request = _json(secret.url, said)
    if secret.signing is None:
        return request
    stamp = str(now_ms // 1000)
    signature = _hmac(secret.signing, stamp.encode() + b"." + request.body).hexdigest()
    signed = {**request.headers, TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: f"sha256={signature}"}
    return HookRequest(url=request.url, body=request.body, headers=signed)


def _hmac(key: str, text: bytes) -> "hmac.HMAC":
    return hmac.new(key.encode(), text, hashlib.sha256)


def _json(url: str, content: Mapping[str, Any]) -> HookRequest:
    body = json.dumps(content, ensure_ascii=False).encode()
    return HookRequest(url=url, body=body, headers={"content-type": "application/json; charset=utf-8"})
