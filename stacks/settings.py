"""What differs between environments and between releases of the example."""

from dataclasses import dataclass
from typing import Literal

from aws_cdk import aws_ec2 as ec2

from seachange import ExpectedTraffic, InvalidArgumentError, max_connections_of


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment.

    Attributes:
        name: Part of every stack's name and of the parameters between them.
        zones: Availability zones of the network.
        nat: `one` NAT gateway or one `per_az`.
        database_instance: The database's size.
        database_standby: Whether the database has a standby in another zone.
        min_tasks, max_tasks: The bounds of the service.
        traffic: What it is asked, which its alarms shall suit.
    """

    name: str
    zones: int
    nat: Literal["one", "per_az"]
    database_instance: ec2.InstanceType
    database_standby: bool
    min_tasks: int
    max_tasks: int
    traffic: ExpectedTraffic

    @property
    def data_stack(self) -> str:
        """The data stack's name."""
        return f"customers-{self.name}-data"

    @property
    def service_stack(self) -> str:
        """The service stack's name."""
        return f"customers-{self.name}"

    @property
    def max_connections(self) -> int:
        """How many connections the database takes at most."""
        most = max_connections_of(self.database_instance)
        assert most is not None
        return most

    @property
    def parameters(self) -> str:
        """Where in SSM the data stack writes what the service stack reads."""
        return f"/customers/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release.

    Attributes:
        name: Its name.
        migrations_target: The revision up to which its migrations go.
        smoke_test: The file of its smoke test; None for the first one, which no deployment brings.
    """

    name: str
    migrations_target: str
    smoke_test: str | None = None


ENVIRONMENTS = {
    "dev": Environment(
        name="dev",
        zones=2,
        nat="one",
        database_instance=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.SMALL),
        database_standby=False,
        min_tasks=2,
        max_tasks=4,
        traffic=ExpectedTraffic(requests_per_second=20, error_percent=0.05, p50_seconds=0.02, p99_seconds=0.2),
    ),
    # What each costs a month stands in docs/guide/costs.md.
    "prod": Environment(
        name="prod",
        zones=3,
        nat="per_az",
        database_instance=ec2.InstanceType.of(ec2.InstanceClass.M6G, ec2.InstanceSize.LARGE),
        database_standby=True,
        min_tasks=3,
        max_tasks=12,
        traffic=ExpectedTraffic(requests_per_second=200, error_percent=0.05, p50_seconds=0.02, p99_seconds=0.2),
    ),
}

# v1 is the service before the change, v2 the one that needs its expanded schema.
RELEASES = {
    "v1": Release(name="v1", migrations_target="0001"),
    "v2": Release(name="v2", migrations_target="expand@head", smoke_test="smoke.toml"),
}


def environment(name: str) -> Environment:
    """The environment of that name; InvalidArgumentError when there is none."""
    if name not in ENVIRONMENTS:
        raise InvalidArgumentError("-c environment", name, f"give one of: {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[name]


def release(name: str) -> Release:
    """The release of that name; InvalidArgumentError when there is none."""
    if name not in RELEASES:
        raise InvalidArgumentError("-c release", name, f"give one of: {', '.join(RELEASES)}")
    return RELEASES[name]
