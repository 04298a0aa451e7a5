"""The door between templates and the rehearsal."""

import json
from pathlib import Path

import pytest

from seachange.assembly import Assembly, AssemblyError, canonical, intrinsics, substitute


def write(directory: Path, resources: dict[str, object], files: dict[str, object] | None = None) -> Path:
    (directory / "app.template.json").write_text(json.dumps({"Resources": resources}))
    (directory / "app.assets.json").write_text(json.dumps({"files": files or {}}))
    artifacts = {
        "app": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "app.template.json"}},
        "app.assets": {"type": "cdk:asset-manifest", "properties": {"file": "app.assets.json"}},
    }
    (directory / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return directory


def test_a_missing_assembly_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match=r"no cloud assembly in .*: run `cdk synth -o"):
        Assembly.load(tmp_path / "cdk.out")


def test_a_broken_assembly_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(AssemblyError, match="synthesize again"):
        Assembly.load(tmp_path)


def test_resources_and_references(tmp_path: Path) -> None:
    assembly = Assembly.load(
        write(
            tmp_path,
            {
                "A": {"Type": "T", "Properties": {"To": {"Fn::GetAtt": ["B", "Arn"]}}},
                "B": {"Type": "U"},
                "C": {"Type": "U"},
            },
        )
    )
    first = assembly.one("T")
    assert first.label == "app/A"
    target = assembly.target(first.properties["To"], of=first)
    assert target is not None
    assert target.logical_id == "B"
    assert assembly.target("literal", of=first) is None
    with pytest.raises(AssemblyError, match=r"exactly one U, .*; it holds app/B, app/C"):
        assembly.one("U")
    with pytest.raises(AssemblyError, match="it holds none"):
        assembly.one("V")


def test_a_functions_code_is_found_through_the_asset_manifest(tmp_path: Path) -> None:
    (tmp_path / "asset.1").mkdir()
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": "1.zip"}}}
    assembly = Assembly.load(write(tmp_path, {"F": function}, {"1": {"source": {"path": "asset.1"}}}))
    assert assembly.asset(assembly.one("AWS::Lambda::Function")) == tmp_path / "asset.1"
    (tmp_path / "asset.1").rmdir()
    with pytest.raises(AssemblyError, match=r"app/F: its code asset 1\.zip"):
        assembly.asset(assembly.one("AWS::Lambda::Function"))


def test_substitution_replaces_equal_expressions_and_joins_literals() -> None:
    host, name = {"Ref": "HostParameter"}, {"Ref": "Name"}
    known = {canonical(host): "127.0.0.1", canonical(name): "shop"}
    template = {"PGHOST": host, "URL": {"Fn::Join": ["", ["//", host, "/", name]]}, "OTHER": {"Ref": "X"}, "L": [host]}
    assert substitute(template, known) == {
        "PGHOST": "127.0.0.1",
        "URL": "//127.0.0.1/shop",
        "OTHER": {"Ref": "X"},
        "L": ["127.0.0.1"],
    }
    assert list(intrinsics({"a": {"Fn::Join": ["", ["x", {"Ref": "X"}]]}, "b": "y"})) == [
        {"Fn::Join": ["", ["x", {"Ref": "X"}]]}
    ]
