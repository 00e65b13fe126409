"""A venue key: what opens a login, and how one is read that a human entered. No text made here holds any of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from marketmaker.errors import Refused

type KeyPurpose = Literal["trade", "risk"]
"""The two keys of a login: quoting trades with one, the risk check and the halt use the other."""

KEY_PURPOSES: tuple[KeyPurpose, ...] = ("trade", "risk")

_FIELDS = ("api_key", "secret", "password")
_QUOTES = frozenset("\"'`‘’“”")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VenueKey:
    """A login's API key; `password` is the passphrase that some venues want."""

    api_key: str
    secret: str
    password: str | None = None

    def __repr__(self) -> str:
        return "VenueKey(hidden)"


def entered_key(fields: Mapping[str, object]) -> VenueKey:
    """Read a key from the fields that a human filled in; blanks round them are dropped.

    Raises:
        Refused: a field is missing, or holds what no venue hands out as a key.
    """
    if not fields.keys() <= set(_FIELDS):
        raise Refused(f"a field of the key is not known; allowed: {', '.join(_FIELDS)}")
    api_key, secret, password = (_entered(name, fields.get(name)) for name in _FIELDS)
    if not api_key or not secret:
        raise Refused(f"{'secret' if api_key else 'api_key'}: nothing is not allowed: the text that the venue shows")
    for name, text in (("api_key", api_key), ("secret", secret)):
        if any(each.isspace() or each in _QUOTES or not each.isascii() for each in text):
            raise Refused(
                f"{name} holds a space, a quote or a line break; paste its value alone, without what is round it"
            )
    if api_key == secret:
        raise Refused("secret is the same text as api_key: one of them was pasted twice")
    return VenueKey(api_key=api_key, secret=secret, password=password or None)


def _entered(name: str, value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise Refused(f"{name} is not text")
    text = (value or "").strip()
    if not text.isprintable():
        raise Refused(f"{name} holds a line break or another unprintable character; paste its value alone")
    return text
