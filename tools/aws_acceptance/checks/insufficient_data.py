"""Whether an alarm without data stops a deployment."""

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.stage import Stage


def run(stage: Stage) -> Finding:
    """Deploys under an alarm that is INSUFFICIENT_DATA."""
    stage.need(stage.names.plain)
    live = LiveService(stage, stage.names.plain)
    silent = live.outputs["Silent"]
    [alarm] = stage.aws.call("cloudwatch.describe_alarms", AlarmNames=[silent])["MetricAlarms"]
    if alarm["StateValue"] != "INSUFFICIENT_DATA":
        return unknown(f"the alarm meant to have no data is {alarm['StateValue']}")
    deployment = live.deploy(live.register(), alarms=[silent])
    status = live.reached(deployment, "AllowTraffic", minutes=30)
    if live.shifted(deployment):
        return confirmed(f"all traffic shifted under an alarm in INSUFFICIENT_DATA (deployment {status})")
    cause = live.cause(deployment)
    if "ALARM" in cause:
        return refuted(f"the deployment ended as {status}, {cause}")
    return unknown(f"the deployment is {status or 'still under way'}, {cause}")


CHECK = Check(
    id="insufficient-data",
    fact="An alarm in INSUFFICIENT_DATA does not stop a deployment.",
    sources=(("cloudwatch.md", "INSUFFICIENT_DATA does not stop a deployment"),),
    does="Deploys under one alarm whose metric nobody sends.",
    decides="Confirmed: all traffic shifts. Refuted: stopped because of an alarm.",
    minutes=10,
    run=run,
)
