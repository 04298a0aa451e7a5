"""Reads the plan of a deployment from two cloud assemblies: blue's, which serves, and green's, which is deployed."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from seachange.assembly import Assembly, Resource, canonical, referenced
from seachange.plan.alarms import read_alarms
from seachange.plan.errors import PlanError
from seachange.plan.hooks import read_hooks
from seachange.plan.listener import read_listener
from seachange.plan.model import HealthCheck, Migration, Plan, Release, Shift, Step
from seachange_deployments.deploy import alarms_for

# Both as AWS documents them: `Release.stop_timeout_s`.
_STOP_TIMEOUT_S = 30.0
_MOST_STOP_TIMEOUT_S = 120.0


def read_plan(blue: Assembly, green: Assembly) -> Plan:
    """The plan; PlanError when the assemblies hold no blue/green deployment that can be rehearsed."""
    with _readable(blue, green):
        return _read_plan(blue, green)


def _read_plan(blue: Assembly, green: Assembly) -> Plan:
    group = green.one("AWS::CodeDeploy::DeploymentGroup")
    deployment = green.one("Custom::SeaChangeDeployment")
    smoke, hooks = read_hooks(green, deployment)
    pair = _pair(group)
    blue_group, green_group = _target_groups(green, group)
    production, test = (_listener(green, group, pair, route) for route in ("ProdTrafficRoute", "TestTrafficRoute"))
    return Plan(
        blue=_release(blue),
        green=_release(green),
        shift=_read_shift(green),
        health=_health(blue_group),
        deregistration_delay_s=_deregistration_delay(blue_group),
        production_port=int(_number(production, "Port")),
        test_port=int(_number(test, "Port")),
        listener=read_listener(green, production, {blue_group.logical_id: "blue", green_group.logical_id: "green"}),
        smoke=smoke,
        hooks=hooks,
    )


def read_shift(assembly: Assembly) -> Shift:
    """How the release of an assembly gets its traffic; PlanError when the assembly holds no blue/green deployment."""
    with _readable(assembly):
        return _read_shift(assembly)


@contextmanager
def _readable(*assemblies: Assembly) -> Iterator[None]:
    """Whatever a template lacks, or says in a way that is not known here, is one line."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError, ZeroDivisionError) as error:
        names = " and ".join(str(assembly.directory) for assembly in assemblies)
        raise PlanError(
            f"the deployment in {names} cannot be read ({type(error).__name__}: {error}); what a rehearsal needs must stand in the template as "
            "CloudFormation documents it, and not be known only on AWS"
        ) from error


def _read_shift(assembly: Assembly) -> Shift:
    group = assembly.one("AWS::CodeDeploy::DeploymentGroup")
    deployment = assembly.one("Custom::SeaChangeDeployment")
    blue_group, green_group = _target_groups(assembly, group)
    alarms = read_alarms(assembly, deployment)
    rollback = group.properties.get("AutoRollbackConfiguration", {})
    ends_blue = group.properties["BlueGreenDeploymentConfiguration"]["TerminateBlueInstancesOnDeploymentSuccess"]
    return Shift(
        steps=_steps(assembly, group),
        bake_s=60.0 * _known(group, "TerminationWaitTimeInMinutes", ends_blue.get("TerminationWaitTimeInMinutes", 0)),
        alarms=alarms.single,
        composites=alarms.composites,
        unread_alarms=alarms.unread,
        decisive=_decisive(deployment.properties),
        colours={blue_group.logical_id: "blue", green_group.logical_id: "green"},
        rolls_back_on_alarm=bool(rollback.get("Enabled")) and "DEPLOYMENT_STOP_ON_ALARM" in rollback.get("Events", []),
    )


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
    deployment = assembly.one("Custom::SeaChangeDeployment").properties
    task = assembly.target(deployment["TaskDefinition"], of=service)
    if task is None:
        raise PlanError(f"{service.label}: its task definition is not in the template")
    balanced = service.properties["LoadBalancers"][0]
    container = next(
        item for item in task.properties["ContainerDefinitions"] if item["Name"] == balanced["ContainerName"]
    )
    # The release's own port travels in the deployment, beside the frozen service. A sidecar that takes the traffic is none of our processes.
    takes_traffic = deployment["ContainerName"] == balanced["ContainerName"]
    tasks = int(_number(service, "DesiredCount", 1))
    if not tasks:
        raise PlanError(f"{service.label} wants no task (DesiredCount 0); a rehearsal needs one or more")
    return Release(
        name=str(deployment.get("Release", assembly.directory.name)),
        container_port=int((deployment if takes_traffic else balanced)["ContainerPort"]),
        command=_command(container),
        stop_timeout_s=_stop_timeout_s(task, container),
        sidecar=None if takes_traffic else str(deployment["ContainerName"]),
        environment={item["Name"]: item["Value"] for item in container.get("Environment", [])},
        secrets=tuple(item["Name"] for item in container.get("Secrets", [])),
        tasks=tasks,
        migration=_migration(assembly),
    )


