"""How late a minute of the load balancer's metrics can be read."""

import datetime

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.stage import Stage

REQUESTS = 20
REPORTED_S = 240  # the one report: errors at 17:18, ALARM at 17:22
LONGEST_MINUTES = 15


def run(stage: Stage) -> Finding:
    """Sends requests at the beginning of a minute and waits for that minute's point."""
    stage.need(stage.names.plain)
    outputs = LiveService(stage, stage.names.plain).outputs
    stage.clock.sleep(61 - stage.clock.now().second)
    minute = stage.clock.now().replace(second=0, microsecond=0)
    answered = sum(stage.fetch(f"http://{outputs['Host']}/") == 200 for _ in range(REQUESTS))
    if not answered:
        return unknown(f"none of {REQUESTS} requests to the load balancer was answered with 200")
    end = minute + datetime.timedelta(minutes=1)
    stage.clock.sleep(max(0.0, (end - stage.clock.now()).total_seconds()))
    metric = {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": "RequestCount",
        "Dimensions": [{"Name": "LoadBalancer", "Value": outputs["LoadBalancer"]}],
    }
    query = {"Id": "requests", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}

    def look() -> bool | None:
        found = stage.aws.call("cloudwatch.get_metric_data", MetricDataQueries=[query], StartTime=minute, EndTime=end)
        values = found["MetricDataResults"][0]["Values"]
        return True if sum(values) >= answered else None

    seen = stage.wait(look, minutes=LONGEST_MINUTES, every=10)
    delay = (stage.clock.now() - end).total_seconds()
    if not seen:
        return refuted(f"{answered} requests were not all counted {delay:.0f} s after their minute")
    said = f"{answered} requests were counted {delay:.0f} s after their minute (looked every 10 s)"
    return confirmed(said) if delay <= REPORTED_S else refuted(said)


CHECK = Check(
    id="metric-delay",
    fact="A minute of the load balancer's metrics can be read some time later, unpublished how long; one report has four minutes.",
    sources=(("cloudwatch.md", "delay until visible: unpublished"),),
    does=f"Sends {REQUESTS} requests to the throwaway load balancer and reads RequestCount every ten seconds.",
    decides=f"Confirmed: complete within {REPORTED_S} s of the minute's end; the delay itself is the finding. Refuted: later.",
    minutes=4,
    run=run,
)
