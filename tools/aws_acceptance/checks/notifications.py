"""Which of its deployments' events CodeDeploy tells a topic."""

import json

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import ENDED, LiveService
from tools.aws_acceptance.stage import Stage

# What has happened to a group that has a deployment in this status.
OCCASIONS = {
    "Succeeded": {"DeploymentStart", "DeploymentReady", "DeploymentSuccess"},
    "Failed": {"DeploymentStart", "DeploymentFailure", "DeploymentRollback"},
    "Stopped": {"DeploymentStart", "DeploymentStop", "DeploymentRollback"},
}
ALL = {event for events in OCCASIONS.values() for event in events}
LONGEST_READS = 50


def run(stage: Stage) -> Finding:
    """Reads the queue of a topic that has one trigger for each event, named like it."""
    stage.need(stage.names.plain)
    live = LiveService(stage, stage.names.plain)
    happened = [OCCASIONS[status] for status in ENDED if live.deployments([status])]
    due: set[str] = set().union(*happened)
    came = _came(stage, live.outputs["Queue"])
    said = f"came: {', '.join(sorted(came)) or 'nothing'}"
    if missing := due - came:
        return refuted(f"{said}; missing: {', '.join(sorted(missing))}")
    if unseen := ALL - came:
        return unknown(f"{said}; no occasion, in the deployments before this check, for: {', '.join(sorted(unseen))}")
    return confirmed(f"{said}; by a role that may publish to the topic and do nothing else with it")


def _came(stage: Stage, queue: str) -> set[str]:
    came: set[str] = set()
    for _ in range(LONGEST_READS):
        read = stage.aws.call("sqs.receive_message", QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        if not read.get("Messages"):
            break
        # The alarms tell the same topic; their messages name no trigger.
        came |= {str(json.loads(message["Body"]).get("eventTriggerName")) for message in read["Messages"]} & ALL
    return came


CHECK = Check(
    id="notifications",
    fact="CodeDeploy tells a topic of all six events of a deployment on ECS, with the group's service role.",
    sources=(
        ("cloudwatch.md", "All six come for a deployment on ECS too."),
        ("cloudwatch.md", "CodeDeploy publishes with the group's service role"),
    ),
    does="Reads a queue behind the topic, after the deployments of the checks before.",
    decides="Confirmed: all six came. Refuted: one did not come though a deployment ended so.",
    minutes=1,
    run=run,
)
