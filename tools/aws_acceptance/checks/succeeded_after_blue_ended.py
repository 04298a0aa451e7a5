"""When CodeDeploy calls a deployment Succeeded."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import ENDED, LiveService
from tools.aws_acceptance.stage import Stage


def run(stage: Stage) -> Finding:
    """Watches release v2 from its start to its end."""
    stage.need(stage.names.plain)
    live = LiveService(stage, stage.names.plain)
    blue = live.primary()["id"]
    deploying = stage.start(stage.names.plain, release="v2")
    started = stage.wait(lambda: live.deployments() or None, minutes=20)
    if not started:
        return unknown("the deployment resource started no deployment")
    deployment = started[0]
    baked = False

    def look() -> str | None:
        nonlocal baked
        status: str = live.deployment(deployment)["status"]
        baked = baked or (status not in ENDED and live.shifted(deployment))
        return status if status in ENDED else None

    status = stage.wait(look, minutes=45)
    sets = live.service().get("taskSets", [])
    stage.ended(deploying)
    if status != "Succeeded":
        return unknown(f"deployment {deployment} ended as {status or 'nothing'}: {live.cause(deployment)}")
    left = [one for one in sets if one["id"] == blue and one["runningCount"]]
    if left:
        return refuted(f"Succeeded while blue still ran {left[0]['runningCount']} task(s) and was {left[0]['status']}")
    if not baked:
        return unknown("Succeeded was seen before any look found all traffic shifted")
    return confirmed("all traffic had shifted and the deployment was still active; at Succeeded blue ran no task")


CHECK = Check(
    id="succeeded-after-blue-ended",
    fact="A deployment becomes Succeeded only once blue has been terminated, after the termination wait.",
    sources=(("aws.md", "`Succeeded` comes only once blue has been terminated"),),
    does="Deploys release v2 with `cdk deploy` and reads the deployment and the task sets every 15 seconds.",
    decides="Confirmed: active after all traffic has shifted, and at Succeeded blue runs no task. Refuted: blue still runs tasks then.",
    minutes=12,
    run=run,
)
