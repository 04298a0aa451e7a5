"""What CloudFormation does with a service it waits for when another resource of the stack fails."""

from typing import Any

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.destroy import destroy_stack
from tools.aws_acceptance.stage import Stage

SERVICE = "AWS::ECS::Service"
SOON_S = 300


def run(stage: Stage) -> Finding:
    """Creates a service whose tasks die, beside a resource that fails."""
    stage.need(stage.names.plain)
    stack = stage.names.first
    deploying = stage.start(stack)

    def look() -> list[dict[str, Any]] | None:
        events = stage.events_after(stack, "") if stage.describe(stack) else []
        failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
        late = failed and (stage.clock.now() - failed[0]["Timestamp"]).total_seconds() > 4 * SOON_S
        return events if late or any(event["ResourceType"] == SERVICE for event in failed) else None

    events = stage.wait(look, minutes=75, every=30) or []
    finding = _judge(events)
    if deploying.poll() is None:
        deploying.terminate()
    destroy_stack(stage, stack)
    return finding


def _judge(events: list[dict[str, Any]]) -> Finding:
    failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    others = [event for event in failed if event["ResourceType"] != SERVICE]
    ends = [event for event in failed if event["ResourceType"] == SERVICE]
    if not any(event["ResourceType"] == SERVICE for event in events):
        return unknown("the service's creation had not begun")
    if not others or (ends and ends[0]["Timestamp"] < others[0]["Timestamp"]):
        return unknown("no other resource failed before the service did")
    if not ends:
        return refuted(f"{others[0]['LogicalResourceId']} had failed, and the service was still being created")
    seconds = (ends[0]["Timestamp"] - others[0]["Timestamp"]).total_seconds()
    reason = ends[0].get("ResourceStatusReason", "no reason given")
    said = f"{seconds:.0f} s after {others[0]['LogicalResourceId']} failed: service CREATE_FAILED, {reason}"
    return confirmed(said) if seconds <= SOON_S else refuted(said)


CHECK = Check(
    id="first-tasks",
    fact="When another resource of the stack fails, CloudFormation ends the creation of a service that it would wait hours for.",
    sources=(("aws.md", "CloudFormation cancels the creation of a service"),),
    does="Creates a service whose container dies, beside a resource that fails within 15 minutes; then deletes both.",
    decides=f"Confirmed: the service is CREATE_FAILED within {SOON_S} s of the other's failure. Refuted: later, or not at all.",
    minutes=35,
    run=run,
)
