"""The CDK app: the stack of one deployment file, with or without the CDK CLI, and without credentials.

| context | variable | meaning |
|---|---|---|
| `deployment` | `MM_DEPLOYMENT_FILE` | the deployment file; the local one where neither says so |
| `placeholder` | `MM_PLACEHOLDER_LAYER` | `true` or `1`: an empty dependencies layer: nothing is downloaded |
| | `CDK_OUTDIR` | where the cloud assembly goes, `cdk.out` by default |
| | `JSII_NODE` | the Node.js that runs the CDK, the one installed beside it by default |
"""

import os
import sys
from pathlib import Path

from infra.layers import LayerError
from infra.node import use_packaged_node
from marketmaker.config import load_deployment
from marketmaker.errors import ConfigError

ROOT = Path(__file__).resolve().parent
LOCAL = ROOT / "infra" / "deployments" / "local.toml"


def main() -> None:
    """Synthesize the stack."""
    use_packaged_node()
    from infra.stack import MarketMakerStack  # Node.js starts when the CDK is imported
    from infra.synthesis import new_app

    app = new_app(os.environ.get("CDK_OUTDIR", ROOT / "cdk.out"))
    file = Path(app.node.try_get_context("deployment") or os.environ.get("MM_DEPLOYMENT_FILE") or LOCAL)
    placeholder = app.node.try_get_context("placeholder") or os.environ.get("MM_PLACEHOLDER_LAYER")
    MarketMakerStack(
        app, deployment=load_deployment(file), deployment_file=file, placeholder=str(placeholder) in {"true", "1"}
    )
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except (ConfigError, LayerError) as error:
        sys.exit(str(error))
    except RuntimeError as error:
        if not str(error).startswith("ValidationFailed"):
            raise
        sys.exit(str(error))  # what was found is printed already
