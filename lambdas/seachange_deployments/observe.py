"""Reads what AWS says about a service, its deployment group and its deployments; changes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seachange_deployments.app_spec import release_in
from seachange_deployments.release import Release

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_codedeploy.type_defs import DeploymentGroupInfoTypeDef, ECSTargetTypeDef
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import ServiceTypeDef, TaskSetTypeDef
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_logs import CloudWatchLogsClient

_ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
_ALARMS_AT_ONCE = 100  # DescribeAlarms takes and answers no more


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The AWS services that a deployment needs."""

    codedeploy: "CodeDeployClient"
    ecs: "ECSClient"
    cloudformation: "CloudFormationClient"
    cloudwatch: "CloudWatchClient"
    elbv2: "ElasticLoadBalancingv2Client"
    logs: "CloudWatchLogsClient"

    @classmethod
    def connect(cls) -> "Clients":
        """Clients for the Lambda's own region and role, retrying throttled and lost calls a few times."""
        # Imported here: the rehearsal reads this package's rules and needs no AWS, and boto3 takes half a second.
        import boto3
        from botocore.config import Config

        # A call that hangs gives up after a minute, retries included, within the Lambda's two.
        config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})
        return cls(
            codedeploy=boto3.client("codedeploy", config=config),
            ecs=boto3.client("ecs", config=config),
            cloudformation=boto3.client("cloudformation", config=config),
            cloudwatch=boto3.client("cloudwatch", config=config),
            elbv2=boto3.client("elbv2", config=config),
            logs=boto3.client("logs", config=config),
        )


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One CodeDeploy deployment, as far as it matters here.

    `release` names no task definition when its AppSpec lies elsewhere (S3) or names none by ARN. Times are in seconds
    since 1970; `ended` falls back to the creation while CodeDeploy states no end. `rolls_back` is the deployment that
    this one undoes.
    """

    id: str
    status: str
    release: Release
    description: str = ""
    created: float = 0.0
    ended: float = 0.0
    error: str | None = None
    alarms: tuple[str, ...] = ()
    rolled_back_by: str | None = None
    rolls_back: str | None = None

    @property
    def active(self) -> bool:
        """Whether CodeDeploy still works on it, the bake included."""
        return self.status not in _ENDED

    @property
    def name(self) -> str:
        """Id and release, for messages."""
        return f"{self.id} of {self.release.name}"


@dataclass(frozen=True)
class LifecycleEvent:
    """One step of a deployment, for example Install or AllowTraffic."""

    name: str
    status: str
    problem: str = ""


def stack_status(clients: Clients, stack_id: str) -> str:
    """What CloudFormation does to this stack, or did last."""
    return clients.cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]


def service(clients: Clients, cluster: str, name: str) -> "ServiceTypeDef | None":
    """The ECS service with this name or ARN, or None if there is none."""
    found = clients.ecs.describe_services(cluster=cluster, services=[name])["services"]
    return found[0] if found else None


def primary(service: "ServiceTypeDef | None") -> "TaskSetTypeDef | None":
    """The task set that takes production traffic."""
    task_sets = service.get("taskSets", []) if service else []
    return next((one for one in task_sets if one.get("status") == "PRIMARY"), None)


def group(clients: Clients, properties: Mapping[str, Any]) -> "DeploymentGroupInfoTypeDef":
    """The CodeDeploy deployment group."""
    return clients.codedeploy.get_deployment_group(
        applicationName=properties["Application"], deploymentGroupName=properties["DeploymentGroup"]
    )["deploymentGroupInfo"]


def last_deployment(clients: Clients, of: "DeploymentGroupInfoTypeDef") -> Deployment | None:
    """The deployment tried last in a group, CodeDeploy's own rollbacks included: the active one if any, as a group runs one at a time."""
    attempted = of.get("lastAttemptedDeployment", {}).get("deploymentId")
    if not attempted:
        return None
    last = deployment(clients, attempted)
    # Whether a rollback counts as an attempt is not documented.
    return deployment(clients, last.rolled_back_by) if last.rolled_back_by else last


