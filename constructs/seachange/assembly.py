"""Reads a cloud assembly (`cdk.out`): the one door between templates and everything that must not know the constructs.

Template values stay what they are: a literal, or an intrinsic such as `{"Ref": "Database"}`. Two values are the same when their JSON is.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from seachange.errors import SeaChangeError


class AssemblyError(SeaChangeError):
    """The directory holds no cloud assembly that we can read."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of one template."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]

    @property
    def label(self) -> str:
        return f"{self.stack}/{self.logical_id}"


class Assembly:
    """The templates and assets of one cloud assembly.

    Attributes:
        directory: Where it lies.
        templates: Stack → its template.
        tags: Stack → the tags that CloudFormation is given for it.
    """

    def __init__(
        self,
        directory: Path,
        templates: Mapping[str, Mapping[str, Any]],
        tags: Mapping[str, Mapping[str, str]],
        assets: Mapping[str, Path],
    ) -> None:
        self.directory = directory
        self.templates = templates
        self.tags = tags
        self._resources = tuple(
            Resource(stack=name, logical_id=logical_id, type=body["Type"], properties=body.get("Properties", {}))
            for name, template in templates.items()
            for logical_id, body in template.get("Resources", {}).items()
        )
        self._assets = assets

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Reads the assembly in `directory`; AssemblyError, naming the remedy, when there is none."""
        directory = directory.resolve()
        found = _Found()
        _read(directory, found)
        return cls(directory, found.templates, found.tags, found.assets)

    def of_type(self, resource_type: str) -> list[Resource]:
        """All resources of a CloudFormation type, such as `AWS::ECS::Service`."""
        return [resource for resource in self._resources if resource.type == resource_type]

    def one(self, resource_type: str) -> Resource:
        """The only resource of a type; AssemblyError when there is none, or more than one."""
        found = self.of_type(resource_type)
        if len(found) != 1:
            names = ", ".join(resource.label for resource in found) or "none"
            raise AssemblyError(
                f"{self.directory} must hold exactly one {resource_type}, as an app with one BlueGreenService does; it holds {names}. "
                "Synthesize such an app there (cdk synth -o), with no other service's stacks"
            )
        return found[0]

    def target(self, value: object, *, of: Resource) -> Resource | None:
        """The resource that `value`, a `Ref` or `Fn::GetAtt` in the same template as `of`, points at; None for anything else."""
        logical_id = referenced(value)
        for resource in self._resources:
            if resource.stack == of.stack and resource.logical_id == logical_id:
                return resource
        return None

    def asset(self, function: Resource) -> Path:
        """The directory of a Lambda function's code."""
        key = function.properties.get("Code", {}).get("S3Key")
        path = self._assets.get(str(key).removesuffix(".zip"))
        if path is None or not path.is_dir():
            raise AssemblyError(f"{function.label}: its code asset {key} is not in {self.directory}; synthesize again")
        return path


def referenced(value: object) -> str | None:
    """The logical id in a `Ref` or `Fn::GetAtt`, else None."""
    match value:
        case {"Ref": str(logical_id)} | {"Fn::GetAtt": [str(logical_id), *_]}:
            return logical_id
    return None


def canonical(value: object) -> str:
    """The same text for equal template values."""
    return json.dumps(value, sort_keys=True)


def is_intrinsic(value: object) -> bool:
    """Whether a template value is decided only at deployment."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def substitute(value: Any, known: Mapping[str, str]) -> Any:
    """`value` with every intrinsic whose canonical text is in `known` replaced, and joins of literals joined.

    Args:
        value: Any template value.
        known: canonical(intrinsic) → what stands for it here.
    """
    if canonical(value) in known:
        return known[canonical(value)]
    if isinstance(value, list):
        return [substitute(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    match {key: substitute(item, known) for key, item in value.items()}:
        case {"Fn::Join": [str(separator), list(parts)]} if all(isinstance(part, str) for part in parts):
            return separator.join(parts)
        case replaced:
            return replaced


def intrinsics(value: object) -> Iterator[object]:
    """Every intrinsic left in `value`, outermost first."""
    if is_intrinsic(value):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from intrinsics(item)
    elif isinstance(value, list):
        for item in value:
            yield from intrinsics(item)


@dataclass
class _Found:
    templates: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: dict[str, Mapping[str, str]] = field(default_factory=dict)
    assets: dict[str, Path] = field(default_factory=dict)


def _read(directory: Path, found: _Found) -> None:
    """Adds the stacks and assets of the assembly in `directory`, those of its stages included."""
    manifest = directory / "manifest.json"
    if not manifest.is_file():
        raise AssemblyError(f"no cloud assembly in {directory}: run `cdk synth -o {directory}` first")
    try:
        for name, artifact in sorted(_json(manifest).get("artifacts", {}).items()):
            kind, properties = artifact.get("type"), artifact.get("properties", {})
            if kind == "aws:cloudformation:stack":
                found.templates[name] = _json(directory / properties["templateFile"])
                found.tags[name] = properties.get("tags", {})
            elif kind == "cdk:cloud-assembly":
                _read(directory / properties["directoryName"], found)
            elif kind == "cdk:asset-manifest":
                files = _json(directory / properties["file"]).get("files", {})
                found.assets |= {
                    key: directory / file["source"]["path"]
                    for key, file in files.items()
                    if "path" in file.get("source", {})
                }
    except (AttributeError, KeyError, TypeError) as error:
        raise AssemblyError(f"{manifest} is no manifest of a cloud assembly ({error!r}); synthesize again") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AssemblyError(f"{path} cannot be read ({error}); synthesize again") from error
    if not isinstance(loaded, dict):
        raise AssemblyError(f"{path} holds no JSON object; synthesize again")
    return loaded
