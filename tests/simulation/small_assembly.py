"""The least cloud assembly that holds a shift: target groups, a plan, alarms."""

import json
from pathlib import Path
from typing import Any

_ERRORS = {
    "ComparisonOperator": "GreaterThanThreshold",
    "DatapointsToAlarm": 2,
    "EvaluationPeriods": 3,
    "Threshold": 2,
    "TreatMissingData": "notBreaching",
}


def stat(name: str, metric: str) -> dict[str, Any]:
    """A query for a metric of green's."""
    dimensions = [{"Name": "TargetGroup", "Value": {"Ref": "Green"}}, {"Name": "LoadBalancer", "Value": "app/b/1"}]
    named = {"Namespace": "AWS/ApplicationELB", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": named, "Stat": "Sum", "Period": 60}, "ReturnData": False}


def alarm(expression: str, **changes: Any) -> dict[str, Any]:
    """An alarm over green's requests and errors."""
    queries = [
        {"Id": "result", "Expression": expression},
        stat("requests", "RequestCount"),
        stat("errors", "HTTPCode_Target_5XX_Count"),
    ]
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": _ERRORS | {"Metrics": queries} | changes}


RATE = alarm("IF(requests >= 50, 100 * FILL(errors, 0) / requests, 0)")


def assembly(directory: Path, **alarms: dict[str, Any]) -> Path:
    """Written to a directory; a rate alarm unless others are given, all of them on green."""
    alarms = alarms or {"Rate": RATE}
    linear = {"LinearPercentage": 10, "LinearInterval": 3}
    pair = {
        "TargetGroups": [{"Name": {"Fn::GetAtt": [name, "TargetGroupName"]}} for name in ("Blue", "Green")],
        "ProdTrafficRoute": {"ListenerArns": [{"Ref": "Listener"}]},
    }
    resources = {
        **{name: {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {}} for name in ("Blue", "Green")},
        "Config": {
            "Type": "AWS::CodeDeploy::DeploymentConfig",
            "Properties": {"TrafficRoutingConfig": {"Type": "TimeBasedLinear", "TimeBasedLinear": linear}},
        },
        "Group": {
            "Type": "AWS::CodeDeploy::DeploymentGroup",
            "Properties": {
                "DeploymentConfigName": {"Ref": "Config"},
                "AutoRollbackConfiguration": {"Enabled": True, "Events": ["DEPLOYMENT_STOP_ON_ALARM"]},
                "BlueGreenDeploymentConfiguration": {
                    "TerminateBlueInstancesOnDeploymentSuccess": {"TerminationWaitTimeInMinutes": 30}
                },
                "LoadBalancerInfo": {"TargetGroupPairInfoList": [pair]},
            },
        },
        "Deployment": {
            "Type": "Custom::SeaChangeDeployment",
            "Properties": {
                "BlueTargetGroup": {"Ref": "Blue"},
                "GreenTargetGroup": {"Ref": "Green"},
                "GreenAlarms": [{"Ref": name} for name in alarms],
            },
        },
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "s.template.json").write_text(json.dumps({"Resources": resources | alarms}), "utf-8")
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "s.template.json"}}
    (directory / "manifest.json").write_text(json.dumps({"artifacts": {"s": stack}}), "utf-8")
    return directory
