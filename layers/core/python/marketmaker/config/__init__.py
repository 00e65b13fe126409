"""The deployment file: one place for every setting, refused as a whole if anything in it is wrong (R12)."""

from marketmaker.config.deployment import Deployment, KeyPurpose, load_deployment, parse_deployment

__all__ = ["Deployment", "KeyPurpose", "load_deployment", "parse_deployment"]
