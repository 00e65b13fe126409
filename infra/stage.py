"""What differs between a stack on real AWS and the one on this machine, in one word."""

from marketmaker.config import Deployment, Stage


def is_on_aws(deployment: Deployment) -> bool:
    """Tell whether data must be kept and plain HTTP refused: everywhere but in the local stage."""
    return deployment.stage is not Stage.LOCAL
