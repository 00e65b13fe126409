"""Worlds for every test of this folder, and the count of what held, row by row."""

import json
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.dynamodb_local import dynamodb_local, fake_credentials
from tests.faults.puppet import prepare_puppets
from tests.faults.service_files import read_service_files_once
from tests.faults.tally import CaseLog, Tally, table
from tests.faults.world import World, Worlds

__all__ = ["dynamodb_local", "fake_credentials"]

_LOG = pytest.StashKey[CaseLog]()
_TALLY = pytest.StashKey[Tally]()
_STARTED = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults-report", help="write the rows and crash cases to this file; all rows must have held")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TALLY], config.stash[_STARTED] = Tally(), time.monotonic()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    rows = [str(name) for mark in item.iter_markers("row") for name in mark.args]
    if report.when == "call" or report.failed:
        log = item.stash.get(_LOG, None) if report.when == "call" else None
        if not report.skipped:
            item.config.stash[_TALLY].add(rows, log, passed=report.passed)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--faults-report")
    if path is None:
        return
    tally = session.config.stash[_TALLY]
    report = tally.report(time.monotonic() - session.config.stash[_STARTED])
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(report, indent=1) + "\n")
    if tally.missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--faults-report") is None:
        return
    tally = config.stash[_TALLY]
    terminalreporter.section("reliability rows")
    for line in (*table(tally.report(0)), *(f"FAILED {each}" for each in tally.missing())):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def _puppets(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        prepare_puppets(request.config.rootpath, patch)
        read_service_files_once(patch)
        yield


@pytest.fixture(scope="session")
def worlds_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


@pytest.fixture
def worlds(dynamodb_local: str, worlds_folder: Path) -> Iterator[Worlds]:
    made = Worlds(tables=dynamodb_local, folder=worlds_folder)
    yield made
    made.close()


@pytest.fixture
def world(worlds: Worlds) -> World:
    """A world in which nothing happened yet; its first tick opens the market."""
    return worlds.new()


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> CaseLog:
    """The cases inside this test, each counted for the test's rows."""
    log = CaseLog()
    request.node.stash[_LOG] = log
    return log
