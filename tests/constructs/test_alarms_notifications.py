"""Who is told of alarms and of deployments."""

import json
from typing import Any

import botocore.session
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from seachange import BlueGreenLoadBalancer, ReleaseAlarms
from seachange.alarms import DatabaseAlarms
from seachange.alarms.notifications import deployment_triggers
from tests.constructs.apps import new_stack, resources, their_vpc


def test_every_alarm_made_here_tells_when_it_fires_and_when_it_is_quiet_again() -> None:
    stack = new_stack()
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    topic = sns.Topic(stack, "Topic")
    theirs = cloudwatch.Alarm(
        stack, "Theirs", metric=cloudwatch.Metric(namespace="N", metric_name="M"), threshold=1, evaluation_periods=1
    )
    database = DatabaseAlarms(stack, "Db", instance_identifier="orders", max_connections=9, notifications=topic)
    ReleaseAlarms(
        stack,
        "Alarms",
        blue=balancer.blue,
        green=balancer.green,
        load_balancer=balancer.load_balancer,
        common=[*database.alarms, theirs],
        notifications=topic,
    )
    found = resources(stack)
    told = [stack.resolve(topic.topic_arn)]
    alarms = {name: body["Properties"] for name, body in found.items() if body["Type"] == "AWS::CloudWatch::Alarm"}
    ours = {name: body for name, body in alarms.items() if not name.startswith("Theirs")}
    assert len(ours) == 13 + 4
    for body in ours.values():
        assert (body["AlarmActions"], body["OKActions"]) == (told, told)
    # An alarm of the user's is the user's to wire, and a composite would say everything twice.
    for body in [alarms[name] for name in alarms.keys() - ours.keys()] + [
        body["Properties"] for body in found.values() if body["Type"] == "AWS::CloudWatch::CompositeAlarm"
    ]:
        assert "AlarmActions" not in body


def test_the_events_of_a_deployment_are_codedeploys() -> None:
    stack = new_stack()
    topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:123456789012:releases")
    [trigger] = stack.resolve(deployment_triggers(topic))
    model = botocore.session.get_session().get_service_model("codedeploy")
    known: Any = model.shape_for("TriggerEventType")
    assert set(trigger["triggerEvents"]) == {event for event in known.enum if event.startswith("Deployment")}
    assert "releases" in json.dumps(trigger["triggerTargetArn"])
    assert trigger["triggerName"]


def test_without_a_topic_nobody_is_told() -> None:
    assert deployment_triggers(None) == []
