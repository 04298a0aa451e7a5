"""What the checks share that change the template around a frozen service: one update, and what happened to the service in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.aws_acceptance.check import Finding, confirmed, refuted, unknown
from tools.aws_acceptance.stage import Stage

SERVICE = "AWS::ECS::Service"


@dataclass(frozen=True, kw_only=True)
class Update:
    """One update of the plain stack."""

    status: str
    events: list[dict[str, Any]]

    @property
    def of_service(self) -> list[dict[str, Any]]:
        """The service's events in it."""
        return [event for event in self.events if event["ResourceType"] == SERVICE]

    def __str__(self) -> str:
        what = [f"{e['ResourceStatus']} {e.get('ResourceStatusReason', '')}".strip() for e in self.of_service]
        return f"stack {self.status}; service: {'; '.join(what) or 'no event'}"


def update(stage: Stage, *, change: str | None = None, tags: Mapping[str, str] | None = None) -> Update:
    """Deploys the plain stack with one change and waits."""
    stack = stage.names.plain
    stage.need(stack)
    last = stage.last_event(stack)
    context = {} if change is None else {"change": change}
    stage.deploy(stack, tags=tags, release=_release(stage), **context)
    return Update(status=stage.status(stack), events=stage.events_after(stack, last))


def touches_the_service(seen: Update) -> Finding:
    """Confirmed when CloudFormation updated the service."""
    if not seen.events:
        return unknown("CloudFormation did not update the stack")
    return confirmed(str(seen)) if seen.of_service else refuted(str(seen))


def _release(stage: Stage) -> str:
    """The release in the template, so that nothing but the change differs."""
    return stage.outputs(stage.names.plain).get("Release", "v1")
