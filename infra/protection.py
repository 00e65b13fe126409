"""Let a deployment's stack be deleted: the deliberate step before `cdk destroy`, once the deployment is halted.

`python -m infra.protection FILE` asks for the stack's name and lifts its termination protection. Tables and logs stay
in any case: they are retained, and the tables protected on their own.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from marketmaker.config import load_deployment
from marketmaker.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


class NotLiftedError(RuntimeError):
    """The stack is protected as before."""


def lift(stack_name: str, client: "CloudFormationClient", ask: Callable[[str], str]) -> None:
    """Lift a stack's termination protection, if the human who is asked names the stack.

    Raises:
        NotLiftedError: another name was given, or AWS refused.
    """
    given = ask(f"type {stack_name} to let it be deleted: ").strip()
    if given != stack_name:
        raise NotLiftedError(f"{given or 'nothing'} is not {stack_name}: it stays protected")
    try:
        client.update_termination_protection(StackName=stack_name, EnableTerminationProtection=False)
    except (BotoCoreError, ClientError) as error:
        raise NotLiftedError(f"{stack_name} stays protected: {error}") from error


def main(arguments: list[str]) -> None:
    """Lift the protection of the deployment file's stack."""
    if len(arguments) != 1:
        raise ConfigError(f"arguments: {' '.join(arguments) or 'nothing'} is not allowed: one deployment file")
    deployment = load_deployment(arguments[0])
    lift(deployment.stack_name, boto3.client("cloudformation", region_name=deployment.region), input)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ConfigError, NotLiftedError, EOFError) as error:
        sys.exit(str(error) or "nothing was typed: the stack stays protected")
