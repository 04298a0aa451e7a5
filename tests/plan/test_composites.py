"""Composite alarms out of the template, and what they make of their children's states."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seachange.assembly import Assembly
from seachange.evaluation import STATES, State
from seachange.plan.alarms import Alarms, read_alarms
from tests.plan.test_alarms import SIMPLE

CHILDREN = ("A", "B", "C")


def read(rule: Any, **more: Mapping[str, Any]) -> Alarms:
    """The alarms of a deployment that names one composite over three alarms."""
    resources = {
        name: {"Type": "AWS::CloudWatch::Alarm", "Properties": {**SIMPLE, "AlarmName": f"the {name}"}}
        for name in CHILDREN
    }
    composite = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": rule}}
    deployment = {"Type": "Custom::SeaChangeDeployment", "Properties": {"GreenAlarms": [{"Ref": "Composite"}]}}
    template = {"Resources": resources | {"Composite": composite, "Deployment": deployment} | more}
    assembly = Assembly(Path("cdk.out"), {"s": template}, {}, {})
    return read_alarms(assembly, assembly.one("Custom::SeaChangeDeployment"))


def alarm_when(rule: Any) -> set[tuple[State, ...]]:
    """The states of A, B and C in which the composite is in ALARM."""
    (composite,) = read(rule).composites
    return {
        states
        for states in product(STATES, repeat=len(CHILDREN))
        if composite.state(dict(zip(CHILDREN, states, strict=True))) == "ALARM"
    }


def where(holds: Any) -> set[tuple[State, ...]]:
    return {
        states
        for states in product(STATES, repeat=len(CHILDREN))
        if holds(SimpleNamespace(**dict(zip(CHILDREN, states, strict=True))))
    }


def joined(*parts: Any) -> dict[str, Any]:
    return {"Fn::Join": ["", list(parts)]}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ('ALARM("the A")', lambda s: s.A == "ALARM"),
        ("OK(the A)", lambda s: s.A == "OK"),
        ('INSUFFICIENT_DATA ( "the C" )', lambda s: s.C == "INSUFFICIENT_DATA"),
        ('ALARM("the A") AND OK("the B")', lambda s: s.A == "ALARM" and s.B == "OK"),
        ('ALARM("the A") OR ALARM("the B") AND ALARM("the C")', lambda s: s.A == "ALARM" or s.B == s.C == "ALARM"),
        ('(ALARM("the A") OR ALARM("the B")) AND ALARM("the C")', lambda s: "ALARM" in (s.A, s.B) and s.C == "ALARM"),
        (
            'NOT ALARM("the A") AND NOT (OK("the B") OR ALARM("the C"))',
            lambda s: s.A != "ALARM" and s.B != "OK" and s.C != "ALARM",
        ),
        ('NOT NOT ALARM("the A")', lambda s: s.A == "ALARM"),
        ("TRUE", lambda _: True),
        ("FALSE", lambda _: False),
        ('FALSE OR (TRUE AND ALARM("the B"))', lambda s: s.B == "ALARM"),
        ('ALARM("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:the B")', lambda s: s.B == "ALARM"),
        (
            joined('ALARM("', {"Ref": "A"}, '") OR ALARM("', {"Fn::GetAtt": ["B", "Arn"]}, '")'),
            lambda s: "ALARM" in (s.A, s.B),
        ),
        (
            joined(
                'ALARM("arn:aws:cloudwatch:',
                {"Ref": "AWS::Region"},
                ":",
                {"Ref": "AWS::AccountId"},
                ":alarm:",
                {"Ref": "C"},
                '")',
            ),
            lambda s: s.C == "ALARM",
        ),
    ],
)
def test_a_rule(rule: Any, holds: Any) -> None:
    assert alarm_when(rule) == where(holds)


def test_the_children_are_read_too_and_a_composite_over_a_composite_after_it() -> None:
    inner = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": 'ALARM("the B")'}}
    alarms = read(joined('ALARM("', {"Ref": "Inner"}, '") AND ALARM("the A")'), Inner=inner)
    assert {alarm.name for alarm in alarms.single} == {"A", "B"}
    assert [(composite.name, set(composite.children)) for composite in alarms.composites] == [
        ("Inner", {"B"}),
        ("Composite", {"Inner", "A"}),
    ]
    assert alarms.unread == ()


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ('ALARM("another")', "Composite: its rule asks for another, which is not in the service's template"),
        ('ALARM("the A") OR', "cannot be read from here on: its end"),
        ('ALARM("the A") XOR ALARM("the B")', "cannot be read from here on: XOR"),
        ('(ALARM("the A")', "cannot be read from here on: its end"),
        ('ALARM("the A") ALARM("the B")', 'cannot be read from here on: ALARM("the B")'),
        ({"Fn::ImportValue": "rule"}, "its rule is known only on AWS"),
        (joined('ALARM("', {"Ref": "Odd"}, '")'), "its rule asks for Odd, which is not evaluated here"),
    ],
)
def test_what_cannot_be_read_is_listed(rule: Any, reason: str) -> None:
    odd = {"Type": "AWS::CloudWatch::Alarm", "Properties": {**SIMPLE, "Period": {"Ref": "P"}}}
    alarms = read(rule, Odd=odd)
    assert alarms.composites == ()
    assert reason in alarms.unread[-1]