def deployment(clients: Clients, deployment_id: str) -> Deployment:
    """One deployment by its id.

    GetDeployment never answers with an AppSpec's content, only with its SHA-256; GetApplicationRevision has the content
    (https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeployment.html).
    """
    info = clients.codedeploy.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
    revision = info.get("revision", {})
    release = Release(task_definition=None)
    if revision.get("revisionType") == "AppSpecContent":
        sha256 = revision["appSpecContent"]["sha256"]
        answer = clients.codedeploy.get_application_revision(
            applicationName=info["applicationName"],
            revision={"revisionType": "AppSpecContent", "appSpecContent": {"sha256": sha256}},
        )
        release = release_in(answer["revision"].get("appSpecContent", {}).get("content", ""))
    error, rollback = info.get("errorInformation"), info.get("rollbackInfo", {})
    created = info.get("createTime")
    ended = info.get("completeTime") or created
    return Deployment(
        id=deployment_id,
        status=info["status"],
        release=release,
        description=info.get("description", ""),
        created=created.timestamp() if created else 0.0,
        ended=ended.timestamp() if ended else 0.0,
        error=f"{error.get('code', 'no code')}: {error.get('message', 'no message')}" if error else None,
        alarms=tuple(alarm["name"] for alarm in info.get("overrideAlarmConfiguration", {}).get("alarms", [])),
        rolled_back_by=rollback.get("rollbackDeploymentId"),
        rolls_back=rollback.get("rollbackTriggeringDeploymentId"),
    )


def lifecycle(clients: Clients, deployment_id: str) -> list[LifecycleEvent]:
    """The deployment's lifecycle events so far; none before it has started."""
    return [
        LifecycleEvent(event["lifecycleEventName"], event["status"], event.get("diagnostics", {}).get("message", ""))
        for target in _targets(clients, deployment_id)
        for event in target.get("lifecycleEvents", [])
    ]


def traffic_shares(clients: Clients, listener: str) -> dict[str, float]:
    """Which part of a listener's traffic goes to which target group, in percent; by the groups' ARNs."""
    [found] = clients.elbv2.describe_listeners(ListenerArns=[listener])["Listeners"]
    weights: dict[str, int] = {}
    for action in found.get("DefaultActions", []):
        groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
        weights |= {group.get("TargetGroupArn", ""): group.get("Weight", 1) for group in groups}
        if not groups and "TargetGroupArn" in action:
            weights[action["TargetGroupArn"]] = 1
    total = sum(weights.values())
    return {group: 100 * weight / total for group, weight in weights.items() if weight}


def _targets(clients: Clients, deployment_id: str) -> "list[ECSTargetTypeDef]":
    codedeploy = clients.codedeploy
    try:
        targets = codedeploy.list_deployment_targets(deploymentId=deployment_id)["targetIds"]
        if not targets:
            return []
        found = codedeploy.batch_get_deployment_targets(deploymentId=deployment_id, targetIds=targets)
    except codedeploy.exceptions.DeploymentNotStartedException:
        return []
    return [target["ecsTarget"] for target in found["deploymentTargets"] if "ecsTarget" in target]


def traffic_has_shifted(events: Iterable[LifecycleEvent]) -> bool:
    """Whether all production traffic goes to the new tasks and nothing but the bake is left to do.

    A deployment's own status becomes Succeeded only when the old tasks have ended, after the bake.
    """
    statuses = {event.name: event.status for event in events}
    return statuses.get("AllowTraffic") == "Succeeded" and statuses.get("AfterAllowTraffic", "Skipped") in (
        "Succeeded",
        "Skipped",
    )


def firing(clients: Clients, alarms: Iterable[str]) -> dict[str, str]:
    """Which of these alarms are in ALARM: name → a sentence with the reason."""
    names = sorted(set(alarms))
    found: dict[str, str] = {}
    for start in range(0, len(names), _ALARMS_AT_ONCE):
        answer = clients.cloudwatch.describe_alarms(
            AlarmNames=names[start : start + _ALARMS_AT_ONCE],
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            StateValue="ALARM",
            MaxRecords=_ALARMS_AT_ONCE,
        )
        for alarm in [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]:
            name = alarm["AlarmName"]
            found[name] = f"alarm {name} fires ({alarm.get('StateReason', 'no reason given')})"
    return found
