"""Reads what AWS says about a service, its deployment group and its deployments; changes nothing."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_codedeploy.type_defs import DeploymentGroupInfoTypeDef
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import ServiceTypeDef

_ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
# An AppSpec may be JSON (ours) or YAML (somebody's own); the key and the ARN look the same in both.
_TASK_DEFINITION = re.compile(r"""TaskDefinition["']?\s*:\s*["']?(arn:[^\s"',}]+)""")


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The AWS services that a deployment needs."""

    codedeploy: "CodeDeployClient"
    ecs: "ECSClient"
    cloudformation: "CloudFormationClient"
    cloudwatch: "CloudWatchClient"

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
        )


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One CodeDeploy deployment, as far as it matters here.

    `task_definition` is None when its AppSpec lies elsewhere (S3) or names none by ARN; `ended` (seconds since 1970)
    falls back to the creation while CodeDeploy states no end; `rolls_back` is the deployment that this one undoes.
    """

    id: str
    status: str
    task_definition: str | None
    description: str = ""
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
        return f"{self.id} of {short(self.task_definition)}"


@dataclass(frozen=True)
class LifecycleEvent:
    """One step of a deployment, for example Install or AllowTraffic."""

    name: str
    status: str
    problem: str = ""


def short(task_definition: str | None) -> str:
    """family:revision of a task definition's ARN."""
    return task_definition.rsplit("/", 1)[-1] if task_definition else "a release that its AppSpec does not name"


def stack_is_rolling_back(clients: Clients, stack_id: str) -> bool:
    """Whether CloudFormation is undoing this stack's update (any status with ROLLBACK in it)."""
    stacks = clients.cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
    return "ROLLBACK" in stacks[0]["StackStatus"]


def service(clients: Clients, properties: Mapping[str, Any]) -> "ServiceTypeDef | None":
    """The ECS service, or None if there is none."""
    found = clients.ecs.describe_services(cluster=properties["Cluster"], services=[properties["Service"]])["services"]
    return found[0] if found else None


def group(clients: Clients, properties: Mapping[str, Any]) -> "DeploymentGroupInfoTypeDef":
    """The CodeDeploy deployment group."""
    return clients.codedeploy.get_deployment_group(
        applicationName=properties["Application"], deploymentGroupName=properties["DeploymentGroup"]
    )["deploymentGroupInfo"]


def last_deployment(clients: Clients, of: "DeploymentGroupInfoTypeDef") -> Deployment | None:
    """The deployment tried last in a group, and so the active one if any: a group runs one at a time."""
    attempted = of.get("lastAttemptedDeployment", {}).get("deploymentId")
    return deployment(clients, attempted) if attempted else None


def deployment(clients: Clients, deployment_id: str) -> Deployment:
    """One deployment by its id.

    GetDeployment never answers with an AppSpec's content, only with its SHA-256; GetApplicationRevision has the content
    (https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GetDeployment.html).
    """
    info = clients.codedeploy.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
    revision = info.get("revision", {})
    task_definition = None
    if revision.get("revisionType") == "AppSpecContent":
        sha256 = revision["appSpecContent"]["sha256"]
        answer = clients.codedeploy.get_application_revision(
            applicationName=info["applicationName"],
            revision={"revisionType": "AppSpecContent", "appSpecContent": {"sha256": sha256}},
        )
        named = _TASK_DEFINITION.search(answer["revision"].get("appSpecContent", {}).get("content", ""))
        task_definition = named.group(1) if named else None
    error, rollback = info.get("errorInformation"), info.get("rollbackInfo", {})
    ended = info.get("completeTime") or info.get("createTime")
    return Deployment(
        id=deployment_id,
        status=info["status"],
        task_definition=task_definition,
        description=info.get("description", ""),
        ended=ended.timestamp() if ended else 0.0,
        error=f"{error.get('code', 'no code')}: {error.get('message', 'no message')}" if error else None,
        alarms=tuple(alarm["name"] for alarm in info.get("overrideAlarmConfiguration", {}).get("alarms", [])),
        rolled_back_by=rollback.get("rollbackDeploymentId"),
        rolls_back=rollback.get("rollbackTriggeringDeploymentId"),
    )


def lifecycle(clients: Clients, deployment_id: str) -> list[LifecycleEvent]:
    """The deployment's lifecycle events so far; none before it has started."""
    codedeploy = clients.codedeploy
    try:
        targets = codedeploy.list_deployment_targets(deploymentId=deployment_id)["targetIds"]
        if not targets:
            return []
        found = codedeploy.batch_get_deployment_targets(deploymentId=deployment_id, targetIds=targets)
    except codedeploy.exceptions.DeploymentNotStartedException:
        return []
    return [
        LifecycleEvent(event["lifecycleEventName"], event["status"], event.get("diagnostics", {}).get("message", ""))
        for target in found["deploymentTargets"]
        for event in target.get("ecsTarget", {}).get("lifecycleEvents", [])
    ]


def traffic_has_shifted(events: Iterable[LifecycleEvent]) -> bool:
    """Whether all production traffic goes to the new tasks and nothing but the bake is left to do.

    A deployment's own status becomes Succeeded only when the old tasks have ended, after the bake.
    """
    statuses = {event.name: event.status for event in events}
    return statuses.get("AllowTraffic") == "Succeeded" and statuses.get("AfterAllowTraffic", "Skipped") in (
        "Succeeded",
        "Skipped",
    )


def firing(clients: Clients, alarms: Iterable[str]) -> list[str]:
    """Which of these alarms are in ALARM, each with its reason."""
    names = sorted(set(alarms))
    found: list[str] = []
    for start in range(0, len(names), 100):  # DescribeAlarms takes 100 names at most
        answer = clients.cloudwatch.describe_alarms(
            AlarmNames=names[start : start + 100], AlarmTypes=["MetricAlarm", "CompositeAlarm"], StateValue="ALARM"
        )
        found += [
            f"alarm {alarm['AlarmName']} fires ({alarm.get('StateReason', 'no reason given')})"
            for alarm in [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        ]
    return found
