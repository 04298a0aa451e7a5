"""`DatabaseAlarms` and `DatabaseThresholds`."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ssm as ssm

from seachange import InvalidArgumentError
from seachange.alarms import DatabaseAlarms, DatabaseThresholds
from tests.constructs.apps import new_stack, resources

GIVEN: dict[str, Any] = {"instance_identifier": "orders", "max_connections": 200}


def alarms(stack: cdk.Stack, **arguments: Any) -> dict[str, dict[str, Any]]:
    """The alarms' properties by construct id."""
    made = DatabaseAlarms(stack, "Db", **GIVEN | arguments)
    ids = {stack.get_logical_id(child.node.default_child): child.node.id for child in made.node.children}  # type: ignore[arg-type]
    assert len(made.alarms) == len(ids)
    found = resources(stack)
    return {ids[name]: body["Properties"] for name, body in found.items() if name in ids}


def test_one_alarm_for_each_trouble() -> None:
    found = alarms(new_stack(), replica_identifiers=["orders-r1", "orders-r2"])
    simple = {
        name: (
            body["MetricName"],
            body["Statistic"],
            body["ComparisonOperator"],
            body["Threshold"],
            body["DatapointsToAlarm"],
            body["EvaluationPeriods"],
            body["TreatMissingData"],
            body["Dimensions"],
        )
        for name, body in found.items()
        if "MetricName" in body
    }

    def of(identifier: str) -> list[dict[str, str]]:
        return [{"Name": "DBInstanceIdentifier", "Value": identifier}]

    above, below = "GreaterThanThreshold", "LessThanThreshold"
    assert simple == {
        "Cpu": ("CPUUtilization", "Average", above, 90, 5, 5, "breaching", of("orders")),
        "FreeableMemory": ("FreeableMemory", "Minimum", below, 100 * 1024**2, 3, 3, "ignore", of("orders")),
        "FreeStorage": ("FreeStorageSpace", "Minimum", below, 1024**3, 3, 3, "ignore", of("orders")),
        "ReplicaLag1": ("ReplicaLag", "Maximum", above, 600, 3, 3, "breaching", of("orders-r1")),
        "ReplicaLag2": ("ReplicaLag", "Maximum", above, 600, 3, 3, "breaching", of("orders-r2")),
    }
    assert set(found) == {*simple, "Connections"}


def test_connections_are_a_share_of_the_instances_limit() -> None:
    body = alarms(new_stack())["Connections"]
    result, connections = body["Metrics"]
    assert result["Expression"] == "100 * connections / 200"
    assert connections["MetricStat"]["Metric"]["MetricName"] == "DatabaseConnections"
    assert connections["MetricStat"]["Stat"] == "Maximum"
    assert (body["Threshold"], body["DatapointsToAlarm"], body["EvaluationPeriods"]) == (80, 2, 3)
    assert body["TreatMissingData"] == "ignore"


def test_another_stack_may_publish_identifier_and_limit() -> None:
    stack = new_stack()
    identifier, limit = (
        ssm.StringParameter.value_for_string_parameter(stack, f"/orders/database/{name}") for name in ("id", "limit")
    )
    found = alarms(stack, instance_identifier=identifier, max_connections=cdk.Token.as_number(limit))
    [dimension] = found["Cpu"]["Dimensions"]
    assert dimension["Value"] == stack.resolve(identifier)
    expression = found["Connections"]["Metrics"][0]["Expression"]
    assert expression == {"Fn::Join": ["", ["100 * connections / ", stack.resolve(limit)]]}


def test_the_thresholds_are_theirs() -> None:
    thresholds = DatabaseThresholds(
        connections_percent=70, cpu_percent=60, freeable_memory_mib=512, free_storage_gib=5, replica_lag_seconds=30
    )
    found = alarms(new_stack(), replica_identifiers=["orders-r1"], thresholds=thresholds)
    assert {name: body["Threshold"] for name, body in found.items()} == {
        "Connections": 70,
        "Cpu": 60,
        "FreeableMemory": 512 * 1024**2,
        "FreeStorage": 5 * 1024**3,
        "ReplicaLag1": 30,
    }


def test_thresholds_may_be_known_only_when_the_stack_deploys() -> None:
    stack = new_stack()
    number = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
    thresholds = DatabaseThresholds(
        connections_percent=number,
        cpu_percent=number,
        freeable_memory_mib=number,
        free_storage_gib=number,
        replica_lag_seconds=number,
    )
    found = alarms(stack, replica_identifiers=["orders-r1"], thresholds=thresholds)
    assert {name: body["Threshold"] for name, body in found.items()} == {name: {"Ref": "Number"} for name in found}
    # CloudFormation does not multiply: the metric is divided.
    for name, metric, unit in (
        ("FreeableMemory", "FreeableMemory", 1024**2),
        ("FreeStorage", "FreeStorageSpace", 1024**3),
    ):
        result, source = found[name]["Metrics"]
        assert result["Expression"] == f"bytes / {unit}"
        assert (source["Id"], source["MetricStat"]["Stat"]) == ("bytes", "Minimum")
        assert source["MetricStat"]["Metric"]["MetricName"] == metric


def test_an_instance_class_of_unknown_memory_is_explained() -> None:
    with pytest.raises(InvalidArgumentError, match=r"None: .*SHOW max_connections.*instance class it does not know"):
        DatabaseAlarms(cdk.Stack(), "Db", instance_identifier="orders", max_connections=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_connections": 0},
        {"max_connections": None},
        {"instance_identifier": ""},
        {"replica_identifiers": [""]},
        {"replica_identifiers": "orders-r1"},
    ],
)
def test_refuses(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        DatabaseAlarms(cdk.Stack(), "Db", **GIVEN | arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"connections_percent": 100},
        {"cpu_percent": 0},
        {"freeable_memory_mib": 0},
        {"free_storage_gib": -1},
        {"replica_lag_seconds": 0},
    ],
)
def test_refuses_thresholds(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        DatabaseThresholds(**arguments)
