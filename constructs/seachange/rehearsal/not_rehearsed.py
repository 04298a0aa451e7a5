"""What a rehearsal substitutes or leaves out: none of it is proven by a pass."""

from seachange.plan.model import Plan
from seachange.rehearsal.clock import local_health_interval_s
from seachange.rehearsal.options import Options
from seachange.rehearsal.outcome import Outcome
from seachange.rehearsal.watch import VISIBLE_AFTER_S


def not_rehearsed(plan: Plan, options: Options, outcome: Outcome) -> list[str]:
    """Every substitution and omission, a line each."""
    interval = local_health_interval_s(plan.health, options.speed)
    entries = [
        "AWS itself: CloudFormation, CodeDeploy, ECS, CloudWatch and their permissions; their documented rules are followed here",
        "database host, port and instance: a PostgreSQL of this machine",
        "TLS to the database and its certificate authority: the local PostgreSQL has none (PGSSLMODE=disable)",
        "Secrets Manager: a local one, with secrets of its own; rotation",
        "the Lambda's packaged dependencies: the local ones ran the migrations of the asset",
        "CPU and memory limits; and the container image, unless rehearsal.toml names one: the start command ran as a process",
        f"listener ports {plan.production_port} and {plan.test_port}, TLS and access to them: ports on the loopback interface",
        f"the health check's interval: {interval:g} s here, {plan.health.interval_s:g} s in the template",
        f"alarms: periods passed {options.speed:g} times as fast, counts scaled alike, metrics visible {VISIBLE_AFTER_S:g} s of the plan late",
        "autoscaling, several zones",
        *plan.listener.not_rehearsed,
    ]
    if plan.smoke is None:
        entries.append("smoke tests: the release has none; give it one with BlueGreenService(smoke_test=)")
    else:
        entries.append("the smoke test's Lambda function, its network and its time to start: its steps ran from here")
    if plan.green.sidecar is not None:
        entries.append(
            f"container {plan.green.sidecar}, which takes the traffic on AWS: the application was asked directly"
        )
    entries += [f"hook at {hook}: it can do anything, and runs on AWS alone" for hook in plan.hooks]
    entries += [f"alarm {alarm}" for alarm in plan.shift.unread_alarms]
    if outcome.watch is not None:
        entries += [
            f"alarm {name}: it reads metrics that this stage does not have, or asks for such an alarm"
            for name in outcome.watch.not_measured
        ]
    return entries + [
        f"environment variable left out, its value is known only on AWS: {entry}" for entry in outcome.unresolved
    ]
