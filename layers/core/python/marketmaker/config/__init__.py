"""The deployment file: one place for every setting, refused as a whole if anything in it is wrong (R12)."""

from marketmaker.config.deployment import (
    AccountFunction,
    Deployment,
    KeyPurpose,
    Recipients,
    SharedFunction,
    TopicName,
    load_deployment,
    parse_deployment,
)
from marketmaker.config.schema import Egress, Stage

__all__ = [
    "AccountFunction",
    "Deployment",
    "Egress",
    "KeyPurpose",
    "Recipients",
    "SharedFunction",
    "Stage",
    "TopicName",
    "load_deployment",
    "parse_deployment",
]
