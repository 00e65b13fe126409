"""A small cloud assembly written by hand, as `cdk synth` lays one out: one stack, its assets and its template."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REGION = "eu-central-1"
BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"


def write_assembly(
    directory: Path,
    resources: Mapping[str, Any],
    assets: Mapping[str, Mapping[str, str]] | None = None,
    *,
    stack: str = "probe",
    region: str = REGION,
) -> Path:
    """Write a stack of these resources; `assets` are directories, path → text, named as `code(NAME)` refers to them."""
    files = {}
    for name, content in (assets or {}).items():
        for path, text in content.items():
            file = directory / f"asset.{name}" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        files[name] = _file(f"asset.{name}", "zip", f"{name}.zip")
    template = {"Parameters": PARAMETERS, "Resources": resources, "Outputs": {"Word": {"Value": {"Ref": "Word"}}}}
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(template)
    (directory / f"{stack}.template.json").write_text(text, encoding="utf-8")
    files["template"] = _file(f"{stack}.template.json", "file", f"{hash(text)}.json")
    _write(directory / f"{stack}.assets.json", {"files": files, "dockerImages": {}})
    properties = {"templateFile": f"{stack}.template.json"}
    environment = f"aws://unknown-account/{region}"
    artifacts = {
        f"{stack}.assets": {"type": "cdk:asset-manifest", "properties": {"file": f"{stack}.assets.json"}},
        stack: {"type": "aws:cloudformation:stack", "environment": environment, "properties": properties},
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
    }
    _write(directory / "manifest.json", {"version": "48.0.0", "artifacts": artifacts})
    return directory


PARAMETERS: dict[str, Any] = {
    "Word": {"Type": "String", "Default": "one"},
    "BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": BOOTSTRAP},
}
"""What every stack here may be given, and what the CDK adds to each."""

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}


def code(name: str) -> dict[str, Any]:
    """Refer to an uploaded directory."""
    return {"S3Bucket": {"Fn::Sub": BUCKET}, "S3Key": f"{name}.zip"}


def layer(name: str) -> dict[str, Any]:
    """Make a layer of an uploaded directory."""
    return {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": code(name)}}


def function(name: str, asset: str, **properties: Any) -> dict[str, Any]:
    """Make a function of an uploaded directory with `handler.py`, told the stack's `Word`; its role is `Role`."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "handler.handler",
            "Timeout": 8,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Environment": {"Variables": {"WORD": {"Ref": "Word"}}},
            "Code": code(asset),
            **properties,
        },
    }


def _file(path: str, packaging: str, key: str) -> dict[str, Any]:
    return {
        "source": {"path": path, "packaging": packaging},
        "destinations": {"here": {"bucketName": BUCKET, "objectKey": key}},
    }


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")
