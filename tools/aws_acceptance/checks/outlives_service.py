"""What becomes of a deployment whose service is deleted."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.checks.crash_loop import DIES
from tools.aws_acceptance.live import ENDED, LiveService
from tools.aws_acceptance.stage import Stage


def run(stage: Stage) -> Finding:
    """Deletes the stack while a deployment of a dying container is under way. The last check: nothing is left to check after it."""
    stack = stage.names.plain
    stage.need(stack)
    live = LiveService(stage, stack)
    deployment = live.deploy(live.register(command=DIES))
    stage.wait(lambda: live.lifecycle(deployment) or None, minutes=5)
    stage.aws.call("cloudformation.delete_stack", StackName=stack)

    def look() -> tuple[str, str] | None:
        service, status = live.service().get("status", "gone"), live.deployment(deployment)["status"]
        return (service, status) if service != "ACTIVE" or status in ENDED else None

    seen = stage.wait(look, minutes=45)
    if seen is None:
        return unknown("45 minutes after DeleteStack the service was still ACTIVE")
    said = f"the service was {seen[0]}, the deployment {seen[1]}"
    return refuted(said) if seen[1] in ENDED else confirmed(said)


CHECK = Check(
    id="outlives-service",
    fact="CodeDeploy goes on with a deployment whose service CloudFormation deletes.",
    sources=(),
    does="Deletes the stack while a deployment waits for green.",
    decides="Confirmed: the service is being deleted, or gone, and the deployment is still active. Refuted: the deployment ends first.",
    minutes=20,
    run=run,
)
