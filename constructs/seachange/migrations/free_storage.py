"""What lets a backfill pause before the disk is full: the instance's name among the request's properties, and the right to read its metric."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from seachange.errors import InvalidArgumentError
from seachange.findings import acknowledge, wildcard

# As its VPC endpoint ends.
SERVICE = "monitoring"

_NO_RESOURCE = (
    "The Service Authorization Reference gives GetMetricStatistics no resource; it reads numbers and changes nothing."
)


def instance_property(identifier: str | None) -> Mapping[str, str]:
    """The property that names the instance; none where nobody named it. Raises InvalidArgumentError for an empty name."""
    if identifier == "":
        remedy = "name the RDS instance, or leave it out for a server that is none"
        raise InvalidArgumentError("AlembicMigrations(instance_identifier=)", identifier, remedy)
    return {} if identifier is None else {"InstanceIdentifier": identifier}


def let_read_free_storage(scope: Construct, roles: Sequence[iam.IRole]) -> None:
    """Lets `roles` read how much storage an instance has left, in a policy of its own below `scope`."""
    policy = iam.Policy(
        scope,
        "FreeStorage",
        roles=list(roles),
        statements=[iam.PolicyStatement(actions=["cloudwatch:GetMetricStatistics"], resources=["*"])],
    )
    acknowledge(policy, {wildcard(scope, "*"): _NO_RESOURCE})
