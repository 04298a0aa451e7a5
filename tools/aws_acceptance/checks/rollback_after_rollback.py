"""A stack rollback after CodeDeploy has rolled back by itself."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import ACTIVE, ENDED, LiveService
from tools.aws_acceptance.stage import Stage


def run(stage: Stage) -> Finding:
    """Has an alarm take release v2 back while its traffic shifts."""
    stage.need(stage.names.database)
    live = LiveService(stage, stage.names.database)
    lever, blue = live.outputs["Lever"], live.primary()["taskDefinition"]
    before = set(live.deployments((*ACTIVE, *ENDED)))
    stage.alarm(lever, "OK")
    deploying = stage.start(stage.names.database, release="v2")
    started = stage.wait(lambda: live.deployments() or None, minutes=30)
    if not started:
        return unknown("the deployment resource started no deployment")
    live.reached(started[0], "Install", minutes=30)
    stage.alarm(lever, "ALARM")
    stage.ended(deploying)
    status, serving = stage.status(stage.names.database), live.primary()["taskDefinition"]
    after = [one for one in live.deployments((*ACTIVE, *ENDED)) if one not in before]
    ours = [one for one in after if live.deployment(one).get("creator") != "codeDeployRollback"]
    said = (
        f"the stack is {status}; {len(after)} deployments, {len(ours)} of them ours; {serving.rsplit('/')[-1]} serves"
    )
    if status == "UPDATE_COMPLETE":
        return unknown(f"the alarm took nothing back: {said}")
    good = status == "UPDATE_ROLLBACK_COMPLETE" and len(ours) == 1 and serving == blue
    return confirmed(said) if good else refuted(said)


CHECK = Check(
    id="rollback-after-rollback",
    fact="After CodeDeploy's own rollback the stack's rollback completes: our resource starts no deployment in it, and the release before "
    "serves.",
    sources=(("aws.md", "in a rollback it does nothing when the wanted task"),),
    does="Deploys release v2 of the service with a database, and lets its common alarm fire once green is installed.",
    decides="Confirmed: UPDATE_ROLLBACK_COMPLETE, one deployment of ours, the old task definition serves. Refuted: any other end.",
    minutes=50,
    run=run,
)
