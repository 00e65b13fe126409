"""A synthesized stack as tests read it: resources by their own names, intrinsic functions as short text."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.stack import MarketMakerStack
from infra.synthesis import new_app
from marketmaker.config import Deployment, load_deployment

type Resource = dict[str, Any]

KINDS = {
    "AWS::DynamoDB::Table": ("table", "TableName"),
    "AWS::KMS::Key": ("key", None),
    "AWS::Lambda::Function": ("function", "FunctionName"),
    "AWS::Logs::LogGroup": ("logs", "LogGroupName"),
    "AWS::SNS::Topic": ("topic", "TopicName"),
    "AWS::SQS::Queue": ("queue", "QueueName"),
    "AWS::Scheduler::ScheduleGroup": ("schedules", "Name"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Synth:
    """A cloud assembly of one deployment."""

    directory: Path
    deployment: Deployment
    template: Mapping[str, Any]

    @property
    def template_file(self) -> Path:
        """Where the template is."""
        return self.directory / f"{self.deployment.stack_name}.template.json"

    def resources(self, resource_type: str) -> dict[str, Resource]:
        """Return the properties of all resources of a type, by logical id."""
        return {name: each.get("Properties", {}) for name, each in self._of(resource_type)}

    def named(self, resource_type: str) -> dict[str, Resource]:
        """Return the properties of all resources of a type, by their own names without the stack's."""
        return {self.short(name): each for name, each in self.resources(resource_type).items()}

    def whole(self, resource_type: str) -> dict[str, Resource]:
        """Return all resources of a type with their policies and dependencies, by their own names."""
        return {self.short(name): each for name, each in self._of(resource_type)}

    def short(self, logical_id: str) -> str:
        """Return a resource's own name without the stack's."""
        return self.text({"Ref": logical_id}).partition("/")[2]

    def text(self, value: Any) -> str:
        """Write a value as text: `table/state`, `topic/halt`, an ARN with its account left open."""
        match value:
            case str():
                return value.replace(f"{self.deployment.stack_name}-", "")
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                return self._resource_text(name)
            case {"Fn::Join": [str(between), list(parts)]}:
                return between.join(map(self.text, parts))
            case _:
                raise AssertionError(f"no text for {value}")

    def _resource_text(self, name: str) -> str:
        if name.startswith("AWS::"):
            return name
        resource = self.template["Resources"].get(name)
        if resource is None:
            return f"parameter/{name}"
        kind, property_name = KINDS.get(resource["Type"], (resource["Type"], None))
        own = resource["Properties"][property_name] if property_name else ""
        return f"{kind}/{self.text(own)}"

    def _of(self, resource_type: str) -> Iterator[tuple[str, Resource]]:
        return ((name, each) for name, each in self.template["Resources"].items() if each["Type"] == resource_type)


def new_stack(file: Path, outdir: Path) -> MarketMakerStack:
    """Build a deployment file's stack in an app of its own, not yet synthesized."""
    deployment = load_deployment(file)
    return MarketMakerStack(new_app(outdir), deployment=deployment, deployment_file=file, placeholder=True)


def synthesize(file: Path, outdir: Path) -> Synth:
    """Synthesize a deployment file's stack with an empty layer; cdk-nag raises what it finds."""
    stack = new_stack(file, outdir)
    stack.node.root.synth()  # type: ignore[attr-defined]
    template = json.loads((outdir / f"{stack.stack_name}.template.json").read_text(encoding="utf-8"))
    return Synth(directory=outdir, deployment=load_deployment(file), template=template)
