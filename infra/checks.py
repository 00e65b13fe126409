"""cdk-nag's rules, run at every synth; a finding ends it unless it is acknowledged beside its resource."""

from collections.abc import Mapping

import aws_cdk as cdk
import cdk_nag
from constructs import Construct


def add_checks(app: cdk.App) -> None:
    """Check everything in the app by the rules for AWS solutions and those for serverless applications."""
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app), cdk_nag.ServerlessChecks(app))


def acknowledge(construct: Construct, reasons: Mapping[str, str]) -> None:
    """Accept findings in a construct and in all that is inside it, by rule, each with its reason."""
    for rule, reason in reasons.items():
        cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
