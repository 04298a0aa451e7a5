"""What must hold before a deployment may start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seachange_deployments import observe, release
from seachange_deployments.errors import InvalidInputError, RefusedError, ServiceNotReadyError
from seachange_deployments.observe import Clients
from seachange_deployments.release import Release

# The type of the resource that watches a service's first tasks; the other type is the deployment's.
FIRST_TASKS = "Custom::SeaChangeFirstTasks"
_FIRST_TASKS_NEED = ("Cluster", "ContainerName", "ServiceName")
_DEPLOYMENT_NEEDS = (
    "Application",
    "BlueTargetGroup",
    "Cluster",
    "ContainerName",
    "ContainerPort",
    "DeploymentGroup",
    "GreenTargetGroup",
    "ProductionListener",
    "Service",
    "TaskDefinition",
)
_COMPLETE_WHEN = ("shifted", "ended", "started")


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What takes production traffic now: the PRIMARY task set's release and the ARN of its target group."""

    release: Release
    target_group: str


def complete(resource_type: str, properties: Mapping[str, Any]) -> None:
    """Refuses resource properties that lack something or cannot be, naming it."""
    needed = _FIRST_TASKS_NEED if resource_type == FIRST_TASKS else _DEPLOYMENT_NEEDS
    if missing := [name for name in needed if not properties.get(name)]:
        raise InvalidInputError(
            f"The deployment resource lacks {', '.join(missing)}: give each of them in its properties."
        )
    when = properties.get("CompleteWhen") or "shifted"
    if when not in _COMPLETE_WHEN:
        raise InvalidInputError(f"CompleteWhen is {when!r}: give one of {', '.join(_COMPLETE_WHEN)}.")


def serving(clients: Clients, properties: Mapping[str, Any]) -> Serving:
    """What serves now, from a service that CodeDeploy can deploy to.

    Raises ServiceNotReadyError if the service is missing, inactive, under another deployment controller, or serves from
    a target group that is neither blue nor green.
    """
    name = properties["Service"]
    service = observe.service(clients, properties["Cluster"], name)
    if service is None or service.get("status") != "ACTIVE":
        state = service.get("status", "unknown") if service else "missing"
        raise ServiceNotReadyError(
            f"ECS service {name} is {state} in cluster {properties['Cluster']}: create it again first."
        )
    controller = service.get("deploymentController", {}).get("type", "ECS")
    if controller != "CODE_DEPLOY":
        raise ServiceNotReadyError(
            f"ECS service {name} has deployment controller {controller}, not CODE_DEPLOY, and ECS cannot change it in "
            "place: make a new service under a new construct id and a new service_name."
        )
    primary = observe.primary(service)
    for load_balancer in primary.get("loadBalancers", []) if primary else []:
        group = load_balancer.get("targetGroupArn", "")
        if primary and group in (properties["BlueTargetGroup"], properties["GreenTargetGroup"]):
            return Serving(release=release.of_task_set(primary), target_group=group)
    raise ServiceNotReadyError(
        f"ECS service {name} has no PRIMARY task set in the blue or the green target group, so which of them serves is "
        "unknown: look at its task sets and at the listener's target groups."
    )


def no_traffic_is_left(clients: Clients, properties: Mapping[str, Any], serving: Serving, wanted: str) -> None:
    """Refuses to start `wanted` beside traffic that a deployment, stopped without rollback, left on the group it needs.

    CodeDeploy may end those tasks before it moves their traffic.
    """
    groups = {properties["BlueTargetGroup"], properties["GreenTargetGroup"]}
    shares = observe.traffic_shares(clients, properties["ProductionListener"])
    for group in groups - {serving.target_group}:
        if percent := shares.get(group):
            raise RefusedError(
                f"Starting {wanted} is refused: {percent:g} % of the traffic goes to {_name(group)}, where it has to start, beside "
                f"{_name(serving.target_group)}, which serves. A deployment that ended without rollback leaves it so. Deploy "
                f"{serving.release.name} in CodeDeploy by hand, which takes all traffic back, or give that group weight 0 on the "
                "production listener; then deploy again."
            )


def _name(target_group: str) -> str:
    return f"target group {target_group.split('/')[1]}"
