"""What CloudFormation asked of the custom resource."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seachange_deployments import guards, release
from seachange_deployments.observe import Deployment
from seachange_deployments.release import Release

REQUEST = ", request "
"""Stands before the request's id in the description of a deployment."""
# Below the 50 minutes that the Provider framework polls and the hour that CloudFormation waits: a deployment that
# outlives its resource would meet the stack's rollback.
DEADLINE_S = 45 * 60
# AWS may be unreachable at the deadline itself; a last answer of our own still comes before the framework's, which names no cause.
GIVE_UP_S = 48 * 60


@dataclass(frozen=True, kw_only=True)
class Request:
    """One Create or Update that CloudFormation asked for; `started_at` in seconds since 1970."""

    id: str
    stack_id: str
    properties: Mapping[str, Any]
    started_at: float
    replaced: Mapping[str, Any]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """The request in an event of the Provider framework, refused if a property is missing or no such value exists."""
        guards.complete(event.get("ResourceType", ""), event["ResourceProperties"])
        return cls(
            id=event["RequestId"],
            stack_id=event["StackId"],
            properties=event["ResourceProperties"],
            started_at=float(event["StartedAt"]),
            replaced=event.get("OldResourceProperties") or {},
        )

    @property
    def release(self) -> Release:
        """The release that shall serve."""
        return release.wanted(self.properties)

    @property
    def name(self) -> str:
        """The wanted release for messages: family:revision, and the release's own name if it has one."""
        own = self.properties.get("Release")
        return f"{self.release.name} (release {own})" if own else self.release.name

    @property
    def complete_when(self) -> str:
        """`shifted`, `ended` or `started`."""
        return str(self.properties.get("CompleteWhen") or "shifted")

    def owns(self, deployment: Deployment) -> bool:
        """Whether the outcome of a deployment is this request's: it started it, or it watched its end."""
        return self.release.is_same_as(deployment.release) and (
            self.id in deployment.description or deployment.ended >= self.started_at
        )

    def names_another(self, deployment: Deployment) -> bool:
        """Whether a deployment says that another request started it."""
        return REQUEST in deployment.description and self.id not in deployment.description

    def goes_back(self) -> bool:
        """Whether an earlier revision of the same task definition is wanted than before.

        CloudFormation registers a new revision for every change, so only a stack rollback goes back.
        """
        family, _, revision = self.release.name.rpartition(":")
        before, _, old_revision = release.short(self.replaced.get("TaskDefinition")).rpartition(":")
        return family == before and revision.isdigit() and old_revision.isdigit() and int(revision) < int(old_revision)
