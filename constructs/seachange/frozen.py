"""What keeps a fragment of the template the same from one release to the next."""

from typing import TypeVar

import jsii
from aws_cdk import Annotations, AspectPriority, Aspects, CfnResource, IAspect, Stack
from constructs import Construct, IConstruct

Frozen = TypeVar("Frozen", bound=Construct)


def without_inherited_tags(construct: Frozen) -> Frozen:
    """Drops the tags of the construct's resource: an app-wide tag that differs between two releases would change a frozen fragment."""
    resource = construct.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_property_deletion_override("Tags")
    return construct


def warn_of_stack_tags(construct: Construct) -> None:
    """Warns when the stack itself is tagged: CloudFormation passes such a tag on to every resource, whatever the template says."""
    Aspects.of(construct).add(_StackTags(construct.node.path), priority=AspectPriority.READONLY)


@jsii.implements(IAspect)
class _StackTags:
    def __init__(self, path: str) -> None:
        self._path = path

    def visit(self, node: IConstruct) -> None:
        if node.node.path == self._path and Stack.of(node).tags.has_tags():
            Annotations.of(node).add_warning_v2(
                "@seachange/service:stackTags",
                "The stack has tags. A change of them makes CloudFormation update the ECS service, which the CODE_DEPLOY controller rejects: "
                "keep them the same for ever, or tag resources only, with the feature flag @aws-cdk/core:explicitStackTags.",
            )
