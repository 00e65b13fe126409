"""Worlds for every test of this folder, and the count of what held, row by row."""

import json
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dynamodb_local import dynamodb_local, fake_credentials
from tests.faults.puppet import prepare_puppets
from tests.faults.service_files import read_service_files_once
from tests.faults.tally import CaseLog, Tally, table
from tests.faults.world import World, Worlds

__all__ = ["dynamodb_local", "fake_credentials"]

_LOG = pytest.StashKey[CaseLog]()
_SHOWN = "rows shown"
_TALLY = pytest.StashKey[Tally]()
_STARTED = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults-report", help="write the rows and crash cases to this file; all rows must have held")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TALLY], config.stash[_STARTED] = Tally(), time.monotonic()
    config.pluginmanager.register(_Counter(config.stash[_TALLY]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed or (report.when == "call" and report.passed):
        rows = [str(name) for mark in item.iter_markers("row") for name in mark.args]
        log = item.stash.get(_LOG, None) if report.when == "call" else None
        report.user_properties.append((_SHOWN, {"rows": rows, "log": None if log is None else log.plain()}))
    return report


class _Counter:
    """Counts what reports show, whichever process of the run they come from."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        shown: Any = dict(report.user_properties).get(_SHOWN)
        if shown is not None:
            log = None if shown["log"] is None else CaseLog.of(shown["log"])
            self._tally.add(shown["rows"], log, passed=report.passed)


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--faults-report")
    if path is None or hasattr(session.config, "workerinput"):
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
