"""Secrets in Secrets Manager, venue keys among them; no text made here ever contains any of one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from marketmaker.adapters.aws_failures import as_failure, error_code
from marketmaker.domain.keys import KeyPurpose, VenueKey
from marketmaker.errors import Fatal, Retryable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def read_venue_key(client: "SecretsManagerClient", name: str) -> VenueKey:
    """Read the secret `{"api_key": "...", "secret": "..."}`, with `password` where the venue wants one.

    Raises:
        Retryable: Secrets Manager could not be asked.
        Fatal: the secret is missing, malformed or not readable by this role.
    """
    return _parse(read_secret_text(client, name, "mm keys set"), name)


def read_secret_text(client: "SecretsManagerClient", name: str, made_by: str) -> str:
    """Read the text of a secret that a command makes.

    Raises:
        Retryable: Secrets Manager could not be asked.
        Fatal: the secret is missing or not readable by this role.
    """
    try:
        return client.get_secret_value(SecretId=name).get("SecretString", "")
    except (BotoCoreError, ClientError) as error:
        if error_code(error) == "ResourceNotFoundException":
            raise Fatal(
                f"secret {name} does not exist: create it in this AWS account and region with `{made_by}`"
            ) from error
        failure = as_failure(error, f"reading secret {name}")
        raise (failure if isinstance(failure, Retryable) else Fatal(str(failure))) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """What a secret gets that is made first: what it is for, and its tags."""

    description: str
    tags: Mapping[str, str]


def write_secret_text(client: "SecretsManagerClient", name: str, text: str, new: NewSecret) -> bool:
    """Add a version to a secret, or create it; True if it was created.

    Raises:
        Retryable: Secrets Manager could not be asked.
        Fatal: these credentials may not write it.
        Refused: it cannot be written, as while it waits for its deletion.
    """
    try:
        try:
            client.put_secret_value(SecretId=name, SecretString=text)
        except client.exceptions.ResourceNotFoundException:
            tags: Any = [{"Key": tag, "Value": value} for tag, value in new.tags.items()]
            client.create_secret(Name=name, Description=new.description, SecretString=text, Tags=tags)
            return True
    except (BotoCoreError, ClientError) as error:
        raise as_failure(error, f"writing secret {name}") from error
    return False


class SecretsKeyStore:
    """One account's venue keys, a secret each; new ones are tagged."""

    def __init__(
        self, client: "SecretsManagerClient", names: Mapping[KeyPurpose, str], tags: Mapping[str, str]
    ) -> None:
        self._client = client
        self._names = names
        self._tags = tags

    def read(self, purpose: KeyPurpose) -> VenueKey:
        """Read a key."""
        return read_venue_key(self._client, self._names[purpose])

    def write(self, purpose: KeyPurpose, key: VenueKey) -> bool:
        """Add a version to the key's secret, or create it; True if it was created.

        Raises:
            Retryable: Secrets Manager could not be asked.
            Fatal: these credentials may not write it.
            Refused: it cannot be written, as while it waits for its deletion.
        """
        name = self._names[purpose]
        content = {"api_key": key.api_key, "secret": key.secret}
        text = json.dumps(content if key.password is None else {**content, "password": key.password})
        new = NewSecret(description=f"Venue key for {purpose}; written by `mm keys set`", tags=self._tags)
        return write_secret_text(self._client, name, text, new)


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
