"""Migrations in a stack rollback, when the database is newer than the restored code."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.stage import Stage

RESOURCE = "Custom::SeaChangeMigrations"


def run(stage: Stage) -> Finding:
    """Reads the events of the rollback that the check before has caused."""
    stage.need(stage.names.database)
    events = stage.events_after(stage.names.database, "")
    starts = [
        number
        for number, event in enumerate(events)
        if event["ResourceType"] == "AWS::CloudFormation::Stack"
        and event["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"
    ]
    if not starts:
        return unknown("the stack has not rolled back: run rollback-after-rollback with this check")
    ends = [
        event
        for event in events[starts[-1] :]
        if event["ResourceType"] == RESOURCE and not event["ResourceStatus"].endswith("IN_PROGRESS")
    ]
    if not ends:
        return unknown("the migration resource has no event in the rollback")
    said = f"in the rollback the migration resource is {ends[-1]['ResourceStatus']}"
    return confirmed(said) if ends[-1]["ResourceStatus"] == "UPDATE_COMPLETE" else refuted(said)


CHECK = Check(
    id="newer-database",
    fact="In a stack rollback CloudFormation puts the Lambda's code back first; our migration resource finds a database newer than its "
    "code, says so and succeeds.",
    sources=(("aws.md", "**Migrations under a stack rollback.**"),),
    does="Reads the stack's events of the rollback that `rollback-after-rollback` caused after release v2 had migrated.",
    decides="Confirmed: the migration resource is UPDATE_COMPLETE in the rollback. Refuted: it failed.",
    minutes=1,
    run=run,
)
