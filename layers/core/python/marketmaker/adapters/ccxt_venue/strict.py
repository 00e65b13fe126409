"""ccxt's classes made loud: no answer that is none passes for one."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit

import ccxt

from marketmaker.adapters.ccxt_venue.rate_budget import Answer


class StrictJson:
    """Refuse a 2xx answer that is not a JSON object or list, and keep each answer's status and headers.

    ccxt would turn it into an empty book, no open orders, or an order without an id. Nor is a 2xx or 5xx answer, which
    may follow an order that was taken, a refusal: whatever error ccxt reads out of it, the outcome is unknown (R1).
    What a venue answers without JSON, by method and path, is one of its `bare_answers`, and must look like that.
    """

    answer: Answer | None = None
    bare_answers: ClassVar[Mapping[tuple[str, str], re.Pattern[str]]] = MappingProxyType({})

    def handle_errors(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: Any,
        body: str,
        response: object,
        requestHeaders: Any,  # noqa: N803
        requestBody: Any,  # noqa: N803
    ) -> object:
        """Check the answer's shape, then hand over to the venue's own error mapping."""
        self.answer = Answer(status=code, headers=headers)
        asked = f"{method} {url.split('?')[0]}"
        bare = self.bare_answers.get((method, urlsplit(url).path))
        is_bare = bare is not None and bare.fullmatch(body or "") is not None
        if 200 <= code < 300 and not is_bare and not isinstance(response, dict | list):
            raise ccxt.BadResponse(f"{asked} answered {code} without JSON")
        try:
            handled: object = super().handle_errors(  # type: ignore[misc]
                code, reason, url, method, headers, body, response, requestHeaders, requestBody
            )
        except ccxt.BaseError as error:
            if 400 <= code < 500 or (code >= 500 and not isinstance(error, ccxt.ExchangeError)):
                raise
            raise ccxt.BadResponse(f"{asked} answered {code} with an error: {error}") from error
        return handled
