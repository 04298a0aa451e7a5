"""`max_connections_of`."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from seachange.instances import max_connections_of


@pytest.mark.parametrize(
    ("name", "gib"),
    [
        ("t4g.micro", 1),
        ("t3.small", 2),
        ("t4g.medium", 4),
        ("db.t4g.2xlarge", 32),
        ("m7g.large", 8),
        ("m6i.xlarge", 16),
        ("r6g.large", 16),
    ],
)
def test_the_formula_over_the_whole_memory(name: str, gib: int) -> None:
    assert max_connections_of(ec2.InstanceType(name)) == gib * 1024**3 // 9531392


def test_postgresql_takes_no_more_than_five_thousand() -> None:
    assert max_connections_of(ec2.InstanceType("r7g.16xlarge")) == 5000


@pytest.mark.parametrize("name", ["z9.large", "m7g.medium", "m7g.huge", "x2iedn.xlarge"])
def test_nothing_is_said_of_a_class_that_is_not_known(name: str) -> None:
    assert max_connections_of(ec2.InstanceType(name)) is None


def test_nor_of_one_that_shows_only_at_deployment() -> None:
    assert max_connections_of(ec2.InstanceType(cdk.Fn.import_value("class"))) is None
