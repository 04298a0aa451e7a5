"""Puts the deployment last: nothing in its stack may fail after traffic has moved."""

from collections.abc import Mapping
from typing import TypeGuard

import jsii
from aws_cdk import Aws, CfnResource, CustomResource, Fn, IStableAnyProducer, Lazy, Stack
from constructs import IConstruct

from seachange.references import references

DEPLOYMENT_TYPE = "Custom::SeaChangeDeployment"


def after_everything_else(deployment: CustomResource) -> None:
    """Makes `deployment` depend on every other resource of its stack, whenever they are defined.

    Excepted are the stack's deployments and what depends on one of them: those come after it.
    """
    resource = deployment.node.default_child
    assert isinstance(resource, CfnResource)
    # Evaluated when the template is written, so that it sees what other code and aspects add after this construct.
    resource.add_override("DependsOn", Lazy.any(_EverythingElse(Stack.of(deployment))))
    # DependsOn must not name what may not exist; a reference under the same condition makes the deployment wait for it all the same.
    conditional = Lazy.any(_Conditional(Stack.of(deployment)), omit_empty_array=True)
    resource.add_property_override("After", conditional)


@jsii.implements(IStableAnyProducer)
class _EverythingElse:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def produce(self) -> list[str]:
        stack = self._stack
        resources = [
            found
            for found in stack.node.find_all()
            if _is_written(found, stack) and found.cfn_options.condition is None
        ]
        # One call for all: each crosses into Node.
        names, properties = stack.resolve([[r.logical_id for r in resources], [r._cfn_properties for r in resources]])
        name_at = {resource.node.path: name for resource, name in zip(resources, names, strict=True)}
        needs = {
            name: {
                *references(fragment),
                *(name_at[r.node.path] for r in resource.obtain_dependencies() if r.node.path in name_at),
            }
            for name, resource, fragment in zip(names, resources, properties, strict=True)
        }
        deployments = {
            name
            for name, resource in zip(names, resources, strict=True)
            if resource.cfn_resource_type == DEPLOYMENT_TYPE
        }
        before = {*names} - _after(deployments, needs)
        # Those that no other waits for; the rest comes before them. What a release changes is named besides: the way to it may lead through
        # resources that this update leaves alone, and nothing documents that CloudFormation keeps such an order.
        ends = before - set().union(*(needs[name] - {name} for name in before))
        changing = {name for name, r in zip(names, resources, strict=True) if _changes_with_a_release(r)}
        return sorted(ends | (changing & before))


@jsii.implements(IStableAnyProducer)
class _Conditional:
    """References to the resources that exist under a condition only, each under its own."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def produce(self) -> list[object]:
        return [
            Fn.condition_if(condition.logical_id, resource.ref, Aws.NO_VALUE)
            for resource in self._stack.node.find_all()
            if _is_written(resource, self._stack)
            and (condition := resource.cfn_options.condition) is not None
            # What the CDK counts its users with.
            and resource.cfn_resource_type != "AWS::CDK::Metadata"
        ]


def _is_written(construct: IConstruct, stack: Stack) -> TypeGuard[CfnResource]:
    """Whether it is a resource of this very template; an IAM policy without statements, for one, is left out."""
    return (
        isinstance(construct, CfnResource)
        and construct.stack.node.path == stack.node.path
        and construct._should_synthesize()
    )


def _changes_with_a_release(resource: CfnResource) -> bool:
    kind = resource.cfn_resource_type
    return kind.startswith("Custom::") or kind in (
        "AWS::CloudFormation::CustomResource",
        "AWS::ECS::TaskDefinition",
    )


def _after(deployments: set[str], needs: Mapping[str, set[str]]) -> set[str]:
    """The deployments, and all that needs one of them, directly or through others."""
    after: set[str] = set()
    found = deployments
    while found:
        after |= found
        found = {logical_id for logical_id, needed in needs.items() if needed & after} - after
    return after
