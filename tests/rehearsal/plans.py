"""A made-up plan: group B serves and G will, each with an alarm on its share of 5xx answers; a third alarm is on what no stage measures."""

import json
from pathlib import Path

import pytest

from seachange.evaluation import Alarm, Metric
from seachange.plan.model import HealthCheck, Migration, Plan, Release, Shift, Step
from seachange.plan.routing import Listener


def alarm(group: str, *, namespace: str = "AWS/ApplicationELB") -> Alarm:
    dimensions = {
        "LoadBalancer": '"lb"',
        "TargetGroup": json.dumps({"Fn::GetAtt": [group, "TargetGroupFullName"]}),
    }
    names = {"errors": "HTTPCode_Target_5XX_Count", "requests": "RequestCount"}
    return Alarm(
        name=f"{group}Errors{namespace[-1]}",
        metrics={
            key: Metric(namespace=namespace, name=name, dimensions=dimensions, statistic="Sum")
            for key, name in names.items()
        },
        expression="IF(requests >= 50, 100 * FILL(errors, 0) / requests, 0)",
        period_s=60,
        threshold=2,
        comparison="GreaterThanThreshold",
        evaluation_periods=3,
        datapoints_to_alarm=2,
        missing_data="notBreaching",
    )


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    migration = Migration(
        label="s/m",
        properties={},
        on_event="",
        is_complete="",
        directory=tmp_path,
        environment={},
        timeout_s=1,
        limit_s=1,
        secret_templates={},
    )
    release = Release(
        name="v1",
        container_port=8080,
        command=(),
        stop_timeout_s=30,
        sidecar=None,
        environment={},
        secrets=(),
        tasks=1,
        migration=migration,
    )
    alarms = (alarm("B"), alarm("G"), alarm("G", namespace="AWS/RDS"))
    return Plan(
        blue=release,
        green=release,
        health=HealthCheck(path="/", interval_s=30, timeout_s=5, healthy=2, unhealthy=3, codes="200"),
        deregistration_delay_s=0,
        production_port=80,
        test_port=8080,
        listener=Listener(),
        shift=Shift(
            steps=(Step(at_s=0, green_weight=100),),
            bake_s=0,
            alarms=alarms,
            unread_alarms=(),
            decisive=frozenset({"GErrorsB"}),
            colours={"B": "blue", "G": "green"},
            rolls_back_on_alarm=True,
        ),
        smoke=None,
        hooks=(),
    )
