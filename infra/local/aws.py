"""A local AWS for the demo and the tests: ministack, pinned, in its own environment, on 127.0.0.1 only."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import boto3

from infra.local.processes import ProcessFailedError, free_port, last_line, running
from marketmaker.config import Deployment
from marketmaker.domain.units import AccountName

ROOT = Path(__file__).resolve().parents[2]
MINISTACK = ROOT / ".venv-ministack" / "bin" / "ministack"
ACCOUNT_ID = "123456789012"
SECRET_KEY = "local"  # noqa: S105 - ministack's, on this machine
START_TIMEOUT_S = 30.0


@contextmanager
def ministack(*, region: str, log: Path, data: Path, enforce_roles: bool = False) -> Iterator[dict[str, str]]:
    """Run ministack; yields the environment variables that point boto3 at it.

    Its functions inherit its environment, so it gets none of ours: neither settings of a shell, nor a profile, nor a
    proxy may reach them. What they unpack lies in `data` and goes with it. With `enforce_roles` each of them may do
    what its role allows and nothing else; the variables yielded here are those of an administrator.
    """
    if not MINISTACK.exists():
        raise ProcessFailedError(f"{MINISTACK} is missing: run `make setup`")
    data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    settings = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(data),
        "TMPDIR": str(data),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": region,
        "S3_DATA_DIR": str(data),
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AUTH": str(enforce_roles).lower(),
    }
    with running([str(MINISTACK)], log=log, environment=settings, inherit=False, stdout=log.open("a")):
        endpoint = f"http://127.0.0.1:{port}"
        _wait_until_up(endpoint, log)
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }


def _wait_until_up(endpoint: str, log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1):  # noqa: S310 - our own loopback
                return
        except urllib.error.HTTPError:
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise ProcessFailedError(f"ministack did not start; {log} ends: {last_line(log)}")


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while, for the clients of this process."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def put_keys(deployment: Deployment, account: AccountName, *, api_key: str, secret: str) -> None:
    """Store one venue key under both of an account's secret names."""
    client = boto3.client("secretsmanager", region_name=deployment.region)
    for purpose in ("trade", "risk"):
        client.create_secret(
            Name=deployment.secret_name(account, purpose),
            SecretString=json.dumps({"api_key": api_key, "secret": secret}),
        )
