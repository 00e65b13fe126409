"""The secrets of hooks in Secrets Manager; no text made here ever contains any of one."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from marketmaker.adapters.secrets import NewSecret, read_secret_text, write_secret_text
from marketmaker.domain.hooks import HookName, HookSecret, HookSettings, entered_hook
from marketmaker.errors import Fatal, Refused

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SecretsHookStore:
    """One deployment's hooks, a secret each, read anew each time: a new one needs no deploy."""

    def __init__(
        self, client: "SecretsManagerClient", name_of: Callable[[HookName], str], *, deployment: str, is_local: bool
    ) -> None:
        self._client = client
        self._name_of = name_of
        self._deployment = deployment
        self._is_local = is_local

    def read(self, hook: HookSettings) -> HookSecret:
        """Read the secret `{"url": "...", ...}` with the fields of the hook's kind.

        Raises:
            Retryable: Secrets Manager could not be asked.
            Fatal: the secret is missing, unusable or not readable by this role.
        """
        name = self._name_of(hook.name)
        fields = _object(read_secret_text(self._client, name, f"mm hooks set {hook.name}"))
        if fields is None:
            raise Fatal(f"secret {name} is not a JSON object; store it anew with `mm hooks set {hook.name}`")
        try:
            return entered_hook(hook.kind, fields, is_local=self._is_local)
        except Refused as error:
            raise Fatal(f"secret {name}: {error}; store it anew with `mm hooks set {hook.name}`") from error

    def write(self, hook: HookSettings, secret: HookSecret) -> bool:
        """Add a version to the hook's secret, or create it; True if it was created.

        Raises:
            Retryable: Secrets Manager could not be asked.
            Fatal: these credentials may not write it.
            Refused: it cannot be written, as while it waits for its deletion.
        """
        new = NewSecret(
            description=f"Hook for alerts ({hook.kind}); written by `mm hooks set`",
            tags={"deployment": self._deployment, "hook": hook.name},
        )
        return write_secret_text(self._client, self._name_of(hook.name), json.dumps(dict(secret.content)), new)


def _object(text: str) -> Mapping[str, object] | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None  # the error itself would carry the secret's text
    return content if isinstance(content, dict) else None
