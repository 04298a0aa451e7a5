"""What is read of the production listener, and what is told of the rest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seachange.assembly import Assembly
from seachange.plan.listener import read_listener
from seachange.plan.routing import Condition, FixedResponse, Forward, Listener, Redirect, Rule

COLOURS = {"Blue": "blue", "Green": "green"}
Resources = dict[str, dict[str, Any]]


def arn(logical_id: str) -> dict[str, str]:
    return {"Ref": logical_id}


def forward(logical_id: str = "Blue") -> dict[str, Any]:
    return {"Type": "forward", "TargetGroupArn": arn(logical_id)}


def resources(**changes: Mapping[str, Any]) -> Resources:
    """A load balancer with one listener and two target groups; changes are properties of theirs, or whole rules."""
    kinds = {"Balancer": "LoadBalancer", "Listener": "Listener", "Blue": "TargetGroup", "Green": "TargetGroup"}
    properties: dict[str, dict[str, Any]] = {
        "Balancer": {},
        "Listener": {"LoadBalancerArn": arn("Balancer"), "Port": 80, "Protocol": "HTTP", "DefaultActions": [forward()]},
        "Blue": {},
        "Green": {},
    }
    for name, change in changes.items():
        properties[name] = properties.get(
            name, {"ListenerArn": arn("Listener"), "Priority": 1, "Actions": [forward()]}
        ) | dict(change)
    return {
        name: {"Type": f"AWS::ElasticLoadBalancingV2::{kinds.get(name, 'ListenerRule')}", "Properties": body}
        for name, body in properties.items()
    }


def read(directory: Path = Path(), **changes: Mapping[str, Any]) -> Listener:
    assembly = Assembly(directory, {"stack": {"Resources": resources(**changes)}}, {}, {})
    return read_listener(assembly, assembly.one("AWS::ElasticLoadBalancingV2::Listener"), COLOURS)


def attributes(**values: str) -> list[dict[str, str]]:
    return [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]


def condition(field: str, **config: Any) -> dict[str, Any]:
    name = "".join(part.capitalize() for part in field.split("-"))
    return {"Field": field, f"{name}Config": config}


def test_the_example_forwards_everything_and_nothing_is_left_out(green: Path) -> None:
    assembly = Assembly.load(green)
    group = assembly.one("AWS::CodeDeploy::DeploymentGroup")
    pair = group.properties["LoadBalancerInfo"]["TargetGroupPairInfoList"][0]
    listener = assembly.target(pair["ProdTrafficRoute"]["ListenerArns"][0], of=group)
    assert listener is not None
    names = [entry["Name"]["Fn::GetAtt"][0] for entry in pair["TargetGroups"]]
    found = read_listener(assembly, listener, dict(zip(names, ("blue", "green"), strict=True)))
    assert found == Listener(port=listener.properties["Port"], protocol=listener.properties["Protocol"].lower())


def test_rules_are_read_by_priority() -> None:
    found = read(
        Last={
            "Priority": 30,
            "Conditions": [
                condition("http-header", HttpHeaderName="X-Key", Values=["a*"]),
                condition("query-string", Values=[{"Key": "open", "Value": "y"}, {"Value": "sesame"}]),
                condition("http-request-method", Values=["GET"]),
            ],
        },
        First={
            "Priority": 2,
            "Conditions": [{"Field": "path-pattern", "Values": ["/old"]}],
            "Actions": [
                {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "410", "MessageBody": "gone"}}
            ],
        },
        Second={
            "Priority": 10,
            "Conditions": [
                condition("path-pattern", Values=["/a", "/b"]),
                condition("host-header", Values=["x.example.com"]),
            ],
        },
    )
    assert found.rules == (
        Rule(
            priority=2,
            conditions=(Condition(subject="path", values=("/old",)),),
            action=FixedResponse(status=410, body="gone"),
        ),
        Rule(
            priority=10,
            conditions=(
                Condition(subject="path", values=("/a", "/b")),
                Condition(subject="host", values=("x.example.com",)),
            ),
            action=Forward(groups={"blue": 1}),
        ),
        Rule(
            priority=30,
            conditions=(
                Condition(subject="header", values=("a*",), header="X-Key"),
                Condition(subject="query", values=("open=y", "sesame")),
                Condition(subject="method", values=("GET",)),
            ),
            action=Forward(groups={"blue": 1}),
        ),
    )
    assert found.not_rehearsed == ()


def test_a_weighted_sticky_forward() -> None:
    config = {
        "TargetGroups": [{"TargetGroupArn": arn("Blue"), "Weight": 9}, {"TargetGroupArn": arn("Green"), "Weight": 0}],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 120},
    }
    found = read(Listener={"DefaultActions": [{"Type": "forward", "ForwardConfig": config}]})
    assert found.default == Forward(groups={"blue": 9, "green": 0}, sticky_s=120)
    config["TargetGroupStickinessConfig"] = {"Enabled": False}
    assert read(Listener={"DefaultActions": [{"Type": "forward", "ForwardConfig": config}]}).default == Forward(
        groups={"blue": 9, "green": 0}
    )


@pytest.mark.parametrize(
    ("config", "redirect"),
    [
        (
            {
                "Protocol": "HTTPS",
                "Port": "443",
                "Host": "#{host}",
                "Path": "/#{path}",
                "Query": "#{query}",
                "StatusCode": "HTTP_301",
            },
            Redirect(status=301, protocol="https", port=443),
        ),
        ({"Path": "/new/#{path}", "StatusCode": "HTTP_302"}, Redirect(status=302, path="/new/#{path}")),
        ({"Path": "/x", "Query": "a=1", "StatusCode": "HTTP_302"}, Redirect(status=302, path="/x", query="a=1")),
    ],
)
def test_redirects(config: dict[str, str], redirect: Redirect) -> None:
    assert read(Listener={"DefaultActions": [{"Type": "redirect", "RedirectConfig": config}]}).default == redirect


def test_attributes_and_protocol() -> None:
    found = read(
        Balancer={"LoadBalancerAttributes": attributes(idle_timeout__timeout_seconds="120")},
        Listener={"Port": 443, "Protocol": "HTTPS"},
        Blue={"TargetGroupAttributes": attributes(load_balancing__algorithm__type="least_outstanding_requests")},
    )
    assert (found.port, found.protocol, found.idle_timeout_s) == (443, "https", 120)
    assert (found.algorithm, found.not_rehearsed) == ("least_outstanding_requests", ())
    assert read().idle_timeout_s == 60


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"Conditions": [condition("source-ip", Values=["10.0.0.0/8"])]}, "its source-ip condition cannot hold here"),
        (
            {"Conditions": [condition("path-pattern", RegexValues=["^/a"])]},
            "its path-pattern condition is a regular expression",
        ),
        (
            {"Conditions": [condition("host-header", Values=[{"Ref": "Domain"}])]},
            'known only on AWS: {"Ref": "Domain"}',
        ),
        ({"Conditions": [condition("moon-phase", Values=["full"])]}, "its condition on moon-phase is not known here"),
        ({"Transforms": [{"Type": "url-rewrite"}]}, "its transforms rewrite the request"),
        (
            {"Actions": [{"Type": "authenticate-oidc", "Order": 1}]},
            "its action authenticate-oidc is not performed here",
        ),
        (
            {"Actions": [{"Type": "redirect", "RedirectConfig": {"Host": "www.#{host}", "StatusCode": "HTTP_301"}}]},
            "its redirect to www.#{host} puts the address together",
        ),
    ],
)
def test_a_rule_that_cannot_be_performed_is_left_out_and_told(rule: dict[str, Any], reason: str) -> None:
    found = read(Odd={"Priority": 7} | rule)
    assert found.rules == ()
    (told,) = found.not_rehearsed
    assert told.startswith("listener rule Odd (priority 7): ")
    assert reason in told


def test_what_stands_before_the_answer_is_told() -> None:
    actions = [forward() | {"Order": 2}, {"Type": "authenticate-cognito", "Order": 1}]
    found = read(Members={"Actions": actions})
    assert [rule.action for rule in found.rules] == [Forward(groups={"blue": 1})]
    assert found.not_rehearsed == (
        "listener rule Members (priority 1): its action authenticate-cognito; requests pass without it here",
    )


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ({"Else": 1}, "it forwards to Else, no part of this deployment; 503 is answered here"),
        (
            {"Blue": 1, "Else": 1},
            "it forwards to Else, no part of this deployment; the deployment's groups get their share here",
        ),
    ],
)
def test_a_strangers_group_is_told(groups: dict[str, int], told: str) -> None:
    config = {"TargetGroups": [{"TargetGroupArn": arn(name), "Weight": weight} for name, weight in groups.items()]}
    found = read(Other={"Actions": [{"Type": "forward", "ForwardConfig": config}]})
    assert [text.partition(": ")[2] for text in found.not_rehearsed] == [told]


def test_a_default_action_that_cannot_be_performed_forwards() -> None:
    found = read(Listener={"DefaultActions": [{"Type": "authenticate-oidc"}]})
    assert found.default == Forward(groups={"blue": 1})
    assert "the listener's default action: its action authenticate-oidc" in found.not_rehearsed[0]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"stickiness__enabled": "true", "stickiness__type": "app_cookie"}, "sticky targets (app_cookie)"),
        ({"slow_start__duration_seconds": "30"}, "its slow start of 30 s"),
        ({"load_balancing__algorithm__anomaly_mitigation": "on"}, "anomaly mitigation"),
        (
            {"target_group_health__unhealthy_state_routing__minimum_healthy_targets__count": "2"},
            "minimum_healthy_targets.count = 2; the group fails open only when no target is healthy here",
        ),
    ],
)
def test_attributes_that_cannot_be_performed_are_told(values: dict[str, str], told: str) -> None:
    (text,) = read(Green={"TargetGroupAttributes": attributes(**values)}).not_rehearsed
    assert text.startswith("target group Green: ")
    assert told in text


def test_another_protocol_and_another_load_balancer_are_told() -> None:
    grpc = {"ProtocolVersion": "GRPC"}
    assert "protocol version GRPC" in read(Blue=grpc).not_rehearsed[0]
    imported = {"LoadBalancerArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/x/1"}
    assert "it is not in the template; an idle timeout of 60 s was taken" in read(Listener=imported).not_rehearsed[0]


def test_another_listeners_rules_are_not_ours() -> None:
    body = resources(Mine={"Priority": 5})
    body["Other"] = json.loads(json.dumps(body["Listener"]))
    body["Theirs"] = json.loads(json.dumps(body["Mine"]))
    body["Theirs"]["Properties"]["ListenerArn"] = arn("Other")
    assembly = Assembly(Path(), {"stack": {"Resources": body}}, {}, {})
    ours = next(
        item for item in assembly.of_type("AWS::ElasticLoadBalancingV2::Listener") if item.logical_id == "Listener"
    )
    assert [rule.priority for rule in read_listener(assembly, ours, COLOURS).rules] == [5]
