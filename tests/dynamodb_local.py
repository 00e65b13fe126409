"""A pytest plugin: the real DynamoDB engine on this machine, started once a session.

Use it with `pytest_plugins = ["tests.dynamodb_local"]` in a test module; without Java or the jar its tests are skipped
with the reason, and fail where `CI` is set.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from infra.local.tables import create_tables
from marketmaker.domain.units import AccountName
from tests.tables import LEDGER_TABLE, PRICES_TABLE, REGION, STATE_TABLE, use_fake_credentials

_EMULATOR = Path(__file__).parents[1] / "node_modules" / "amplify-dynamodb-simulator" / "emulator"
_START_WITHIN_S = 30.0
_BRIEF = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""A short-lived JVM is better off without its optimising compiler and parallel collectors: a third of the CPU time."""
_accounts = count()


@pytest.fixture(scope="session")
def fake_credentials() -> Iterator[None]:
    """Set credentials that open nothing, for the whole session: engines of different scope share them."""
    with pytest.MonkeyPatch.context() as patch:
        use_fake_credentials(patch)
        yield


@pytest.fixture(scope="session")
def dynamodb_local(fake_credentials: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start DynamoDB Local in memory on a free port, with all tables; gives its endpoint."""
    java, jar = shutil.which("java"), _EMULATOR / "DynamoDBLocal.jar"
    missing = (
        "java is not installed" if java is None else None if jar.exists() else f"{jar} is missing: run `make setup`"
    )
    if java is None or missing is not None:
        reason = f"DynamoDB Local cannot run: {missing}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("dynamodb_local") / "output.txt"
    command = [java, *_BRIEF, "-Djava.library.path=./DynamoDBLocal_lib", "-jar", jar.name]
    options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    with (
        log.open("w") as output,
        subprocess.Popen([*command, *options], cwd=_EMULATOR, stdout=output, stderr=output) as process,  # noqa: S603
    ):
        try:
            _wait_until_it_answers(endpoint, process, log)
            create_tables(
                state_table=STATE_TABLE,
                ledger_table=LEDGER_TABLE,
                prices_table=PRICES_TABLE,
                region=REGION,
                endpoint=endpoint,
            )
            yield endpoint
        finally:
            process.terminate()


@pytest.fixture
def account() -> AccountName:
    """Name an account that no other test uses: tests share tables, never partitions."""
    return AccountName(f"account{next(_accounts)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"DynamoDB Local ended with {process.returncode}: {log.read_text()}")
        try:
            urllib.request.urlopen(endpoint, timeout=1)  # noqa: S310
        except urllib.error.HTTPError:
            return  # it refuses an unsigned request, so it answers
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"DynamoDB Local did not answer within {_START_WITHIN_S} s: {log.read_text()}")
