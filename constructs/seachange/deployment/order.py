"""Puts the deployment last: nothing in its stack may fail after traffic has moved."""

import re
from collections.abc import Iterator, Mapping

import jsii
from aws_cdk import CfnResource, CustomResource, IStableAnyProducer, Lazy, Stack

_TYPE = "Custom::SeaChangeDeployment"


def after_everything_else(deployment: CustomResource) -> None:
    """Makes `deployment` depend on every other resource of its stack, whenever they are defined.

    Excepted are the stack's deployments and what depends on one of them: those come after it.
    """
    resource = deployment.node.default_child
    assert isinstance(resource, CfnResource)
    # Evaluated when the template is written, so that it sees what other code and aspects add after this construct.
    resource.add_override("DependsOn", Lazy.any(_EverythingElse(Stack.of(deployment))))


@jsii.implements(IStableAnyProducer)
class _EverythingElse:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def produce(self) -> list[str]:
        stack = self._stack
        resources = [
            r for r in stack.node.find_all() if isinstance(r, CfnResource) and r.stack.node.path == stack.node.path
        ]
        names = [stack.get_logical_id(resource) for resource in resources]
        # One call for all: each crosses into Node.
        properties = stack.resolve([resource._cfn_properties for resource in resources])
        needs = {
            name: {
                *_references(fragment),
                *(stack.get_logical_id(r) for r in resource.obtain_dependencies() if isinstance(r, CfnResource)),
            }
            for name, resource, fragment in zip(names, resources, properties, strict=True)
        }
        deployments = {
            name for name, resource in zip(names, resources, strict=True) if resource.cfn_resource_type == _TYPE
        }
        before = {*names} - _after(deployments, needs)
        # Those that no other waits for; the rest comes before them.
        return sorted(before - set().union(*(needs[name] - {name} for name in before)))


def _references(value: object) -> Iterator[str]:
    """The logical ids that a resolved template fragment refers to."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield str(inner)
            elif key == "Fn::GetAtt":
                yield inner.split(".")[0] if isinstance(inner, str) else inner[0]
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{([A-Za-z0-9]+)", inner if isinstance(inner, str) else inner[0])
                yield from _references(inner)
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _after(deployments: set[str], needs: Mapping[str, set[str]]) -> set[str]:
    """The deployments, and all that needs one of them, directly or through others."""
    after: set[str] = set()
    found = deployments
    while found:
        after |= found
        found = {logical_id for logical_id, needed in needs.items() if needed & after} - after
    return after
