"""Autoscaling over both target groups."""

import json
from typing import Any

import pytest
from aws_cdk import CfnParameter

from seachange import BlueGreenLoadBalancer, InvalidArgumentError, ScalingTargets
from tests.constructs.apps import new_service, new_stack, only, resources, their_vpc


def policies(targets: ScalingTargets) -> tuple[dict[str, dict[str, Any]], list[Any]]:
    stack = new_stack()
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    new_service(stack, load_balancer=balancer, scaling=targets)
    found = resources(stack)
    target, _ = only(found, "AWS::ApplicationAutoScaling::ScalableTarget")
    made = [b["Properties"] for b in found.values() if b["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy"]
    assert all(policy["ScalingTargetId"] == {"Ref": target} for policy in made)
    names = [stack.resolve(group.target_group_full_name) for group in (balancer.blue, balancer.green)]
    return {policy["PolicyName"]: policy["TargetTrackingScalingPolicyConfiguration"] for policy in made}, names


def test_each_target_is_a_policy_that_scales_at_most_once_in_five_minutes() -> None:
    found, _ = policies(ScalingTargets(cpu_percent=60, memory_percent=70, requests_per_task=600))
    assert sorted(policy["TargetValue"] for policy in found.values()) == [60, 70, 600]
    assert all((policy["ScaleOutCooldown"], policy["ScaleInCooldown"]) == (300, 300) for policy in found.values())


def test_requests_are_counted_over_both_groups() -> None:
    found, groups = policies(ScalingTargets(requests_per_task=600))
    [policy] = found.values()
    queries = policy["CustomizedMetricSpecification"]["Metrics"]
    by_id = {query["Id"]: query for query in queries}
    for colour, group in zip(("blue", "green"), groups, strict=True):
        for metric in ("RequestCount", "HealthyHostCount"):
            stat = by_id[f"{colour}_{metric.lower()}"]["MetricStat"]
            assert stat["Metric"]["MetricName"] == metric
            assert json.dumps(group) in json.dumps(stat["Metric"]["Dimensions"])
    [result] = [query for query in queries if query["ReturnData"]]
    assert set(by_id) - {result["Id"]} == {name for name in by_id if name in result["Expression"]}


@pytest.mark.parametrize(
    "arguments",
    [{"cpu_percent": 0}, {"cpu_percent": "60"}, {"memory_percent": 101}, {"requests_per_task": 0}, {}],
    ids=str,
)
def test_refuses(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments), "no target")):
        ScalingTargets(**arguments)


def test_targets_may_be_known_only_when_the_stack_deploys() -> None:
    stack = new_stack()
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    targets = ScalingTargets(cpu_percent=number, memory_percent=number, requests_per_task=number)
    new_service(stack, scaling=targets)
    found = [r["Properties"] for r in resources(stack).values() if r["Type"].endswith("::ScalingPolicy")]
    values = [policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] for policy in found]
    assert values == [{"Ref": "Number"}] * 3
