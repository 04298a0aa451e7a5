"""What the example costs a month before anybody uses it, counted in its templates: `python -m tests.judges.costs` prints the guide's table."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stacks import settings
from tests.judges.nag import example

HOURS = 730
Template = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Price:
    """US dollars for one unit in us-east-1; `unit` is an hour or a month."""

    dollars: float
    unit: str

    @property
    def monthly(self) -> float:
        """For a whole month."""
        return self.dollars * (HOURS if self.unit == "hour" else 1)


# On demand, without a free tier or savings plan; the guide says where each was read.
PRICES = {
    "NAT gateway": Price(dollars=0.045, unit="hour"),
    "Load balancer": Price(dollars=0.0225, unit="hour"),
    "Public IPv4 address": Price(dollars=0.005, unit="hour"),
    "Fargate on arm64, vCPU": Price(dollars=0.03238, unit="hour"),
    "Fargate on arm64, GB": Price(dollars=0.00356, unit="hour"),
    "Database `db.t4g.small`": Price(dollars=0.032, unit="hour"),
    "Database `db.m6g.large` and its standby": Price(dollars=0.318, unit="hour"),
    "Database storage gp3, GB": Price(dollars=0.115, unit="month"),
    "Secret": Price(dollars=0.40, unit="month"),
    "Metric in an alarm": Price(dollars=0.10, unit="month"),
    "Composite alarm": Price(dollars=0.50, unit="month"),
}


def quantities(environment: str) -> dict[str, float]:
    """Item → how many of it an environment of the example has, with as few tasks as there may be."""
    with tempfile.TemporaryDirectory() as folder:
        example(environment, "v2", Path(folder)).synth()
        templates = [json.loads(path.read_text("utf-8")) for path in Path(folder).glob("*.template.json")]

    def every(kind: str) -> list[dict[str, Any]]:
        return [body["Properties"] for t in templates for body in t["Resources"].values() if body["Type"] == kind]

    gateways, balancers = every("AWS::EC2::NatGateway"), every("AWS::ElasticLoadBalancingV2::LoadBalancer")
    [task] = every("AWS::ECS::TaskDefinition")
    [bounds] = every("AWS::ApplicationAutoScaling::ScalableTarget")
    [database] = every("AWS::RDS::DBInstance")
    copies = 2 if database["MultiAZ"] else 1
    tasks = bounds["MinCapacity"]
    found: dict[str, float] = dict.fromkeys(PRICES, 0)
    found |= {
        "NAT gateway": len(gateways),
        "Load balancer": len(balancers),
        # A NAT gateway has one, a load balancer one in each of its zones.
        "Public IPv4 address": len(gateways) + sum(len(balancer["Subnets"]) for balancer in balancers),
        "Fargate on arm64, vCPU": tasks * int(task["Cpu"]) / 1024,
        "Fargate on arm64, GB": tasks * int(task["Memory"]) / 1024,
        f"Database `{database['DBInstanceClass']}`{' and its standby' if copies == 2 else ''}": 1,
        "Database storage gp3, GB": copies * int(database["AllocatedStorage"]),
        # RDS makes the master's.
        "Secret": len(every("AWS::SecretsManager::Secret")) + int(database["ManageMasterUserPassword"]),
        "Metric in an alarm": sum(_metrics(alarm) for alarm in every("AWS::CloudWatch::Alarm")),
        "Composite alarm": len(every("AWS::CloudWatch::CompositeAlarm")),
    }
    if unpriced := found.keys() - PRICES.keys():
        raise KeyError(f"no price is known for: {', '.join(sorted(unpriced))}")
    return found


def _metrics(alarm: Mapping[str, Any]) -> int:
    """An alarm on an expression is charged for each of the metrics in it."""
    return sum("MetricStat" in query for query in alarm["Metrics"]) if "Metrics" in alarm else 1


def table() -> Iterator[str]:
    """The lines of the guide's table."""
    environments = list(settings.ENVIRONMENTS)
    found = {environment: quantities(environment) for environment in environments}
    columns = " | ".join(f"{environment} | $ a month" for environment in environments)
    yield f"| item | unit price | {columns} |"
    yield f"|---|---|{'---:|---:|' * len(environments)}"
    for item, price in PRICES.items():
        cells = " | ".join(
            f"{found[name][item]:g} | {found[name][item] * price.monthly:.2f}" if found[name][item] else " | "
            for name in environments
        )
        yield f"| {item} | ${price.dollars:g} {'an hour' if price.unit == 'hour' else 'a month'} | {cells} |"
    totals = (sum(found[name][item] * price.monthly for item, price in PRICES.items()) for name in environments)
    yield f"| **together** | | {' | '.join(f' | **{total:.2f}**' for total in totals)} |"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in table())
