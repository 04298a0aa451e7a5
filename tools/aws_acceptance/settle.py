"""After each check: everything at rest, so that the next one begins where it expects to."""

from botocore.exceptions import ClientError

from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.stage import Stage

MINUTES = 75


def settle(stage: Stage) -> None:
    """Ends what a check may have left under way; raises nothing that AWS answers, for the next check will say what is wrong."""
    for stack in stage.names.all:
        try:
            _settle(stage, stack)
        except ClientError as error:
            stage.say(f"  {stack} could not be brought to rest: {error}")


def _settle(stage: Stage, stack: str) -> None:
    found = stage.describe(stack)
    if found is None:
        return
    if any(output["OutputKey"] == "OutLever" for output in found.get("Outputs", [])):
        live = LiveService(stage, stack)
        stage.alarm(live.outputs["Lever"], "OK")
        for deployment in live.deployments():
            live.stop(deployment)
        stage.wait(lambda: None if live.deployments() else True, minutes=MINUTES)
    at_rest(stage, stack)
    failed = stage.status(stack)
    if failed == "UPDATE_ROLLBACK_FAILED":
        services = [
            one["LogicalResourceId"]
            for one in stage.aws.every("cloudformation.list_stack_resources", "StackResourceSummaries", StackName=stack)
            if one["ResourceStatus"] == "UPDATE_FAILED"
        ]
        stage.aws.call("cloudformation.continue_update_rollback", StackName=stack, ResourcesToSkip=services)
        at_rest(stage, stack)


def at_rest(stage: Stage, stack: str) -> str:
    """The stack's status as soon as CloudFormation does nothing with it; empty when it is gone."""

    def look() -> str | None:
        status = stage.status(stack)
        return None if status.endswith("_IN_PROGRESS") else status

    return stage.wait(look, minutes=MINUTES, every=20) or ""
