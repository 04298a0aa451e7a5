"""What must hold before a deployment may start."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from seachange_deployments import observe
from seachange_deployments.errors import AlarmsFiringError, InvalidInputError, ServiceNotReadyError
from seachange_deployments.observe import Clients

_REQUIRED = (
    "Application",
    "BlueTargetGroup",
    "Cluster",
    "ContainerName",
    "ContainerPort",
    "DeploymentGroup",
    "GreenTargetGroup",
    "Service",
    "TaskDefinition",
)


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What takes production traffic now: the PRIMARY task set's task definition and target group, both ARNs."""

    task_definition: str
    target_group: str


def complete(properties: Mapping[str, Any]) -> None:
    """Refuses resource properties that lack something, naming it."""
    if missing := [name for name in _REQUIRED if not properties.get(name)]:
        raise InvalidInputError(
            f"The deployment resource lacks {', '.join(missing)}: give each of them in its properties."
        )


def serving(clients: Clients, properties: Mapping[str, Any]) -> Serving:
    """What serves now, from a service that CodeDeploy can deploy to.

    Raises ServiceNotReadyError if the service is missing, inactive, under another deployment controller, or serves from
    a target group that is neither blue nor green.
    """
    name = properties["Service"]
    service = observe.service(clients, properties)
    if service is None or service.get("status") != "ACTIVE":
        state = service.get("status", "unknown") if service else "missing"
        raise ServiceNotReadyError(
            f"ECS service {name} is {state} in cluster {properties['Cluster']}: create it again first."
        )
    controller = service.get("deploymentController", {}).get("type", "ECS")
    if controller != "CODE_DEPLOY":
        raise ServiceNotReadyError(
            f"ECS service {name} has deployment controller {controller}, not CODE_DEPLOY, and ECS cannot change it in "
            "place: make a new service under a new construct id."
        )
    for task_set in service.get("taskSets", []):
        if task_set.get("status") != "PRIMARY":
            continue
        for load_balancer in task_set.get("loadBalancers", []):
            group = load_balancer.get("targetGroupArn", "")
            if group in (properties["BlueTargetGroup"], properties["GreenTargetGroup"]):
                return Serving(task_definition=task_set["taskDefinition"], target_group=group)
    raise ServiceNotReadyError(
        f"ECS service {name} has no PRIMARY task set in the blue or the green target group, so which of them serves is "
        "unknown: look at its task sets and at the listener's target groups."
    )


def alarms_are_silent(clients: Clients, alarms: Iterable[str], what: str) -> None:
    """Refuses `what` (for example "Starting app:2") while one of these alarms is in ALARM."""
    if firing := observe.firing(clients, alarms):
        raise AlarmsFiringError(what, firing)
