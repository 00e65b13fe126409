"""Synthesize a deployment file's stack for this machine: the app itself, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from infra.local.assembly import Assembly, DeployError, read_assembly
from infra.local.aws import ROOT

_SHOWN_LINES = 3


def synthesize(deployment_file: Path, directory: Path) -> Assembly:
    """Run `app.py` as `cdk synth` does, with the real layers, and read what it wrote.

    Raises:
        DeployError: the app failed, with the end of what it said.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "CDK_"))}
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        env={**own, "MM_DEPLOYMENT_FILE": str(deployment_file), "CDK_OUTDIR": str(directory)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).strip().splitlines()[-_SHOWN_LINES:])
        raise DeployError(f"the stack could not be synthesized: {said}")
    return read_assembly(directory)
