"""Reading a cloud assembly: what is deployable, and one clear error for what is not."""

import json
import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from infra.local.assembly import Asset, DeployError, read_assembly
from tests.cloud_assembly import write_assembly

CODE = {"code": {"handler.py": "def handler(event, context): ...", "data/deployment.toml": "name = 1"}}


def asset(source: Path) -> Asset:
    return Asset(source=source, zipped=True, bucket="b", key="k")


def test_an_assembly_is_one_stack_with_its_template_and_assets(tmp_path: Path) -> None:
    assembly = read_assembly(write_assembly(tmp_path / "out", {"Topic": {"Type": "AWS::SNS::Topic"}}, CODE))
    assert (assembly.stack_name, assembly.region) == ("probe", "eu-central-1")
    assert assembly.template["Resources"] == {"Topic": {"Type": "AWS::SNS::Topic"}}
    assert [(each.source.name, each.zipped) for each in assembly.assets] == [
        ("asset.code", True),
        ("probe.template.json", False),
    ]


def test_a_region_that_the_app_left_open_is_open(tmp_path: Path) -> None:
    assert read_assembly(write_assembly(tmp_path, {}, region="unknown-region")).region is None


def test_a_name_given_to_the_stack_is_its_name(tmp_path: Path) -> None:
    manifest = write_assembly(tmp_path, {}) / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["artifacts"]["probe"]["properties"]["stackName"] = "another"
    manifest.write_text(json.dumps(content), encoding="utf-8")
    assert read_assembly(tmp_path).stack_name == "another"


def test_a_placeholder_layer_is_refused(tmp_path: Path) -> None:
    write_assembly(tmp_path, {}, {"layer": {"python/PLACEHOLDER": ""}})
    with pytest.raises(DeployError, match=r"asset\.layer is a placeholder: synthesize with the real layers"):
        read_assembly(tmp_path)


def test_what_is_not_an_assembly_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"manifest\.json is missing: .* is not what `cdk synth` writes"):
        read_assembly(tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(DeployError, match=r"manifest\.json is not JSON"):
        read_assembly(tmp_path)


def test_two_stacks_are_refused(tmp_path: Path) -> None:
    manifest = write_assembly(tmp_path, {}) / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["artifacts"]["second"] = content["artifacts"]["probe"]
    manifest.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DeployError, match=r"holds 2 stacks \(probe, second\)"):
        read_assembly(tmp_path)


def test_an_asset_that_is_gone_is_refused(tmp_path: Path) -> None:
    write_assembly(tmp_path, {}, CODE)
    (tmp_path / "asset.code").rename(tmp_path / "elsewhere")
    with pytest.raises(DeployError, match=r"asset\.code is missing"):
        read_assembly(tmp_path)


def test_a_container_image_is_refused(tmp_path: Path) -> None:
    assets = write_assembly(tmp_path, {}) / "probe.assets.json"
    assets.write_text(json.dumps({"files": {}, "dockerImages": {"image": {}}}), encoding="utf-8")
    with pytest.raises(DeployError, match="needs a container image"):
        read_assembly(tmp_path)


def test_equal_directories_give_equal_archives(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_assembly(tmp_path / name, {}, CODE)
    first, second = tmp_path / "one" / "asset.code", tmp_path / "two" / "asset.code"
    os.utime(second / "handler.py", (1, 1))
    assert asset(first).content() == asset(second).content()
    (second / "handler.py").write_text("changed", encoding="utf-8")
    assert asset(first).content() != asset(second).content()


def test_an_archive_keeps_paths_texts_and_what_may_be_executed(tmp_path: Path) -> None:
    write_assembly(tmp_path, {}, {"code": {"a/b.py": "text", "run": "#!"}})
    (tmp_path / "asset.code" / "run").chmod(0o700)
    with zipfile.ZipFile(BytesIO(asset(tmp_path / "asset.code").content())) as archive:
        assert archive.namelist() == ["a/b.py", "run"]
        assert archive.read("a/b.py") == b"text"
        assert [entry.external_attr >> 16 & 0o777 for entry in archive.infolist()] == [0o644, 0o755]
