"""The door of the smoke test's hook: CodeDeploy calls it when the test listener serves the new release."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config

from seachange_deployments.addresses import private_addresses
from seachange_deployments.hook_evidence import verdict_line
from seachange_deployments.smoke import ANSWER_S, run
from seachange_deployments.steps import steps_in

if TYPE_CHECKING:
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_codedeploy.literals import LifecycleEventStatusType

logger = logging.getLogger(__name__)

# A call that hangs gives up after less than half a minute, repetitions included.
_CALLS = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


class Context(Protocol):
    """What Lambda tells of a call."""

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: Mapping[str, Any], context: Context) -> dict[str, str]:
    """Runs the steps and answers CodeDeploy, `Failed` whatever goes wrong: without an answer it would wait for an hour."""
    logger.setLevel(logging.INFO)
    deployment_id = event["DeploymentId"]
    try:
        problem = _problem(context)
    except Exception as error:  # noqa: BLE001 - an answer must be given
        problem = f"it could not be run: {type(error).__name__}: {error}"
    logger.log(logging.ERROR if problem else logging.INFO, verdict_line(deployment_id, problem))
    status: LifecycleEventStatusType = "Failed" if problem else "Succeeded"
    codedeploy: CodeDeployClient = boto3.client("codedeploy", config=_CALLS)
    try:
        codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment_id,
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=status,
        )
    except codedeploy.exceptions.LifecycleEventAlreadyCompletedException:
        logger.warning("Deployment %s had an answer already: Lambda delivers an event at least once.", deployment_id)
    return {"Status": status}


def _problem(context: Context) -> str | None:
    """What kept the smoke test from passing, the failing step first; None when it passed."""
    steps = steps_in(Path(os.environ["LAMBDA_TASK_ROOT"]))
    addresses = private_addresses(boto3.client("ec2", config=_CALLS), os.environ["SMOKE_LOAD_BALANCER"])
    report = run(
        steps,
        addresses,
        int(os.environ["SMOKE_PORT"]),
        tls=os.environ["SMOKE_TLS"] == "yes",
        server_name=os.environ.get("SMOKE_HOST"),
        limit_s=max(0.0, context.get_remaining_time_in_millis() / 1000 - ANSWER_S),
    )
    for step in report.steps:
        logger.info("Step %r: status %s in %g ms: %s", step.name, step.status, step.duration_ms, step.problem or "good")
    return report.failure
