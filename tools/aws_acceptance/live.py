"""A deployed service, and CodeDeploy deployments of it made directly, past our own deployment resource."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from tools.aws_acceptance.aws import error_code
from tools.aws_acceptance.stage import NotPossibleError, Stage

ENDED = ("Succeeded", "Failed", "Stopped")
ACTIVE = ("Created", "Queued", "InProgress", "Baking", "Ready")
PORT = 8080
# What RegisterTaskDefinition takes of what DescribeTaskDefinition answers.
REGISTERED = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "runtimePlatform",
)


class LiveService:
    """The service of a stack."""

    def __init__(self, stage: Stage, stack: str) -> None:
        self.stage = stage
        self.outputs = stage.outputs(stack)
        if "Service" not in self.outputs:
            raise NotPossibleError(f"stack {stack} says nothing of a service")
        self._group = {
            "applicationName": self.outputs["Application"],
            "deploymentGroupName": self.outputs["Group"],
        }

    def service(self) -> dict[str, Any]:
        """The service as ECS describes it; empty when it is gone."""
        cluster, name = self.outputs["Cluster"], self.outputs["Service"]
        try:
            found = self.stage.aws.call("ecs.describe_services", cluster=cluster, services=[name])["services"]
        except ClientError as error:
            if error_code(error) == "ClusterNotFoundException":
                return {}
            raise
        return found[0] if found else {}

    def primary(self) -> dict[str, Any]:
        """The task set that serves."""
        sets = [one for one in self.service().get("taskSets", []) if one["status"] == "PRIMARY"]
        if not sets:
            raise NotPossibleError("no task set of the service is PRIMARY")
        primary: dict[str, Any] = sets[0]
        return primary

    def register(self, *, command: Sequence[str] | None = None, port: int = PORT) -> str:
        """A new revision of the task definition that serves: its ARN."""
        serving = self.primary()["taskDefinition"]
        found = self.stage.aws.call("ecs.describe_task_definition", taskDefinition=serving)["taskDefinition"]
        new = {name: found[name] for name in REGISTERED if name in found}
        container = new["containerDefinitions"][0]
        container["environment"] = [
            *(one for one in container.get("environment", []) if one["name"] != "PORT"),
            {"name": "PORT", "value": str(port)},
        ]
        container["portMappings"] = [{"containerPort": port, "protocol": "tcp"}]
        if command is not None:
            container["command"] = list(command)
        arn: str = self.stage.aws.call("ecs.register_task_definition", **new)["taskDefinition"]["taskDefinitionArn"]
        return arn

    def deploy(
        self,
        task_definition: str,
        *,
        alarms: Sequence[str] = (),
        port: int = PORT,
        network: Mapping[str, Any] | None = None,
    ) -> str:
        """Starts a deployment under these alarms alone, rolling back on all that goes wrong: its id."""
        target: dict[str, Any] = {
            "TaskDefinition": task_definition,
            "LoadBalancerInfo": {"ContainerName": "app", "ContainerPort": port},
        }
        if network is not None:
            target["NetworkConfiguration"] = {"AwsvpcConfiguration": network}
        service = {"TargetService": {"Type": "AWS::ECS::Service", "Properties": target}}
        content = json.dumps({"version": 0.0, "Resources": [service]})
        started: str = self.stage.aws.call(
            "codedeploy.create_deployment",
            **self._group,
            revision={
                "revisionType": "AppSpecContent",
                "appSpecContent": {"content": content, "sha256": hashlib.sha256(content.encode()).hexdigest()},
            },
            autoRollbackConfiguration={
                "enabled": True,
                "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
            },
            overrideAlarmConfiguration={"enabled": bool(alarms), "alarms": [{"name": name} for name in alarms]},
        )["deploymentId"]
        return started

    def deployment(self, deployment: str) -> dict[str, Any]:
        """A deployment as CodeDeploy describes it."""
        found: dict[str, Any] = self.stage.aws.call("codedeploy.get_deployment", deploymentId=deployment)[
            "deploymentInfo"
        ]
        return found

    def deployments(self, statuses: Sequence[str] = ACTIVE) -> list[str]:
        """The ids of the group's deployments in these statuses."""
        try:
            found: list[str] = self.stage.aws.every(
                "codedeploy.list_deployments", "deployments", **self._group, includeOnlyStatuses=list(statuses)
            )
        except ClientError as error:
            if "DoesNotExist" in error_code(error):
                return []
            raise
        return found

    def lifecycle(self, deployment: str) -> dict[str, dict[str, Any]]:
        """The deployment's lifecycle events by name; none before it has started."""
        call = self.stage.aws.call
        try:
            targets = call("codedeploy.list_deployment_targets", deploymentId=deployment)["targetIds"]
        except ClientError as error:
            if error_code(error) == "DeploymentNotStartedException":
                return {}
            raise
        if not targets:
            return {}
        found = call("codedeploy.batch_get_deployment_targets", deploymentId=deployment, targetIds=targets)
        events = found["deploymentTargets"][0].get("ecsTarget", {}).get("lifecycleEvents", [])
        return {event["lifecycleEventName"]: event for event in events}

    def reached(self, deployment: str, event: str, *, minutes: float) -> str:
        """The deployment's status as soon as it has ended or `event` has succeeded; empty when neither came to pass."""

        def look() -> str | None:
            status: str = self.deployment(deployment)["status"]
            if status in ENDED or self.lifecycle(deployment).get(event, {}).get("status") == "Succeeded":
                return status
            return None

        return self.stage.wait(look, minutes=minutes) or ""

    def ended(self, deployment: str, *, minutes: float, every: float = 15) -> str:
        """The deployment's last status; empty when it has not ended in that time."""

        def look() -> str | None:
            status: str = self.deployment(deployment)["status"]
            return status if status in ENDED else None

        return self.stage.wait(look, minutes=minutes, every=every) or ""

    def shifted(self, deployment: str) -> bool:
        """Whether all traffic has moved to green."""
        return self.lifecycle(deployment).get("AllowTraffic", {}).get("status") == "Succeeded"

    def stop(self, deployment: str) -> None:
        """Stops a deployment, taking traffic back; it may have ended."""
        try:
            self.stage.aws.call("codedeploy.stop_deployment", deploymentId=deployment, autoRollbackEnabled=True)
        except ClientError as error:
            if error_code(error) != "DeploymentAlreadyCompletedException":
                raise

    def cause(self, deployment: str) -> str:
        """Why a deployment did not succeed, in CodeDeploy's words."""
        error = self.deployment(deployment).get("errorInformation", {})
        return f"{error.get('code', 'no code')}: {error.get('message', 'no message')}"
