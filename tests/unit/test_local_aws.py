"""The deployer's guard: nothing but this machine is ever deployed to."""

import pytest

from infra.local.assembly import DeployError
from infra.local.deployer import Deployed, LocalAws, Resource


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://cloudformation.eu-central-1.amazonaws.com",
        "http://10.0.0.7:4566",
        "http://localhost.example.com:4566",
        "http://127.0.0.1.example.com",
        "http://example.com/127.0.0.1",
        "http://127.0.0.1@example.com",
        "127.0.0.1:4566",
        "",
    ],
)
def test_an_endpoint_elsewhere_is_refused(endpoint: str) -> None:
    with pytest.raises(DeployError, match=r"AWS_ENDPOINT_URL: .* is not allowed: an address of this machine"):
        LocalAws(endpoint=endpoint, region="eu-central-1")


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "https://localhost:4566", "http://[::1]:4566"])
def test_an_endpoint_on_this_machine_is_allowed(endpoint: str) -> None:
    assert LocalAws(endpoint=endpoint, region="eu-central-1").endpoint == endpoint


def test_no_endpoint_is_refused_and_never_means_real_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(DeployError, match="AWS_ENDPOINT_URL: nothing is not allowed"):
        LocalAws.of_environment("eu-central-1")


def test_a_variable_for_one_service_sends_no_client_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", "https://example.com")
    client = LocalAws(endpoint="http://127.0.0.1:4566", region="eu-central-1").client("cloudformation")
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"


def test_the_apps_region_comes_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert LocalAws.of_environment("eu-central-1").region == "eu-central-1"
    assert LocalAws.of_environment(None).region == "us-east-1"
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(DeployError, match="AWS_REGION: nothing is not allowed"):
        LocalAws.of_environment(None)


def test_a_resource_is_found_by_type_and_ending_of_its_name() -> None:
    topics = {name: Resource(logical_id=name, type="AWS::SNS::Topic", name=f"arn:x:{name}") for name in ("a-b", "c-b")}
    aws = LocalAws(endpoint="http://127.0.0.1:4566", region="eu-central-1")
    deployed = Deployed(stack_name="probe", aws=aws, outputs={}, resources=topics)
    assert deployed.name_ending("AWS::SNS::Topic", "a-b") == "arn:x:a-b"
    with pytest.raises(DeployError, match="probe has 2 AWS::SNS::Topic ending in '-b', not one"):
        deployed.name_ending("AWS::SNS::Topic", "-b")
    assert deployed.names("AWS::SQS::Queue") == ()
