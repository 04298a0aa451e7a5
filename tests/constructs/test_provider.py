"""`scoped_provider`: the framework behind a custom resource reaches its log group and two functions."""

import json

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Match

from seachange.provider import scoped_provider
from tests.constructs.apps import new_stack, template


def test_no_managed_policy_and_no_bare_wildcard() -> None:
    stack = new_stack()
    log_group = logs.LogGroup(stack, "Logs")
    on_event, is_complete = (
        lambda_.Function(
            stack,
            name,
            handler="index.handler",
            code=lambda_.Code.from_inline("pass"),
            runtime=lambda_.Runtime.PYTHON_3_13,
        )
        for name in ("OnEvent", "IsComplete")
    )
    provider = scoped_provider(
        stack,
        "Provider",
        on_event=on_event,
        is_complete=is_complete,
        query_interval=Duration.seconds(10),
        total_timeout=Duration.minutes(20),
        log_group=log_group,
    )
    assert stack.resolve(provider.service_token)["Fn::GetAtt"][0].startswith("ProviderframeworkonEvent")
    found = template(stack)
    roles = found.find_resources("AWS::IAM::Role", {"Properties": {"ManagedPolicyArns": Match.any_value()}})
    assert {name for name in roles if name.startswith("Provider")} == set()
    for policy in found.find_resources("AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            assert statement["Resource"] != "*"
    for name, function in found.find_resources("AWS::Lambda::Function").items():
        if name.startswith("Provider"):
            assert function["Properties"]["LoggingConfig"]["LogGroup"] == {
                "Ref": stack.get_logical_id(_first(log_group))
            }
            assert {skip["id"] for skip in function["Metadata"]["checkov"]["skip"]} >= {"CKV_AWS_115", "CKV_AWS_116"}
    [machine] = found.find_resources("AWS::StepFunctions::StateMachine").values()
    assert '"IntervalSeconds":10,"MaxAttempts":120' in json.dumps(machine).replace('\\"', '"')


def _first(log_group: logs.LogGroup) -> logs.CfnLogGroup:
    resource = log_group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    return resource
