"""Whether a hook's Lambda may report with a permission on the deployment group alone."""

import json

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import ENDED, LiveService
from tools.aws_acceptance.stage import Stage

DENIED = "AccessDeniedException"


def run(stage: Stage) -> Finding:
    """Reports on a deployment that has ended: AWS must refuse, and what matters is for what reason."""
    stage.need(stage.names.plain)
    live = LiveService(stage, stage.names.plain)
    deployments = live.deployments(ENDED)
    if not deployments:
        return unknown("there is no deployment to report on: run a check that deploys before this one")
    event = json.dumps({"deployment": deployments[0]}).encode()
    answer = json.loads(stage.aws.call("lambda.invoke", FunctionName=live.outputs["Probe"], Payload=event)["Payload"])
    if "code" not in answer:
        return unknown(f"the Lambda answered {answer}")
    said = f"PutLifecycleEventHookExecutionStatus answered {answer['code']}"
    return refuted(said) if answer["code"] == DENIED else confirmed(f"{said}, and so had let the caller in")


CHECK = Check(
    id="hook-permission",
    fact="`codedeploy:PutLifecycleEventHookExecutionStatus` on the deployment group is enough for a hook to report.",
    sources=(("aws.md", "`PutLifecycleEventHookExecutionStatus`, for hooks"),),
    does="Has a Lambda with that permission alone report on an ended deployment, with an execution id that does not exist.",
    decides=f"Confirmed: any answer but {DENIED}. Refuted: {DENIED}.",
    minutes=1,
    run=run,
)
