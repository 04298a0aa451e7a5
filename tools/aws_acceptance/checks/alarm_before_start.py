"""What an alarm does that fires before the deployment starts."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.stage import Stage


def run(stage: Stage) -> Finding:
    """Starts a deployment, past our own check before the start, under an alarm that fires."""
    stage.need(stage.names.plain)
    live = LiveService(stage, stage.names.plain)
    lever = live.outputs["Lever"]
    task_definition = live.register()
    stage.alarm(lever, "ALARM")
    deployment = live.deploy(task_definition, alarms=[lever])
    status = live.reached(deployment, "Install", minutes=20)
    if status == "Stopped":
        cause = live.cause(deployment)
        return confirmed(cause) if "ALARM" in cause else unknown(f"stopped, but {cause}")
    if live.lifecycle(deployment).get("Install", {}).get("status") == "Succeeded":
        return refuted(f"green was installed though the alarm fired (deployment {status})")
    return unknown(f"the deployment is {status or 'still under way'}, {live.cause(deployment)}")


CHECK = Check(
    id="alarm-before-start",
    fact="An alarm that fires before the start leaves a CodeDeploy deployment stopped.",
    sources=(
        ("aws.md", "What does an alarm do that fires before the start?"),
        ("cloudwatch.md", "An alarm already firing leaves a CodeDeploy deployment stopped"),
    ),
    does="Puts an alarm into ALARM with SetAlarmState and calls CreateDeployment with it.",
    decides="Confirmed: Stopped with an alarm's error code before Install has succeeded. Refuted: Install succeeds.",
    minutes=5,
    run=run,
)
