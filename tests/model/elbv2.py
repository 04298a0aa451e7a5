"""The load balancer's production listener, as far as its weights go."""

from typing import TYPE_CHECKING, Any

from tests.model.names import LISTENER

if TYPE_CHECKING:
    from tests.model.world import World


class Elbv2:
    """One listener with a default action alone."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def describe_listeners(self, *, ListenerArns: list[str], **_: Any) -> dict[str, Any]:
        assert ListenerArns == [LISTENER]
        weights = self._world.ecs.weights.items()
        groups = [{"TargetGroupArn": group, "Weight": weight} for group, weight in weights]
        action = {"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": groups}}
        return {"Listeners": [{"ListenerArn": LISTENER, "DefaultActions": [action]}]}
