"""What must stay the same from release to release, read from a template.

Frozen are the whole properties of the ECS service, the listeners and the target groups, and the create-only properties of all that these refer
to, directly or through others: replacing a security group would change the service as surely as an edit. Create-only properties stand in
CloudFormation's resource schemas, which cfn-lint carries. `DependsOn` of the frozen resources belongs to them: a change of it
alone made CloudFormation update such a service (aws-cdk#25777).
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from tests.constructs.apps import Resources

FROZEN_TYPES = frozenset(
    {
        "AWS::ECS::Service",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
    }
)


def frozen_fragments(found: Resources) -> dict[str, dict[str, Any]]:
    """Logical id → type and properties that must not change."""
    fragments: dict[str, dict[str, Any]] = {}
    waiting = [logical_id for logical_id, body in found.items() if body["Type"] in FROZEN_TYPES]
    while waiting:
        logical_id = waiting.pop()
        if logical_id in fragments or logical_id not in found:
            continue  # a parameter, a pseudo parameter, or done
        body = found[logical_id]
        properties = body.get("Properties", {})
        if body["Type"] not in FROZEN_TYPES:
            properties = {name: value for name, value in properties.items() if name in _create_only(body["Type"])}
        fragments[logical_id] = {"Type": body["Type"], "Properties": properties}
        if body["Type"] in FROZEN_TYPES and "DependsOn" in body:
            fragments[logical_id]["DependsOn"] = sorted(body["DependsOn"])
        waiting += references(properties)
    return dict(sorted(fragments.items()))


@cache
def _create_only(resource_type: str) -> frozenset[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    return frozenset(pointer.split("/")[2] for pointer in schema.get("createOnlyProperties", []))


def references(value: Any) -> Iterator[str]:
    """The logical ids that a template value refers to."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case dict():
            for inner in value.values():
                yield from references(inner)
        case list():
            for inner in value:
                yield from references(inner)
