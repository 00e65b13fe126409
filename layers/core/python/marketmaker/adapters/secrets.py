"""A venue's key from Secrets Manager; no text made here ever contains any of it."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from marketmaker.adapters.aws_failures import as_failure, error_code
from marketmaker.errors import Fatal, Retryable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VenueKey:
    """A login's API key; `password` is the passphrase that some venues want."""

    api_key: str
    secret: str
    password: str | None = None

    def __repr__(self) -> str:
        return "VenueKey(hidden)"


def read_venue_key(client: "SecretsManagerClient", name: str) -> VenueKey:
    """Read the secret `{"api_key": "...", "secret": "..."}`, with `password` where the venue wants one.

    Raises:
        Retryable: Secrets Manager could not be asked.
        Fatal: the secret is missing, malformed or not readable by this role.
    """
    try:
        text = client.get_secret_value(SecretId=name).get("SecretString", "")
    except (BotoCoreError, ClientError) as error:
        if error_code(error) == "ResourceNotFoundException":
            raise Fatal(
                f"secret {name} does not exist: create it in this account and region with the text "
                '{"api_key": "...", "secret": "..."}'
            ) from error
        failure = as_failure(error, f"reading secret {name}")
        raise (failure if isinstance(failure, Retryable) else Fatal(str(failure))) from error
    return _parse(text, name)


def _parse(text: str, name: str) -> VenueKey:
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        content = None  # the error itself would carry the secret's text
    if not isinstance(content, dict):
        raise Fatal(f"secret {name} is not a JSON object with the fields api_key and secret")
    for field in ("api_key", "secret"):
        if not _is_text(content.get(field)):
            raise Fatal(f"secret {name} has no text in its field {field}")
    if "password" in content and not _is_text(content["password"]):
        raise Fatal(f"secret {name} has no text in its field password; leave it out where the venue wants none")
    return VenueKey(api_key=content["api_key"], secret=content["secret"], password=content.get("password"))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
