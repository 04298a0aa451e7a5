"""Whether alarms given to one deployment also take it back."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.stage import Stage


def run(stage: Stage) -> Finding:
    """Lets an alarm fire that only this deployment knows."""
    stage.need(stage.names.plain)
    live = LiveService(stage, stage.names.plain)
    lever, blue = live.outputs["Lever"], live.primary()["taskDefinition"]
    stage.alarm(lever, "OK")
    deployment = live.deploy(live.register(), alarms=[lever])
    if live.reached(deployment, "Install", minutes=30) != "InProgress":
        return unknown(f"green was not installed: {live.cause(deployment)}")
    stage.alarm(lever, "ALARM")
    status = live.ended(deployment, minutes=15)
    if status != "Stopped":
        return refuted(f"the deployment was {status or 'still under way'} after its alarm had fired")

    def look() -> str | None:
        found: str | None = live.deployment(deployment).get("rollbackInfo", {}).get("rollbackDeploymentId")
        return found

    rollback = stage.wait(look, minutes=10)
    if not rollback:
        return refuted(f"stopped ({live.cause(deployment)}), but nothing rolled it back")
    live.reached(rollback, "AfterAllowTraffic", minutes=20)
    return confirmed(f"{live.cause(deployment)}; rolled back by {rollback} to {blue.rsplit('/')[-1]}")


CHECK = Check(
    id="override-rolls-back",
    fact="The alarms of `overrideAlarmConfiguration` stop the deployment and roll it back, as the group's own do.",
    sources=(("aws.md", "`CreateDeployment` takes `overrideAlarmConfiguration`"),),
    does="Deploys under an alarm of this deployment alone and puts it into ALARM once green is installed.",
    decides="Confirmed: Stopped, and a rollback deployment exists. Refuted: not stopped, or no rollback.",
    minutes=10,
    run=run,
)
