"""Where secrets are kept."""

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError

from marketmaker.adapters.aws_failures import as_failure
from marketmaker.bootstrap.environment import AWS, BOTO3
from marketmaker.config import Deployment
from marketmaker.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def secrets(deployment: Deployment) -> "SecretsManagerClient":
    """Connect to Secrets Manager."""
    try:
        with BOTO3:
            return boto3.client("secretsmanager", region_name=deployment.region, config=AWS)
    except BotoCoreError as error:
        raise as_failure(error, "the AWS settings of this environment") from error
    except ValueError as error:
        raise ConfigError(f"AWS_ENDPOINT_URL: {error}") from error
