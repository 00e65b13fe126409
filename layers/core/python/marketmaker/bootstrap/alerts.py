"""Where alerts go: to the topics that the environment names."""

from collections.abc import Mapping

import boto3

from marketmaker.adapters.recorded_alerts import RecordedAlerts
from marketmaker.adapters.sns import SnsAlerts
from marketmaker.bootstrap.environment import AWS, BOTO3, Environment
from marketmaker.config import Deployment
from marketmaker.ports import Alerts, Severity, Telemetry


def make_alerts(environment: Environment, deployment: Deployment, telemetry: Telemetry) -> Alerts:
    """Send alerts to the topics that the environment names; without them they are log lines."""
    if not environment.topic_critical or not environment.topic_info:
        return RecordedAlerts(telemetry)
    return _to(deployment, {Severity.CRITICAL: environment.topic_critical, Severity.INFO: environment.topic_info})


def make_news(environment: Environment, deployment: Deployment, telemetry: Telemetry) -> Alerts:
    """Send every alert to the topic that wakes nobody: who has no account has nothing critical to say."""
    if not environment.topic_info:
        return RecordedAlerts(telemetry)
    return _to(deployment, dict.fromkeys(Severity, environment.topic_info))


def _to(deployment: Deployment, topics: Mapping[Severity, str]) -> Alerts:
    with BOTO3:
        return SnsAlerts(boto3.client("sns", region_name=deployment.region, config=AWS), topics)
