"""Whether a release may have another network than the first."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted
from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.stage import Stage


def run(stage: Stage) -> Finding:
    """Deploys into one of the two subnets, with another security group."""
    stage.need(stage.names.plain)
    live = LiveService(stage, stage.names.plain)
    subnet, group = live.outputs["Subnets"].split(",")[0], live.outputs["OtherGroup"]
    wanted = {"Subnets": [subnet], "SecurityGroups": [group], "AssignPublicIp": "DISABLED"}
    deployment = live.deploy(live.register(), network=wanted)
    status = live.reached(deployment, "AllowTraffic", minutes=30)
    if not live.shifted(deployment):
        return refuted(f"the deployment is {status or 'still under way'}: {live.cause(deployment)}")
    found = live.primary()["networkConfiguration"]["awsvpcConfiguration"]
    said = f"the new task set runs in {found['subnets']} with {found['securityGroups']}"
    return confirmed(said) if (found["subnets"], found["securityGroups"]) == ([subnet], [group]) else refuted(said)


CHECK = Check(
    id="network",
    fact="Subnets and security groups of a release travel in the AppSpec.",
    sources=(("aws.md", "`NetworkConfiguration.AwsvpcConfiguration`"),),
    does="Deploys with an AppSpec that names one subnet of two and another security group.",
    decides="Confirmed: the new task set has exactly them. Refuted: it fails, or has others.",
    minutes=10,
    run=run,
)
