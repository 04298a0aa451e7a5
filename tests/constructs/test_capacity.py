"""Capacity of a release: what ECS would refuse when the deployment starts."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs

from seachange import InvalidArgumentError
from seachange.capacity import check_capacity, check_own_capacity
from tests.constructs.apps import new_stack


def strategy(name: str = "FARGATE", **shares: Any) -> ecs.CapacityProviderStrategy:
    return ecs.CapacityProviderStrategy(capacity_provider=name, **shares)


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        ([], "'0 of them': give 1 to 20"),
        ([strategy(str(n), weight=1) for n in range(21)], "'21 of them': give 1 to 20"),
        ([strategy(weight=1), strategy(weight=2)], "'FARGATE': name each capacity provider once"),
        ([strategy()], "weights that are all 0.*weight of 1 or more"),
        ([strategy(base=1), strategy("FARGATE_SPOT", weight=0)], "weights that are all 0.*weight of 1 or more"),
        (
            [strategy(base=1, weight=1), strategy("FARGATE_SPOT", base=1)],
            "a base for each of FARGATE, FARGATE_SPOT.*ECS takes one",
        ),
        ([strategy(weight=1001)], "weight of FARGATE cannot be 1001.*0 to 1,000"),
        ([strategy(weight=0.5)], "weight of FARGATE cannot be 0.5.*whole number"),
        ([strategy(base=-1, weight=1)], "base of FARGATE cannot be -1.*0 to 100,000"),
    ],
)
def test_refuses(strategies: list[ecs.CapacityProviderStrategy], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"BlueGreenService\(capacity_providers=\).*{message}"):
        check_capacity(strategies)


def test_takes_one_base_any_names_and_what_is_known_later() -> None:
    number = cdk.CfnParameter(new_stack(), "Number", type="Number").value_as_number
    check_capacity([strategy(base=2, weight=1), strategy("theirs", base=0, weight=3)])
    check_capacity([strategy(base=1, weight=number), strategy(cdk.Fn.import_value("Provider"), base=number)])


def test_a_cluster_of_our_own_has_two_providers() -> None:
    check_own_capacity([strategy(), strategy("FARGATE_SPOT"), strategy(cdk.Fn.import_value("Provider"))])
    with pytest.raises(InvalidArgumentError, match="'FARGATESPOT': give FARGATE or FARGATE_SPOT"):
        check_own_capacity([strategy(), strategy("FARGATESPOT")])
