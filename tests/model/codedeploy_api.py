"""CodeDeploy's API over the model's deployments, as boto3 answers it."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tests.model.codedeploy import CodeDeploy, Deployment
from tests.model.errors import AwsError
from tests.model.names import ALARMS, APPLICATION, GROUP, when

if TYPE_CHECKING:
    from tests.model.world import World

ROLLBACK: dict[str, Any] = {
    "enabled": True,
    "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
}
_TARGET = "shop:customers"


class CodeDeployApi:
    """What the deployment resource may call."""

    def __init__(self, world: "World", codedeploy: CodeDeploy) -> None:
        self._world, self._codedeploy = world, codedeploy
        self._contents: dict[str, str] = {}

    def register(self, task_definition: str) -> dict[str, Any]:
        """The revision of somebody's own AppSpec, in YAML."""
        content = f"version: 0.0\nResources:\n  - TargetService:\n      Properties:\n        TaskDefinition: {task_definition}\n"
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        self._contents[sha256] = content
        return {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": sha256}}

    def create_deployment(
        self,
        *,
        applicationName: str,
        deploymentGroupName: str,
        revision: dict[str, Any],
        description: str = "",
        autoRollbackConfiguration: dict[str, Any] | None = None,
        overrideAlarmConfiguration: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        assert (applicationName, deploymentGroupName) == (APPLICATION, GROUP)
        if active := self._codedeploy.active:
            raise AwsError(
                "DeploymentLimitExceededException",
                f"The Deployment Group '{GROUP}' already has an active Deployment '{active.id}'",
            )
        content, sha256 = revision["appSpecContent"]["content"], revision["appSpecContent"]["sha256"]
        if hashlib.sha256(content.encode()).hexdigest() != sha256:
            raise AwsError("InvalidRevisionException", "The SHA-256 does not fit the content.")
        if len(description) > 256:
            raise AwsError("DescriptionTooLongException", "The description is longer than 256 characters.")
        override = overrideAlarmConfiguration or {}
        alarms = tuple(one["name"] for one in override.get("alarms", [])) if overrideAlarmConfiguration else ALARMS
        if len(alarms) > 10:
            raise AwsError("AlarmsLimitExceededException", f"{len(alarms)} alarms are more than 10.")
        rollback = autoRollbackConfiguration or ROLLBACK
        properties = json.loads(content)["Resources"][0]["TargetService"]["Properties"]
        self._contents[sha256] = content
        release = properties["TaskDefinition"]
        deployment = Deployment(
            id=self._codedeploy.new_id(),
            task_definition=release,
            plan=self._world.update.plan,
            created=self._world.clock.now,
            description=description,
            revision={"revisionType": "AppSpecContent", "appSpecContent": {"sha256": sha256}},
            alarms=alarms if override.get("enabled", True) else (),
            overrides=overrideAlarmConfiguration,
            rolls_back_on=frozenset(rollback.get("events", [])) if rollback.get("enabled") else frozenset(),
        )
        self._world.broken.may_start(self._world, release)
        self._codedeploy.add(deployment)
        return {"deploymentId": deployment.id}

    def stop_deployment(self, *, deploymentId: str, autoRollbackEnabled: bool | None = None) -> dict[str, Any]:
        deployment = self._running(deploymentId)
        if deployment.stage == "ending":
            return {"status": "Pending"}
        roll_back = autoRollbackEnabled
        if roll_back is None:
            roll_back = "DEPLOYMENT_STOP_ON_REQUEST" in deployment.rolls_back_on
        stopped = self._codedeploy.stop(deployment, roll_back=roll_back, cause=self._world.stop_cause(deployment))
        return {"status": "Succeeded" if stopped else "Pending"}

    def continue_deployment(self, *, deploymentId: str, deploymentWaitType: str) -> dict[str, Any]:
        deployment = self._running(deploymentId)
        if deploymentWaitType == "TERMINATION_WAIT" and deployment.stage == "baking":
            self._world.broken.acts_for_the_living(self._world, f"ends the bake of {deployment.task_definition}")
            self._codedeploy.end_bake(deployment)
        elif deploymentWaitType == "READY_WAIT" and deployment.stage == "ready":
            self._codedeploy.approve(deployment)
        else:
            raise AwsError("DeploymentIsNotInReadyStateException", "The deployment does not wait.")
        return {}

    def get_deployment(self, *, deploymentId: str) -> dict[str, Any]:
        deployment = self._found(deploymentId)
        info: dict[str, Any] = {
            "applicationName": APPLICATION,
            "deploymentGroupName": GROUP,
            "deploymentId": deployment.id,
            "status": deployment.status,
            "createTime": when(deployment.created),
            "description": deployment.description,
            "creator": "codeDeployRollback" if deployment.rolls_back else "user",
            "computePlatform": "ECS",
        }
        if deployment.revision:
            info["revision"] = deployment.revision
        if deployment.ended is not None:
            info["completeTime"] = when(deployment.ended)
        if deployment.error:
            info["errorInformation"] = {"code": deployment.error[0], "message": deployment.error[1]}
        if deployment.overrides:
            info["overrideAlarmConfiguration"] = deployment.overrides
        if deployment.rolls_back:
            info["rollbackInfo"] = {"rollbackTriggeringDeploymentId": deployment.rolls_back.id}
        elif deployment.rolled_back_by:
            info["rollbackInfo"] = {"rollbackDeploymentId": deployment.rolled_back_by.id}
        return {"deploymentInfo": info}

    def get_application_revision(self, *, applicationName: str, revision: dict[str, Any]) -> dict[str, Any]:
        sha256 = revision["appSpecContent"]["sha256"]
        if sha256 not in self._contents:
            raise AwsError("RevisionDoesNotExistException", "There is no such revision.")
        content = {"content": self._contents[sha256], "sha256": sha256}
        return {
            "applicationName": applicationName,
            "revision": {"revisionType": "AppSpecContent", "appSpecContent": content},
        }

    def get_deployment_group(self, **_: str) -> dict[str, Any]:
        info: dict[str, Any] = {
            "applicationName": APPLICATION,
            "deploymentGroupName": GROUP,
            "autoRollbackConfiguration": ROLLBACK,
            "alarmConfiguration": {"enabled": True, "alarms": [{"name": name} for name in ALARMS]},
            "computePlatform": "ECS",
        }
        counted = [
            one
            for one in self._codedeploy.deployments.values()
            if not one.rolls_back or self._world.script.names_rollbacks
        ]
        if counted:
            last = counted[-1]
            info["lastAttemptedDeployment"] = {
                "deploymentId": last.id,
                "status": last.status,
                "createTime": when(last.created),
            }
        return {"deploymentGroupInfo": info}

    def list_deployment_targets(self, *, deploymentId: str, **_: Any) -> dict[str, Any]:
        self._begun(deploymentId)
        return {"targetIds": [_TARGET]}

    def batch_get_deployment_targets(self, *, deploymentId: str, targetIds: list[str]) -> dict[str, Any]:
        assert targetIds == [_TARGET]
        deployment = self._begun(deploymentId)
        events = [
            {"lifecycleEventName": name, "status": status}
            | ({"diagnostics": {"errorCode": "UnknownError", "message": message}} if message else {})
            for name, (status, message) in deployment.events.items()
        ]
        ecs = self._world.ecs
        task_sets = [
            {
                "identifer": task_set.id,
                "status": "PRIMARY" if task_set is ecs.primary else "ACTIVE",
                "desiredCount": 2,
                "pendingCount": 0 if task_set.running else 2,
                "runningCount": task_set.running,
                "trafficWeight": float(ecs.weights[task_set.target_group]),
                "targetGroup": {"name": task_set.target_group.split("/")[1]},
                "taskSetLabel": label,
            }
            for task_set, label in ((deployment.original, "Blue"), (deployment.replacement, "Green"))
            if task_set
        ]
        target = {
            "deploymentId": deploymentId,
            "targetId": _TARGET,
            "status": "InProgress"
            if deployment.active
            else "Succeeded"
            if deployment.status == "Succeeded"
            else "Failed",
            "lifecycleEvents": events,
            "taskSetsInfo": task_sets,
        }
        return {"deploymentTargets": [{"deploymentTargetType": "ECSTarget", "ecsTarget": target}]}

    def _found(self, deployment_id: str) -> Deployment:
        if deployment_id not in self._codedeploy.deployments:
            raise AwsError("DeploymentDoesNotExistException", f"There is no deployment {deployment_id}.")
        return self._codedeploy.deployments[deployment_id]

    def _running(self, deployment_id: str) -> Deployment:
        deployment = self._found(deployment_id)
        if not deployment.active:
            raise AwsError("DeploymentAlreadyCompletedException", f"Deployment {deployment_id} has ended.")
        return deployment

    def _begun(self, deployment_id: str) -> Deployment:
        deployment = self._found(deployment_id)
        if deployment.status == "Created":
            raise AwsError("DeploymentNotStartedException", f"Deployment {deployment_id} has not started.")
        return deployment