def _command(container: Mapping[str, Any]) -> tuple[str, ...]:
    """Entry point and command, where both that are given are literal."""
    words = [*container.get("EntryPoint", []), *container.get("Command", [])]
    return tuple(words) if all(isinstance(word, str) for word in words) else ()


def _stop_timeout_s(task: Resource, container: Mapping[str, Any]) -> float:
    seconds = _known(task, "StopTimeout", container.get("StopTimeout", _STOP_TIMEOUT_S))
    if seconds > _MOST_STOP_TIMEOUT_S and "FARGATE" in task.properties.get("RequiresCompatibilities", []):
        raise PlanError(
            f"{task.label}: the StopTimeout of container {container['Name']} is {seconds:g} s, and Fargate takes at most "
            f"{_MOST_STOP_TIMEOUT_S:g} s; give it no more"
        )
    return seconds


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
        limit_s=_number(resource, "ServiceTimeout", 3600),
        secret_templates={
            key: secret.properties.get("GenerateSecretString", {}).get("SecretStringTemplate")
            for key, value in resource.properties.items()
            if (secret := assembly.target(value, of=resource)) and secret.type == "AWS::SecretsManager::Secret"
        },
    )


def _pair(group: Resource) -> Mapping[str, Any]:
    return _first(_first(group.properties, "LoadBalancerInfo"), "TargetGroupPairInfoList")


def _target_groups(assembly: Assembly, group: Resource) -> tuple[Resource, Resource]:
    """The group that serves and the other one."""
    blue, green = (_target_group(assembly, group, entry) for entry in _pair(group)["TargetGroups"])
    return blue, green


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
        interval_s=_number(group, "HealthCheckIntervalSeconds", 30),
        timeout_s=_number(group, "HealthCheckTimeoutSeconds", 5),
        healthy=int(_number(group, "HealthyThresholdCount", 5)),
        unhealthy=int(_number(group, "UnhealthyThresholdCount", 2)),
        codes=str(properties.get("Matcher", {}).get("HttpCode", "200")),
    )


def _deregistration_delay(group: Resource) -> float:
    attributes = {item["Key"]: item["Value"] for item in group.properties.get("TargetGroupAttributes", [])}
    name = "deregistration_delay.timeout_seconds"
    return _known(group, name, attributes.get(name, 300))


def _number(resource: Resource, key: str, default: float | None = None) -> float:
    """A number of the template; the default where it has none."""
    return _known(resource, key, resource.properties.get(key, default))


def _known(resource: Resource, key: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise PlanError(
            f"{resource.label}: its {key} must be a number in the template; it is {canonical(value)}"
        ) from error


def _first(properties: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found: Any = properties.get(key)
    first: Mapping[str, Any] = found[0] if isinstance(found, list) else found
    if not first:
        raise PlanError(f"the deployment group has no {key}; it is not a blue/green deployment behind a load balancer")
    return first
