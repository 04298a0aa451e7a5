"""What a rehearsal will do, as pure data, read from two cloud assemblies: blue's, which serves, and green's, which is deployed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from seachange.assembly import Assembly, Resource, canonical, referenced
from seachange.evaluation import Alarm
from seachange.rehearsal.alarms import read_alarm
from seachange.rehearsal.errors import PlanError
from seachange_deployments.deploy import alarms_for

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
        secret_templates: Property that names a secret of the template → what the secret is generated from.
    """

    label: str
    properties: Mapping[str, Any]
    on_event: str
    is_complete: str
    directory: Path
    environment: Mapping[str, Any]
    timeout_s: float
    secret_templates: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release of the service."""

    container_port: int
    environment: Mapping[str, Any]
    tasks: int
    migration: Migration


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One deployment.

    Attributes:
        steps: The traffic shift, in order; the last one is at 100 percent.
        bake_s: How long blue waits, with alarms watching, after traffic has shifted.
        alarms: Every alarm of the deployment group.
        colours: Logical id of a target group → `blue` for the one that serves, `green` for the other.
        decisive: The names of the alarms that may stop this deployment: those of its direction.
        rolls_back_on_alarm: Whether the deployment group rolls back when an alarm fires.
    """

    blue: Release
    green: Release
    steps: tuple[Step, ...]
    bake_s: float
    health: HealthCheck
    deregistration_delay_s: float
    production_port: int
    test_port: int
    alarms: tuple[Alarm, ...]
    decisive: frozenset[str]
    colours: Mapping[str, str]
    rolls_back_on_alarm: bool

    @classmethod
    def read(cls, blue: Assembly, green: Assembly) -> Self:
        """Reads the plan; PlanError when the assemblies hold no blue/green deployment that can be rehearsed."""
        group = green.one("AWS::CodeDeploy::DeploymentGroup")
        pair = _first(_first(group.properties, "LoadBalancerInfo"), "TargetGroupPairInfoList")
        blue_group, green_group = (_target_group(green, group, entry) for entry in pair["TargetGroups"])
        production, test = (_listener(green, group, pair, route) for route in ("ProdTrafficRoute", "TestTrafficRoute"))
        alarms = [
            green.target(entry["Name"], of=group)
            for entry in group.properties.get("AlarmConfiguration", {}).get("Alarms", [])
        ]
        rollback = group.properties.get("AutoRollbackConfiguration", {})
        ends_blue = group.properties["BlueGreenDeploymentConfiguration"]["TerminateBlueInstancesOnDeploymentSuccess"]
        return cls(
            blue=_release(blue),
            green=_release(green),
            steps=_steps(green, group),
            bake_s=60.0 * ends_blue.get("TerminationWaitTimeInMinutes", 0),
            health=_health(blue_group),
            deregistration_delay_s=_deregistration_delay(blue_group),
            production_port=production.properties["Port"],
            test_port=test.properties["Port"],
            alarms=tuple(read_alarm(alarm) for alarm in alarms if alarm is not None),
            decisive=_decisive(green.one("Custom::SeaChangeDeployment").properties),
            colours={blue_group.logical_id: "blue", green_group.logical_id: "green"},
            rolls_back_on_alarm=bool(rollback.get("Enabled"))
            and "DEPLOYMENT_STOP_ON_ALARM" in rollback.get("Events", []),
        )

    @property
    def shift_s(self) -> float:
        """Seconds of the plan's clock from the first step to 100 percent."""
        return self.steps[-1].at_s


