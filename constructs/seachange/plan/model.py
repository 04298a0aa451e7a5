"""What a rehearsal will do, as pure data; `template` reads it from two cloud assemblies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seachange.evaluation import Alarm, Composite
from seachange.plan.routing import Listener
from seachange_deployments.steps import Step as SmokeStep

COLOURS = ("blue", "green")


@dataclass(frozen=True, kw_only=True)
class Step:
    """From `at_s` seconds of the plan's clock on, green gets `green_weight` percent."""

    at_s: float
    green_weight: int


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A target group's health check; times in seconds."""

    path: str
    interval_s: float
    timeout_s: float
    healthy: int
    unhealthy: int
    codes: str


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One migration resource: its properties as the template has them, and the Lambda functions behind it.

    Attributes:
        directory: The Lambda's code.
        timeout_s: The Lambda's timeout in seconds.
        limit_s: How long CloudFormation waits for the resource, in seconds.
        secret_templates: Property that names a secret of the template → what the secret is generated from.
    """

    label: str
    properties: Mapping[str, Any]
    on_event: str
    is_complete: str
    directory: Path
    environment: Mapping[str, Any]
    timeout_s: float
    limit_s: float
    secret_templates: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release of the service.

    Attributes:
        name: What the deployment calls it.
        container_port: Where the application listens.
        command: The container's entry point and command where the template gives them; empty for the image's own.
        stop_timeout_s: Seconds that ECS waits between SIGTERM and SIGKILL; 30 by default, and on Fargate at most 120 (`stopTimeout` in
            https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html).
        sidecar: The container that takes the traffic in the application's place; None for the application itself.
        environment: The container's variables as the template has them.
        secrets: The names of the variables that ECS would fill from a secret or parameter.
    """

    name: str
    container_port: int
    command: tuple[str, ...]
    stop_timeout_s: float
    sidecar: str | None
    environment: Mapping[str, Any]
    secrets: tuple[str, ...]
    tasks: int
    migration: Migration


@dataclass(frozen=True, kw_only=True)
class Smoke:
    """The smoke test that the deployment's hook runs.

    Attributes:
        host: The domain that it asks for; None when it sends an address, or a name that only AWS knows.
        limit_s: Seconds for all steps.
    """

    steps: tuple[SmokeStep, ...]
    host: str | None
    limit_s: float


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How traffic moves from blue to green, and what watches it.

    Attributes:
        engine: Who shifts: `CodeDeploy`; the rules of another engine for alarms differ (docs/facts/cloudwatch.md, "Engines").
        steps: The traffic shift, in order; the last one is at 100 percent.
        bake_s: How long blue waits, with alarms watching, after traffic has shifted.
        alarms: Every alarm of the deployment on metrics that can be evaluated here, and those that its composites ask for.
        composites: Its composite alarms, each after those that it asks for.
        unread_alarms: The others, each with the reason.
        colours: Logical id of a target group → `blue` for the one that serves, `green` for the other.
        decisive: The names of the alarms that may stop this deployment: those of its direction.
        rolls_back_on_alarm: Whether the deployment group rolls back when an alarm fires.
    """

    engine: str = "CodeDeploy"
    steps: tuple[Step, ...]
    bake_s: float
    alarms: tuple[Alarm, ...]
    composites: tuple[Composite, ...] = ()
    unread_alarms: tuple[str, ...]
    decisive: frozenset[str]
    colours: Mapping[str, str]
    rolls_back_on_alarm: bool

    @property
    def duration_s(self) -> float:
        """Seconds of the plan's clock from the first step to 100 percent."""
        return self.steps[-1].at_s


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One deployment.

    Attributes:
        listener: The production listener: its actions, and how the load balancer treats connections.
        smoke: None for a release without a smoke test.
        hooks: The deployment's other hooks, each with its lifecycle event and function.
    """

    blue: Release
    green: Release
    shift: Shift
    health: HealthCheck
    deregistration_delay_s: float
    production_port: int
    test_port: int
    listener: Listener
    smoke: Smoke | None = None
    hooks: tuple[str, ...] = ()
