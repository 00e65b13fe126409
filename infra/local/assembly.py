"""Read what `cdk synth` wrote: the one stack of a cloud assembly, its template and the files it needs uploaded."""

import io
import json
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACEHOLDER = "PLACEHOLDER"
"""A file of this name stands in a layer that was synthesized without its content."""
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class DeployError(RuntimeError):
    """What was to be deployed is not deployable, or was not deployed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file or directory to upload; bucket and key may hold `${AWS::AccountId}` and the like."""

    source: Path
    zipped: bool
    bucket: str
    key: str

    def content(self) -> bytes:
        """Return the bytes to upload: equal directories give equal bytes."""
        return _zip(self.source) if self.zipped else self.source.read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """One stack, ready to deploy; `region` is None where the app left it open."""

    stack_name: str
    region: str | None
    tags: Mapping[str, str]
    template: Mapping[str, Any]
    template_file: Path
    assets: tuple[Asset, ...]


def read_assembly(directory: Path) -> Assembly:
    """Read a cloud assembly directory with exactly one stack.

    Raises:
        DeployError: it is not one, or something in it cannot be deployed from here.
    """
    artifacts: dict[str, Any] = _read(directory / "manifest.json").get("artifacts", {})
    stacks = {name: each for name, each in artifacts.items() if each["type"] == "aws:cloudformation:stack"}
    if len(stacks) != 1:
        raise DeployError(f"{directory} holds {len(stacks)} stacks ({', '.join(stacks)}); exactly one can be deployed")
    name, stack = next(iter(stacks.items()))
    template_file = directory / stack["properties"]["templateFile"]
    region = stack["environment"].rpartition("/")[2]
    return Assembly(
        stack_name=stack["properties"].get("stackName", name),
        region=None if region == "unknown-region" else region,
        tags=stack["properties"].get("tags", {}),
        template=_read(template_file),
        template_file=template_file,
        assets=tuple(_assets(directory, artifacts)),
    )


def _assets(directory: Path, artifacts: Mapping[str, Any]) -> Iterator[Asset]:
    for artifact in artifacts.values():
        if artifact["type"] != "cdk:asset-manifest":
            continue
        manifest = _read(directory / artifact["properties"]["file"])
        if manifest.get("dockerImages"):
            raise DeployError(f"{directory} needs a container image; only files are deployed from here")
        for file in manifest["files"].values():
            source = directory / file["source"]["path"]
            if not source.exists():
                raise DeployError(f"{source} is missing: synthesize again")
            if source.is_dir() and next(source.rglob(PLACEHOLDER), None) is not None:
                raise DeployError(f"{source} is a placeholder: synthesize with the real layers")
            for destination in file["destinations"].values():
                yield Asset(
                    source=source,
                    zipped=file["source"]["packaging"] == "zip",
                    bucket=destination["bucketName"],
                    key=destination["objectKey"],
                )


def _read(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DeployError(f"{file} is missing: {file.parent} is not what `cdk synth` writes") from error
    except ValueError as error:
        raise DeployError(f"{file} is not JSON: {error}") from error
    return content


def _zip(directory: Path) -> bytes:
    """Pack a directory the same way each time: sorted, without times, stored.

    Nothing is compressed: on one machine the packing and unpacking would cost more than the bytes.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(each for each in directory.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(directory).as_posix(), _LONG_AGO)
            executable = file.stat().st_mode & stat.S_IXUSR
            entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            archive.writestr(entry, file.read_bytes())
    return packed.getvalue()
