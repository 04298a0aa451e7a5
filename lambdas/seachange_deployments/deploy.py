"""The verbs of a deployment: start it, end its bake, roll it back; and the rule which alarms watch it."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seachange_deployments.app_spec import app_spec
from seachange_deployments.errors import InvalidInputError
from seachange_deployments.observe import Clients, Deployment
from seachange_deployments.request import REQUEST

if TYPE_CHECKING:
    from mypy_boto3_codedeploy.type_defs import AutoRollbackConfigurationTypeDef, DeploymentGroupInfoTypeDef

logger = logging.getLogger(__name__)


def alarms_for(properties: Mapping[str, Any], serving_target_group: str) -> list[str]:
    """The alarms of the target group about to become green (the one that does not serve), then the common ones."""
    blue, green = properties["BlueTargetGroup"], properties["GreenTargetGroup"]
    directed = {blue: "GreenAlarms", green: "BlueAlarms"}
    if serving_target_group not in directed:
        raise InvalidInputError(
            f"Target group {serving_target_group} serves, which is neither blue ({blue}) nor green ({green}), so the "
            "alarms of this direction are unknown: deploy to the target groups that the service was made with."
        )
    alarms = [*properties.get(directed[serving_target_group], []), *properties.get("CommonAlarms", [])]
    return list(dict.fromkeys(alarms))


def start(
    clients: Clients,
    properties: Mapping[str, Any],
    *,
    name: str,
    request_id: str,
    alarms: Sequence[str],
    group: "DeploymentGroupInfoTypeDef",
) -> str:
    """Starts the deployment of the properties' release, called `name`, under these alarms, and returns its id.

    The role needs codedeploy:UpdateDeploymentGroup too: CreateDeployment asks for it when alarms are overridden.
    """
    content = app_spec(properties)
    no_rollback: AutoRollbackConfigurationTypeDef = {"enabled": False}
    deployment_id = clients.codedeploy.create_deployment(
        applicationName=properties["Application"],
        deploymentGroupName=properties["DeploymentGroup"],
        revision={
            "revisionType": "AppSpecContent",
            "appSpecContent": {"content": content, "sha256": hashlib.sha256(content.encode()).hexdigest()},
        },
        # The request's id tells its own deployment from an earlier one; CodeDeploy allows 256 characters.
        description=f"SeaChange: {name[:150]}{REQUEST}{request_id}",
        autoRollbackConfiguration=group.get("autoRollbackConfiguration", no_rollback),
        overrideAlarmConfiguration={
            "enabled": bool(alarms),
            "ignorePollAlarmFailure": False,
            "alarms": [{"name": name} for name in alarms],
        },
    )["deploymentId"]
    logger.info("Deployment %s of %s started under alarms %s.", deployment_id, name, list(alarms))
    return deployment_id


def end_bake(clients: Clients, deployment: Deployment) -> None:
    """Ends the bake of a deployment whose traffic has shifted; asking again, or a moment too early, does no harm."""
    errors = clients.codedeploy.exceptions
    try:
        clients.codedeploy.continue_deployment(deploymentId=deployment.id, deploymentWaitType="TERMINATION_WAIT")
    except (
        errors.DeploymentAlreadyCompletedException,
        errors.DeploymentIsNotInReadyStateException,
        errors.InvalidDeploymentStatusException,
    ) as error:
        logger.info("The bake of deployment %s cannot be ended now: %s", deployment.name, error)


def roll_back(clients: Clients, deployment: Deployment) -> bool:
    """Stops a deployment and has CodeDeploy take traffic back to the release before; False if it had ended meanwhile."""
    try:
        answer = clients.codedeploy.stop_deployment(deploymentId=deployment.id, autoRollbackEnabled=True)
    except clients.codedeploy.exceptions.DeploymentAlreadyCompletedException:
        logger.info("Deployment %s had ended before it could be stopped.", deployment.name)
        return False
    logger.warning("Deployment %s is being stopped with rollback (%s).", deployment.name, answer.get("status"))
    return True
