"""How long a container that keeps dying can hold a deployment, and what a second deployment meets meanwhile."""

from botocore.exceptions import ClientError

from tools.aws_acceptance.aws import error_code
from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.stage import Stage

DIES = ["python", "-c", "raise SystemExit('this container dies on purpose')"]
HELD_MINUTES = 55  # of the hour that one lifecycle event may take
LONGEST_MINUTES = 65


def run(stage: Stage) -> Finding:
    """Deploys a release that dies, and waits."""
    stage.need(stage.names.plain)
    live = LiveService(stage, stage.names.plain)
    dying = live.register(command=DIES)
    deployment = live.deploy(dying)
    started = stage.clock.now()
    second = _second(live, deployment, dying)
    status = live.ended(deployment, minutes=LONGEST_MINUTES, every=60)
    held = (stage.clock.now() - started).total_seconds() / 60
    install = live.lifecycle(deployment).get("Install", {}).get("status", "not begun")
    said = f"after {held:.0f} minutes the deployment is {status or 'still active'}, Install {install}; a second one: {second}"
    if held < HELD_MINUTES:
        return refuted(said)
    return confirmed(said) if second == "DeploymentLimitExceededException" else unknown(said)


def _second(live: LiveService, first: str, task_definition: str) -> str:
    live.stage.wait(lambda: live.lifecycle(first) or None, minutes=5)
    try:
        return f"accepted as {live.deploy(task_definition)}"
    except ClientError as error:
        return error_code(error)


CHECK = Check(
    id="crash-loop",
    fact="A container that dies again and again holds Install for about an hour, and a second deployment is refused meanwhile: so a "
    "resource that only reports its own timeout leaves the stack in UPDATE_ROLLBACK_FAILED.",
    sources=(("aws.md", "A container that dies again and again can hold the Install event for 60 minutes"),),
    does="Deploys a container that ends at once, calls CreateDeployment again, and watches for an hour. The stack that a resource without "
    "a deadline would leave behind is not made.",
    decides=f"Confirmed: active for {HELD_MINUTES} minutes at least, and the second refused. Refuted: it ends earlier by itself.",
    minutes=70,
    run=run,
)
