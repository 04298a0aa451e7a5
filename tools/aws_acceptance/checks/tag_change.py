"""A changed tag of the service."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.checks.template_change import update
from tools.aws_acceptance.stage import Stage


def run(stage: Stage) -> Finding:
    """Tags the service, as an application-wide tag would."""
    seen = update(stage, change="tag")
    ends = [event["ResourceStatus"] for event in seen.of_service]
    if "UPDATE_FAILED" in ends:
        return confirmed(str(seen))
    if "UPDATE_COMPLETE" in ends:
        return refuted(str(seen))
    return unknown(str(seen))


CHECK = Check(
    id="tag-change",
    fact="A changed tag of the service takes the path of every update, so an application-wide tag that differs per commit breaks each deploy.",
    sources=(("aws.md", "an application-wide tag that differs per commit would break every deploy"),),
    does="Deploys the same template with a tag on the AWS::ECS::Service.",
    decides="Confirmed: the service's update fails. Refuted: it completes.",
    minutes=12,
    run=run,
)
