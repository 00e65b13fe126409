"""The address that venues see us at: the one that we were told, or what AWS's echo of addresses answers."""

import http.client
from ipaddress import ip_address

import requests
import urllib3

from marketmaker.ports import EgressAddress, Unknown

ECHO = "https://checkip.amazonaws.com"
"""Answers with the address that asked, as plain text."""
TIMEOUT_S = 1.5
_MOST_READ = 64
_FAILURES = (OSError, ValueError, urllib3.exceptions.HTTPError, http.client.HTTPException)


class PublicEgress:
    """Implements `Egress`; the echo is asked only where no static address is known."""

    def __init__(self, static: str | None, echo: str = ECHO) -> None:
        self._static = static
        self._echo = echo

    def find(self) -> EgressAddress | Unknown:
        """Return the static address, or ask once."""
        if self._static:
            return EgressAddress(address=self._static, is_static=True)
        try:
            return EgressAddress(address=self._ask(), is_static=False)
        except _FAILURES as error:
            return Unknown(reason=f"{self._echo} did not tell: {type(error).__name__}")

    def _ask(self) -> str:
        with (
            requests.Session() as session,
            session.get(self._echo, timeout=(TIMEOUT_S, TIMEOUT_S), allow_redirects=False, stream=True) as response,
        ):
            response.raise_for_status()
            text = response.raw.read(_MOST_READ, decode_content=True).decode("ascii")
        return str(ip_address(text.strip()))
