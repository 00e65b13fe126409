"""The CDK app that the stack is synthesized in, the same with and without the CDK CLI."""

import json
from pathlib import Path

import aws_cdk as cdk

from infra.checks import add_checks

_SETTINGS = Path(__file__).resolve().parents[1] / "cdk.json"


def new_app(outdir: str | Path) -> cdk.App:
    """Make an app with the feature flags of cdk.json, which nobody else reads without the CLI, and with every check."""
    flags = json.loads(_SETTINGS.read_text(encoding="utf-8"))["context"]
    app = cdk.App(context=flags, outdir=str(outdir), analytics_reporting=False, stack_traces=False)
    add_checks(app)
    return app
