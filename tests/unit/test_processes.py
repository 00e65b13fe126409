"""Child processes: they end with their context, and what goes wrong in one is one clear error."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local import aws, processes
from infra.local.processes import FunctionProcess, ProcessFailedError, first_line, free_port, last_line, running

SLEEP = "import time; print('ready', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); {SLEEP}"
HANDLER = """
def handler(event, context):
    print("a log line", event["kind"])
    match event["kind"]:
        case "raise":
            raise ValueError("a defect")
        case "exit":
            raise SystemExit("gone for good")
        case "sleep":
            import time
            time.sleep(600)
    return {"left_ms": context.get_remaining_time_in_millis(), "request": context.aws_request_id}
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def members_of(group: int) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True)  # noqa: S607
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [state for pgid, state in rows if int(pgid) == group and not state.startswith("Z")]


@contextmanager
def function(directory: Path) -> Iterator[FunctionProcess]:
    (directory / "some_handler.py").write_text(HANDLER, encoding="utf-8")
    log = directory / "function.log"
    command = [sys.executable, "-m", "infra.local.function_process", "some_handler", "5"]
    path = os.pathsep.join([str(directory), os.environ.get("PYTHONPATH", "")])
    with running(command, log=log, environment={"PYTHONPATH": path}, stdin=-1, stdout=-1) as process:
        yield FunctionProcess(process, log)


@pytest.mark.parametrize("code", [SLEEP, PARENT], ids=["one", "a family"])
def test_a_process_and_its_children_end_with_their_context(tmp_path: Path, code: str) -> None:
    with running(python(code), log=tmp_path / "log", environment={}, stdout=-1) as process:
        first_line(process, "ready", timeout_s=30, log=tmp_path / "log")
        assert members_of(process.pid)
    assert process.returncode == -signal.SIGTERM
    assert members_of(process.pid) == []


def test_a_process_ends_when_its_context_ends_with_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="of ours"),
        running(python(SLEEP), log=tmp_path / "log", environment={}) as process,
    ):
        raise RuntimeError("of ours")
    assert process.returncode is not None


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_TIMEOUT_S", 0.2)
    with running(python(DEAF), log=tmp_path / "log", environment={}, stdout=-1) as process:
        first_line(process, "ready", timeout_s=30, log=tmp_path / "log")
    assert process.returncode == -signal.SIGKILL


def test_a_process_that_has_ended_already_is_left_alone(tmp_path: Path) -> None:
    with running(python("pass"), log=tmp_path / "log", environment={}) as process:
        process.wait(30)
    assert process.returncode == 0


def test_a_reader_of_its_standard_input_ends_by_itself(tmp_path: Path) -> None:
    with running(python("import sys; sys.stdin.read()"), log=tmp_path / "log", environment={}, stdin=-1) as process:
        assert process.poll() is None
    assert process.returncode == 0


def test_the_environment_is_added_and_errors_land_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "log"
    code = "import os, sys; sys.stderr.write(os.environ['ADDED'] + os.environ['PATH'][:0])"
    with running(python(code), log=log, environment={"ADDED": "here"}) as process:
        process.wait(30)
    assert log.read_text(encoding="utf-8") == "here"


def test_the_awaited_line_is_found_after_others(tmp_path: Path) -> None:
    code = "print('note'); print('listening on  http://x ', flush=True); import time; time.sleep(600)"
    with running(python(code), log=tmp_path / "log", environment={}, stdout=-1) as process:
        assert first_line(process, "listening on ", timeout_s=30, log=tmp_path / "log") == "http://x"


@pytest.mark.parametrize(
    ("code", "timeout_s"),
    [
        ("import sys; sys.exit('error: no port')", 30),
        ("import sys; sys.stderr.write('error: no port'); sys.stderr.flush(); import time; time.sleep(600)", 2),
    ],
    ids=["it ends", "it is silent"],
)
def test_a_line_that_does_not_come_is_an_error_with_the_end_of_the_log(
    tmp_path: Path, code: str, timeout_s: float
) -> None:
    log = tmp_path / "exchange.log"
    with (
        running(python(code), log=log, environment={}, stdout=-1) as process,
        pytest.raises(ProcessFailedError) as raised,
    ):
        first_line(process, "listening on ", timeout_s=timeout_s, log=log)
    assert str(raised.value) == f"exchange did not print 'listening on'; its log {log} ends: error: no port"


def test_the_last_line_of_a_log_is_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("Traceback\n  File x\nValueError: no\n\n", encoding="utf-8")
    assert last_line(log) == "ValueError: no"
    log.write_text("\n", encoding="utf-8")
    assert last_line(log) == "(empty)"


def test_a_function_stays_warm_and_its_prints_are_its_log(tmp_path: Path) -> None:
    with function(tmp_path) as called:
        results = [called.invoke({"kind": "work"}, timeout_s=30) for _ in range(2)]
    assert results[0]["request"] != results[1]["request"]
    assert 0 < results[0]["left_ms"] <= 5000
    assert (tmp_path / "function.log").read_text(encoding="utf-8") == "a log line work\n" * 2


def test_a_handler_that_raises_gives_its_error_and_works_on(tmp_path: Path) -> None:
    with function(tmp_path) as called:
        with pytest.raises(ProcessFailedError, match=r"^ValueError: a defect$"):
            called.invoke({"kind": "raise"}, timeout_s=30)
        assert "request" in called.invoke({"kind": "work"}, timeout_s=30)


def test_a_function_that_ends_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with function(tmp_path) as called:
        with pytest.raises(ProcessFailedError, match=r"the function ended; .*function.log ends: gone for good"):
            called.invoke({"kind": "exit"}, timeout_s=30)
        with pytest.raises(ProcessFailedError, match="the function did not answer"):
            called.invoke({"kind": "work"}, timeout_s=1)


def test_no_answer_in_time_is_an_error(tmp_path: Path) -> None:
    with function(tmp_path) as called:
        called.invoke({"kind": "work"}, timeout_s=30)
        with pytest.raises(ProcessFailedError, match=r"the function did not answer; .* ends: a log line"):
            called.invoke({"kind": "sleep"}, timeout_s=0.2)


def test_a_function_without_a_pipe_cannot_be_invoked(tmp_path: Path) -> None:
    with (
        running(python(SLEEP), log=tmp_path / "log", environment={}, stdout=-1) as process,
        pytest.raises(ProcessFailedError, match="not a pipe"),
    ):
        FunctionProcess(process, tmp_path / "log").invoke({}, timeout_s=1)


def test_ministack_that_is_missing_or_does_not_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start() -> None:
        with aws.ministack(region="eu-central-1", log=tmp_path / "log", data=tmp_path):
            pass

    monkeypatch.setattr(aws, "MINISTACK", tmp_path / "ministack")
    with pytest.raises(ProcessFailedError, match="ministack is missing: run `make setup`"):
        start()
    (tmp_path / "ministack").write_text("#!/bin/sh\necho no >&2\n", encoding="utf-8")
    (tmp_path / "ministack").chmod(0o755)
    monkeypatch.setattr(aws, "START_TIMEOUT_S", 0.5)
    with pytest.raises(ProcessFailedError, match=r"ministack did not start; .*log ends: no"):
        start()


def test_variables_are_set_for_a_while_and_then_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM_KEPT", "before")
    monkeypatch.delenv("MM_NEW", raising=False)
    with aws.variables({"MM_KEPT": "within", "MM_NEW": "within"}):
        assert (os.environ["MM_KEPT"], os.environ["MM_NEW"]) == ("within", "within")
    assert os.environ["MM_KEPT"] == "before"
    assert "MM_NEW" not in os.environ


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen()
