"""A hook: where alerts are delivered besides e-mail and SMS, a chat robot or any program that takes HTTP requests."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from urllib.parse import SplitResult, urlsplit

from marketmaker.domain.units import AccountName, Symbol
from marketmaker.errors import Refused

HookName = NewType("HookName", str)

_BOT_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_BOT_API = "https://api.telegram.org"
_SEND = "/sendMessage"
_PUBLIC = frozenset({"robot", "send", "cgi-bin", "webhook", "services", "sendMessage"})
"""Words in the addresses that the robots' documentation shows."""


class HookKind(StrEnum):
    """Whose language a hook speaks; a webhook takes our own JSON."""

    DINGTALK = "dingtalk"
    WECOM = "wecom"
    SLACK = "slack"
    TELEGRAM = "telegram"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """What the deployment file says of a hook; no account or symbol named means all of them.

    One that does not hear info hears what is critical, and the end of it.
    """

    name: HookName
    kind: HookKind
    hears_info: bool
    accounts: tuple[AccountName, ...] = ()
    symbols: tuple[Symbol, ...] = ()

    def wants(self, account: str | None, symbol: str | None, *, is_critical: bool) -> bool:
        """Tell whether a message is for this hook; what names no account or market is for all accounts and markets."""
        return (
            (self.hears_info or is_critical)
            and (not self.accounts or account is None or account in self.accounts)
            and (not self.symbols or symbol is None or symbol in self.symbols)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HookField:
    """One thing that a hook's secret holds, and how a human is asked for it."""

    name: str
    asks: str
    is_required: bool = True


_URL = HookField(name="url", asks="webhook address")
HOOK_FIELDS: Mapping[HookKind, tuple[HookField, ...]] = {
    HookKind.DINGTALK: (_URL, HookField(name="secret", asks="signing secret (SEC...)")),
    HookKind.WECOM: (_URL,),
    HookKind.SLACK: (_URL,),
    HookKind.TELEGRAM: (HookField(name="url", asks="bot token"), HookField(name="chat_id", asks="chat id")),
    HookKind.WEBHOOK: (
        HookField(name="url", asks="address"),
        HookField(name="secret", asks="signing secret, empty for none", is_required=False),
    ),
}
"""What each kind needs; a Telegram bot's token stands for its address."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HookSecret:
    """What opens a hook. Whoever knows the address can write to it, so the address is a secret too."""

    url: str
    signing: str | None = None
    chat: str | None = None

    def __repr__(self) -> str:
        return "HookSecret(hidden)"

    @property
    def texts(self) -> tuple[str, ...]:
        """What must be shown nowhere: all of it but the host, and words that every hook of its kind has."""
        parts = urlsplit(self.url)
        given = (each.rpartition("=")[2] for each in parts.query.split("&"))
        hidden = (*parts.path.split("/"), *given, self.signing, self.chat)
        return tuple(each for each in hidden if each and each not in _PUBLIC)

    @property
    def content(self) -> Mapping[str, str]:
        """The fields as they are kept."""
        kept = {"url": self.url, "secret": self.signing, "chat_id": self.chat}
        return {name: value for name, value in kept.items() if value is not None}


def entered_hook(kind: HookKind, fields: Mapping[str, object], *, is_local: bool) -> HookSecret:
    """Read a hook's secret from what a human filled in, or from where it is kept; no error shows any of it.

    `is_local` allows plain HTTP to this machine, as the local stage does.

    Raises:
        Refused: a field is missing or unusable.
    """
    known = HOOK_FIELDS[kind]
    names = [each.name for each in known]
    if not fields.keys() <= set(names):
        raise Refused(f"a field of the hook is not known; allowed for {kind}: {', '.join(names)}")
    entered = {each.name: _entered(each, fields.get(each.name)) for each in known}
    url = entered["url"] or ""
    if kind is HookKind.TELEGRAM:
        url = _bot_address(url)
    _check_address(url, is_local=is_local)
    return HookSecret(url=url, signing=entered.get("secret"), chat=entered.get("chat_id"))


def _entered(field: HookField, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Refused(f"{field.name} is not text")
    text = (value or "").strip()
    if not text and field.is_required:
        raise Refused(f"{field.name}: nothing is not allowed: the {field.asks.partition(' (')[0]}")
    if any(each.isspace() or not each.isascii() or not each.isprintable() for each in text):
        raise Refused(f"{field.name} holds a space, a line break or a character outside ASCII; paste its value alone")
    return text or None


def _bot_address(text: str) -> str:
    """Return where a bot sends messages, of its token or of the address itself."""
    url = f"{_BOT_API}/bot{text}{_SEND}" if _BOT_TOKEN.fullmatch(text) else text
    if not url.endswith(_SEND):
        raise Refused("url is neither a bot's token (digits, a colon, text) nor an address that ends in /sendMessage")
    return url


def _check_address(url: str, *, is_local: bool) -> None:
    parts = _parts(url)
    if parts is None:
        raise Refused("url is not an address: https://host/..., without a user name and without #")
    if parts.scheme == "https" or (is_local and parts.scheme == "http" and _is_this_machine(parts.hostname or "")):
        return
    allowed = "https, or http to 127.0.0.1" if is_local else "https"
    raise Refused(f"url does not start with {allowed}: whoever reads the line could write to the hook")


def _parts(url: str) -> SplitResult | None:
    """Take an address apart, if it is one and holds nothing that is read in more ways than one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    has_more = parts.fragment or parts.username is not None or "\\" in url
    return None if not parts.hostname or has_more or port == 0 else parts


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
