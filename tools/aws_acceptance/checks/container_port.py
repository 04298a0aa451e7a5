"""Whether a release may listen on another port than the first."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted
from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.stage import Stage

OTHER_PORT = 8081


def run(stage: Stage) -> Finding:
    """Deploys a release that listens on 8081 behind target groups made for 8080."""
    stage.need(stage.names.plain)
    live = LiveService(stage, stage.names.plain)
    deployment = live.deploy(live.register(port=OTHER_PORT), port=OTHER_PORT)
    status = live.reached(deployment, "AllowTraffic", minutes=30)
    if not live.shifted(deployment):
        return refuted(f"the deployment is {status or 'still under way'}: {live.cause(deployment)}")
    group = live.primary()["loadBalancers"][0]["targetGroupArn"]
    found = stage.aws.call("elbv2.describe_target_health", TargetGroupArn=group)["TargetHealthDescriptions"]
    ports = {one["Target"]["Port"]: one["TargetHealth"]["State"] for one in found}
    if ports.get(OTHER_PORT) == "healthy":
        return confirmed(f"all traffic shifted to targets {ports}")
    return refuted(f"all traffic shifted, but to targets {ports}")


CHECK = Check(
    id="container-port",
    fact="A container port other than the create-time one travels in the AppSpec.",
    sources=(("aws.md", "The AppSpec names the task definition by **ARN**, the load balancer's container and port"),),
    does="Deploys a task definition and an AppSpec with port 8081; the service was created with 8080.",
    decides="Confirmed: traffic shifts and a target is healthy on 8081. Refuted: it fails, or the targets have another port.",
    minutes=10,
    run=run,
)
