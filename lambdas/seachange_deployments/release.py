"""What a release is: all that makes a deployment necessary when it changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

# A platform version that stands for whichever number Fargate runs now: ECS may answer with the number.
_LATEST = "LATEST"


@dataclass(frozen=True, kw_only=True)
class Release:
    """A task definition and how its tasks run.

    `task_definition` is its ARN, None where an AppSpec names none. Any other part that is None is not stated, and then not
    compared. `capacity` holds (provider, base, weight), `container` the container's name and port.
    """

    task_definition: str | None
    container: tuple[str, int] | None = None
    subnets: frozenset[str] | None = None
    security_groups: frozenset[str] | None = None
    public_ip: str | None = None
    platform: str | None = None
    capacity: frozenset[tuple[str, int, int]] | None = None

    @property
    def name(self) -> str:
        """family:revision, for messages."""
        return short(self.task_definition)

    def differences(self, found: "Release") -> list[str]:
        """In what a found release differs from this wanted one, in words; empty if it is the same."""
        return [
            part.name.replace("_", " ")
            for part in fields(self)
            if _differ(part.name, getattr(self, part.name), getattr(found, part.name))
        ]

    def is_same_as(self, found: "Release | None") -> bool:
        """Whether a found release is this wanted one."""
        return found is not None and not self.differences(found)


def short(task_definition: str | None) -> str:
    """family:revision of a task definition's ARN."""
    return task_definition.rsplit("/", 1)[-1] if task_definition else "a release that its AppSpec does not name"


def wanted(properties: Mapping[str, Any]) -> Release:
    """The release in the custom resource's properties."""
    given = properties.get
    return Release(
        task_definition=str(properties["TaskDefinition"]),
        container=(str(properties["ContainerName"]), int(properties["ContainerPort"])),
        subnets=_names(given("Subnets") or None),
        security_groups=_names(given("SecurityGroups") or None),
        public_ip=given("AssignPublicIp") or None,
        platform=given("PlatformVersion") or None,
        capacity=capacity(providers) if (providers := given("CapacityProviders")) else None,
    )


def of_task_set(task_set: Mapping[str, Any]) -> Release:
    """The release that a task set runs; ECS says all but the defaults, so what it leaves out counts as empty."""
    network = task_set.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    container = next(
        (
            (one["containerName"], one["containerPort"])
            for one in task_set.get("loadBalancers", [])
            if "containerName" in one
        ),
        None,
    )
    return Release(
        task_definition=task_set.get("taskDefinition"),
        container=container,
        subnets=_names(network.get("subnets", [])),
        security_groups=_names(network.get("securityGroups", [])),
        public_ip=network.get("assignPublicIp", "DISABLED"),
        platform=task_set.get("platformVersion"),
        capacity=capacity(task_set.get("capacityProviderStrategy", [])),
    )


def capacity(strategy: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, int, int]]:
    """A capacity provider strategy whose keys are capitalized as in an AppSpec or not, as in ECS's answers."""
    items = [{key[0].upper() + key[1:]: value for key, value in item.items()} for item in strategy]
    return frozenset(
        (short(item["CapacityProvider"]), int(item.get("Base") or 0), int(item.get("Weight") or 0)) for item in items
    )


def _names(given: Iterable[str] | None) -> frozenset[str] | None:
    return None if given is None else frozenset(given)


def _differ(part: str, want: Any, have: Any) -> bool:
    if part == "task_definition":
        return bool(have is None or short(want) != short(have))
    if want is None or have is None or (part == "platform" and want == _LATEST):
        return False
    return bool(want != have)
