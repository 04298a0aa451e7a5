"""The alarms over the database, which every release shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from aws_cdk import Token, Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from seachange.alarms.definition import PERIOD, Definition, make
from seachange.errors import InvalidArgumentError
from seachange.known import check_number

_MIB = 1024**2
_GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class DatabaseThresholds:
    """When a database is in trouble.

    Attributes:
        connections_percent: Connections in percent of `max_connections`, more than which are too many in 2 of 3 minutes: 80 by default, for green
            adds a fleet's pools to blue's.
        cpu_percent: Average CPU, more than which is too busy for 5 minutes: 90 by default. A release warms up in less, and a migration's one
            connection keeps no more than one of an instance's two CPUs busy.
        freeable_memory_mib: MiB, less than which is too little for 3 minutes: 100 by default, a twentieth of the smallest usual instance's 2 GiB.
        free_storage_gib: GiB, less than which is too little for 3 minutes: 1 by default. RDS enlarges a disk, 20 GiB or more, at a tenth of
            free space, but once in six hours at most: below 1 GiB it did not help.
        replica_lag_seconds: Seconds that a read replica is behind, more than which is too much for 3 minutes: 600 by default, for behind an idle
            source RDS for PostgreSQL reports up to 300.
    """

    connections_percent: float = 80
    cpu_percent: float = 90
    freeable_memory_mib: float = 100
    free_storage_gib: float = 1
    replica_lag_seconds: float = 600

    def __post_init__(self) -> None:
        for name in ("connections_percent", "cpu_percent"):
            check_number(
                f"DatabaseThresholds({name}=)",
                getattr(self, name),
                lambda percent: 0 < percent < 100,
                "give more than 0 and less than 100",
            )
        for name in ("freeable_memory_mib", "free_storage_gib", "replica_lag_seconds"):
            check_number(
                f"DatabaseThresholds({name}=)", getattr(self, name), lambda amount: amount > 0, "give more than 0"
            )


class DatabaseAlarms(Construct):
    """Four alarms on an RDS instance and one on each of its read replicas: `BlueGreenService(common_alarms=database_alarms.alarms)`.

    They watch every release, and a database in trouble stops the one that would cure it too: name them in an `AlarmOverride` for that one. All
    metrics follow the instance's identifier, so after a restore that ends in "rename to replace" they watch the instance that serves.

    Args:
        instance_identifier: The RDS instance's identifier; a token will do.
        max_connections: How many connections the instance takes, as `SHOW max_connections` says; a token will do.
        replica_identifiers: Its read replicas' identifiers; none by default.
        thresholds: `DatabaseThresholds()` by default.
        notifications: Told when one of them fires or is quiet again; nobody by default.

    Attributes:
        alarms: All of them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        instance_identifier: str,
        max_connections: int,
        replica_identifiers: Sequence[str] = (),
        thresholds: DatabaseThresholds | None = None,
        notifications: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        check_number(
            "DatabaseAlarms(max_connections=)",
            max_connections,
            lambda most: most >= 1,
            "give what `SHOW max_connections` answers, 1 or more (PostgresDatabase.max_connections is None for an instance class it does not know)",
        )
        if not all((instance_identifier, *replica_identifiers)) or isinstance(replica_identifiers, str):
            raise InvalidArgumentError(
                "DatabaseAlarms(instance_identifier=, replica_identifiers=)",
                (instance_identifier, replica_identifiers),
                "name the instance, and give a list of names of its replicas",
            )
        thresholds = thresholds or DatabaseThresholds()
        definitions = _of_instance(instance_identifier, max_connections, thresholds)
        definitions += [
            Definition(
                name=f"ReplicaLag{number}",
                metric=_metric(replica, "ReplicaLag", "Maximum"),
                threshold=thresholds.replica_lag_seconds,
                datapoints=3,
                # A replica that reports no lag replicates no longer: what is read from it grows old.
                missing=cloudwatch.TreatMissingData.BREACHING,
            )
            for number, replica in enumerate(replica_identifiers, start=1)
        ]
        self.alarms: list[cloudwatch.IAlarm] = [make(self, definition, notifications) for definition in definitions]


def _of_instance(identifier: str, max_connections: int, thresholds: DatabaseThresholds) -> list[Definition]:
    # The text of a number that may be known only when the stack deploys.
    limit = Tokenization.stringify_number(max_connections)
    missing = cloudwatch.TreatMissingData
    return [
        Definition(
            name="Connections",
            metric=cloudwatch.MathExpression(
                expression=f"100 * connections / {limit}",
                using_metrics={"connections": _metric(identifier, "DatabaseConnections", "Maximum")},
                period=PERIOD,
                label="Database connections, percent of max_connections",
            ),
            threshold=thresholds.connections_percent,
            datapoints=2,
            # A gap says nothing about connections: what was found last holds. That nothing is reported at all is Cpu's to tell.
            missing=missing.IGNORE,
        ),
        Definition(
            name="Cpu",
            metric=_metric(identifier, "CPUUtilization", "Average"),
            threshold=thresholds.cpu_percent,
            datapoints=5,
            periods=5,
            # Every instance that runs reports its CPU each minute. One that reports none is down, or the identifier is wrong: release nothing.
            missing=missing.BREACHING,
        ),
        Definition(
            name="FreeableMemory",
            **_less_than(identifier, "FreeableMemory", thresholds.freeable_memory_mib, _MIB),
            datapoints=3,
            below=True,
            # As for connections: what was found last holds.
            missing=missing.IGNORE,
        ),
        Definition(
            name="FreeStorage",
            **_less_than(identifier, "FreeStorageSpace", thresholds.free_storage_gib, _GIB),
            datapoints=3,
            below=True,
            # As for connections; and a database that a full disk has silenced still has a full disk.
            missing=missing.IGNORE,
        ),
    ]


class _Limit(TypedDict):
    """The two arguments of a `Definition` that say what is compared with what."""

    metric: cloudwatch.IMetric
    threshold: float


def _less_than(identifier: str, name: str, amount: float, unit: int) -> _Limit:
    """A metric in bytes and a threshold in MiB or GiB. CloudFormation cannot multiply: an amount it fills in is compared in its own unit."""
    metric = _metric(identifier, name, "Minimum")
    if not Token.is_unresolved(amount):
        return _Limit(metric=metric, threshold=amount * unit)
    return _Limit(
        metric=cloudwatch.MathExpression(
            expression=f"bytes / {unit}", using_metrics={"bytes": metric}, period=PERIOD, label=name
        ),
        threshold=amount,
    )


def _metric(identifier: str, name: str, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/RDS",
        metric_name=name,
        dimensions_map={"DBInstanceIdentifier": identifier},
        statistic=statistic,
        period=PERIOD,
    )