def traffic_steps(routing: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps of a TrafficRoutingConfig: the first increment at once, then one per interval (CodeDeploy user guide, deployment configurations)."""
    match routing:
        case {"Type": "AllAtOnce"}:
            return (Step(at_s=0.0, green_weight=100),)
        case {"Type": "TimeBasedCanary", "TimeBasedCanary": {"CanaryPercentage": percent, "CanaryInterval": minutes}}:
            return (Step(at_s=0.0, green_weight=int(percent)), Step(at_s=60.0 * minutes, green_weight=100))
        case {"Type": "TimeBasedLinear", "TimeBasedLinear": {"LinearPercentage": percent, "LinearInterval": minutes}}:
            count = -(-100 // int(percent))
            return tuple(
                Step(at_s=60.0 * minutes * index, green_weight=min(100, int(percent) * (index + 1)))
                for index in range(count)
            )
    raise PlanError(
        f"the deployment configuration's TrafficRoutingConfig is none of AllAtOnce, TimeBasedCanary, TimeBasedLinear: {dict(routing)}"
    )


def _decisive(deployment: Mapping[str, Any]) -> frozenset[str]:
    """The alarms that the deployment resource would pass to CodeDeploy while the blue group serves."""
    texts = {
        key: [canonical(item) for item in value] if isinstance(value, list) else canonical(value)
        for key, value in deployment.items()
    }
    chosen = alarms_for(texts, canonical(deployment["BlueTargetGroup"]))
    return frozenset(referenced(json.loads(name)) or str(json.loads(name)) for name in chosen)


def _steps(assembly: Assembly, group: Resource) -> tuple[Step, ...]:
    config = assembly.target(group.properties["DeploymentConfigName"], of=group)
    if config is None:
        raise PlanError(
            f"{group.label}: its deployment configuration is not in the template; use TrafficShift, which puts it there"
        )
    return traffic_steps(config.properties["TrafficRoutingConfig"])


def _release(assembly: Assembly) -> Release:
    service = assembly.one("AWS::ECS::Service")
    task = assembly.target(assembly.one("Custom::SeaChangeDeployment").properties["TaskDefinition"], of=service)
    if task is None:
        raise PlanError(f"{service.label}: its task definition is not in the template")
    balanced = service.properties["LoadBalancers"][0]
    container = next(
        item for item in task.properties["ContainerDefinitions"] if item["Name"] == balanced["ContainerName"]
    )
    return Release(
        container_port=int(balanced["ContainerPort"]),
        environment={item["Name"]: item["Value"] for item in container.get("Environment", [])},
        tasks=int(service.properties.get("DesiredCount", 1)),
        migration=_migration(assembly),
    )


def _migration(assembly: Assembly) -> Migration:
    resource = assembly.one("Custom::SeaChangeMigrations")
    provider = assembly.target(resource.properties["ServiceToken"], of=resource)
    variables = provider.properties.get("Environment", {}).get("Variables", {}) if provider else {}
    on_event, is_complete = (
        assembly.target(variables.get(name), of=resource)
        for name in ("USER_ON_EVENT_FUNCTION_ARN", "USER_IS_COMPLETE_FUNCTION_ARN")
    )
    if on_event is None or is_complete is None:
        raise PlanError(f"{resource.label}: its Lambda functions cannot be found behind the provider")
    return Migration(
        label=resource.label,
        properties=resource.properties,
        on_event=on_event.properties["Handler"],
        is_complete=is_complete.properties["Handler"],
        directory=assembly.asset(is_complete),
        environment=is_complete.properties.get("Environment", {}).get("Variables", {}),
        timeout_s=float(is_complete.properties.get("Timeout", 3)),
        secret_templates={
            key: secret.properties.get("GenerateSecretString", {}).get("SecretStringTemplate")
            for key, value in resource.properties.items()
            if (secret := assembly.target(value, of=resource)) and secret.type == "AWS::SecretsManager::Secret"
        },
    )


def _target_group(assembly: Assembly, group: Resource, entry: Mapping[str, Any]) -> Resource:
    found = assembly.target(entry["Name"], of=group)
    if found is None:
        raise PlanError(
            f"{group.label}: target group {entry['Name']} is not in the template; only groups of the assembly can be rehearsed"
        )
    return found


def _listener(assembly: Assembly, group: Resource, pair: Mapping[str, Any], route: str) -> Resource:
    arns = pair.get(route, {}).get("ListenerArns", [])
    found = assembly.target(arns[0], of=group) if arns else None
    if found is None:
        raise PlanError(f"{group.label}: {route} names no listener of the template")
    return found


def _health(group: Resource) -> HealthCheck:
    properties = group.properties
    return HealthCheck(
        path=properties.get("HealthCheckPath", "/"),
        interval_s=float(properties.get("HealthCheckIntervalSeconds", 30)),
        timeout_s=float(properties.get("HealthCheckTimeoutSeconds", 5)),
        healthy=int(properties.get("HealthyThresholdCount", 5)),
        unhealthy=int(properties.get("UnhealthyThresholdCount", 2)),
        codes=str(properties.get("Matcher", {}).get("HttpCode", "200")),
    )


def _deregistration_delay(group: Resource) -> float:
    attributes = {item["Key"]: item["Value"] for item in group.properties.get("TargetGroupAttributes", [])}
    return float(attributes.get("deregistration_delay.timeout_seconds", 300))


def _first(properties: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found: Any = properties.get(key)
    first: Mapping[str, Any] = found[0] if isinstance(found, list) else found
    if not first:
        raise PlanError(f"the deployment group has no {key}; it is not a blue/green deployment behind a load balancer")
    return first
