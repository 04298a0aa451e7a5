"""Compares every synthesis with the record of what is frozen, so that a deploy that cannot work ends before AWS sees it."""

import json
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    Annotations,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Validations,
)
from constructs import IConstruct

from seachange.fragments import stack_fragment
from seachange.record import Record


def keep_frozen(scope: IConstruct, *, record: str | Path) -> None:
    """Makes the synthesis fail, naming the way out, when a frozen fragment is not what the record says.

    Under the CODE_DEPLOY controller CloudFormation cannot update an ECS service, and must not touch its listeners. The record, a file that you
    commit, remembers what was created: a flipped engine, another container port, other subnets, a tag on the service, and what a
    new version of a library moved are found here, not by a stack that sticks.

    Write it once the service has been created, and again for each new service: `seachange freeze --app cdk.out --record frozen.json`.

    Args:
        scope: The app, or the stage or stack to watch.
        record: The file; while there is none, the synthesis warns.

    Raises RecordError when the file is no record.
    """
    path = Path(record)
    if not path.exists():
        Annotations.of(scope).add_warning_v2(
            "@seachange/record:missing",
            f"There is no record of what is frozen at {path}. Once the service is deployed, write it with "
            f"`seachange freeze --record {path}` and commit it.",
        )
    Validations.of(scope).add_plugins(_FrozenPlugin(Record.load(path)))


@jsii.implements(IPolicyValidationPlugin)
class _FrozenPlugin:
    def __init__(self, record: Record) -> None:
        self._record = record

    @property
    def name(self) -> str:
        return "SeaChange"

    @property
    def version(self) -> str:
        return "1"

    @property
    def rule_ids(self) -> list[str]:
        return ["frozen"]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        violations = [
            PolicyViolation(
                rule_name="frozen",
                description=str(difference),
                fix=difference.way_out,
                violating_resources=[
                    PolicyViolatingResource(
                        resource_logical_id=difference.logical_id,
                        template_path=template,
                        locations=[f"Properties/{difference.property}"],
                    )
                ],
            )
            for template in context.template_paths
            for difference in self._record.compare(_stack_name(template), _resources(template))
        ]
        return PolicyValidationPluginReport(success=not violations, violations=violations)


def _stack_name(template: str) -> str:
    return Path(template).name.removesuffix(".template.json")


def _resources(template: str) -> dict[str, Any]:
    """The template's resources, and the stack's own tags, which stand in the manifest beside it."""
    found: dict[str, Any] = json.loads(Path(template).read_text("utf-8")).get("Resources", {})
    manifest = json.loads(Path(template).with_name("manifest.json").read_text("utf-8"))
    tags = manifest["artifacts"].get(_stack_name(template), {}).get("properties", {}).get("tags", {})
    return found | stack_fragment(tags)
