"""A pytest plugin: write down how each test ended, and which copy of the product it ran on."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

import marketmaker

PASSED, FAILED, SKIPPED, BROKEN = "passed", "failed", "skipped", "broken"
"""How one case of a test ended; broken: in a fixture, or in code that cannot run at all."""

_CANNOT_RUN = (NameError, ImportError, SyntaxError)
_OUTCOMES = pytest.StashKey[dict[str, list[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outcomes", type=Path, required=True, help="the file to write")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # That a property fails is all that is asked: no time goes into the smallest example.
    settings.register_profile("first failure", settings(), phases=(Phase.explicit, Phase.generate))
    settings.load_profile("first failure")
    config.stash[_OUTCOMES] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or not report.passed:
        item.config.stash[_OUTCOMES].setdefault(item.nodeid, []).append(_outcome(report, call))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    written = {"product": marketmaker.__file__, "tests": session.config.stash[_OUTCOMES]}
    session.config.getoption("--outcomes").write_text(json.dumps(written), encoding="utf-8")


def _outcome(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if report.passed:
        return PASSED
    if report.skipped:
        return SKIPPED
    cannot_run = call.excinfo is not None and isinstance(call.excinfo.value, _CANNOT_RUN)
    return BROKEN if report.when != "call" or cannot_run else FAILED
