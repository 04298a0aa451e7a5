"""What a run will do, take and cost, said before it is asked whether it may."""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.aws_acceptance.check import Check
from tools.aws_acceptance.names import Names

CREATE_MINUTES = {"plain": 15, "database": 30}
DESTROY_MINUTES = 45
SOURCE = "third parties of 2026 that quote AWS's list for us-east-1 (docs/guide/costs.md names them); compare with AWS's pages"
HOURS_PER_MONTH = 730


@dataclass(frozen=True, kw_only=True)
class Price:
    """One thing that costs, in US dollars."""

    what: str
    count: float
    hourly: float

    def cost(self, hours: float) -> float:
        """For so many hours."""
        return self.count * self.hourly * hours


# The unit prices stand in the words, so that a reader can compare them with the pages.
PRICES = (
    Price(what="NAT gateway, 0.045 an hour", count=1, hourly=0.045),
    Price(what="load balancers, 0.0225 an hour and 0.008 for one capacity unit", count=2, hourly=0.0305),
    Price(what="public IPv4 addresses, 0.005 an hour", count=5, hourly=0.005),
    Price(what="Fargate tasks of 0.25 vCPU and 0.5 GB on arm64, 0.03238 and 0.00356 an hour", count=4, hourly=0.009875),
    Price(what="db.t4g.micro with one zone, 0.016 an hour, and 20 GB of gp3 at 0.115 a month", count=1, hourly=0.0192),
    Price(what="alarms of up to three metrics, 0.10 a metric and month", count=40, hourly=0.10 / HOURS_PER_MONTH),
    Price(what="secrets, 0.40 a month", count=3, hourly=0.40 / HOURS_PER_MONTH),
    Price(what="logs, metrics of Container Insights, Lambda, traffic: less than", count=1, hourly=0.05),
)


def minutes(checks: Sequence[Check]) -> int:
    """How long these checks take, with the stacks they need."""
    database = any(check.id in ("rollback-after-rollback", "newer-database") for check in checks)
    stacks = CREATE_MINUTES["plain"] + (CREATE_MINUTES["database"] if database else 0)
    return stacks + sum(check.minutes for check in checks) + DESTROY_MINUTES


def announcement(names: Names, account: str, region: str, checks: Sequence[Check]) -> str:
    """The whole of it, as the person reads it."""
    hours = minutes(checks) / 60
    cost, day = (sum(price.cost(span) for price in PRICES) for span in (hours, 24))
    lines = [
        f"This will use account {account} in {region}, and destroy at its end all that it makes.",
        "",
        "It makes, and deploys new releases of:",
        f"  {names.plain}: a VPC with one NAT gateway, a load balancer open to the internet on port 80 (it answers with the word `v1`), "
        "a service of one task, alarms, Lambdas",
        f"  {names.database}: a load balancer, a service of one task, a db.t4g.micro PostgreSQL, its migrations",
        f"  {names.first}: a load balancer and a service whose container dies; for some minutes only",
        f"Every name begins with {names.plain}. The CDK's bootstrap bucket of this region gets the Lambdas' packages.",
        "",
        f"It checks, {len(checks)} of them:",
        *(f"  {check.id} (about {check.minutes} min): {check.fact}" for check in checks),
        "",
        f"It takes about {hours:.1f} hours, which the credentials must last, and costs about {cost:.2f} US dollars;",
        f"a run that is never destroyed costs about {day:.2f} a day:",
        *(f"  {price.count:g} x {price.what}: {price.cost(hours):.2f}" for price in PRICES),
        f"  Prices: {SOURCE}. Other regions cost up to twice as much.",
    ]
    return "\n".join(lines)
