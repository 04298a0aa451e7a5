"""`acknowledge`, and the ids it is given."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from seachange.findings import acknowledge, managed_policy, wildcard
from tests.constructs.apps import new_stack, only, resources


def test_checkov_reads_the_reasons_in_the_template() -> None:
    stack = new_stack()
    group = logs.LogGroup(stack, "Logs")
    acknowledge(group, {"CKV_AWS_158": "one"})
    acknowledge(group, {"CKV_AWS_66": "two", "AwsSolutions-X1": "three"})
    acknowledge(group, {"CKV_AWS_158": "one"})
    _, body = only(resources(stack), "AWS::Logs::LogGroup")
    assert body["Metadata"]["checkov"] == {
        "skip": [{"id": "CKV_AWS_158", "comment": "one"}, {"id": "CKV_AWS_66", "comment": "two"}]
    }


def test_ids_are_written_as_cdk_nag_writes_them() -> None:
    stack = new_stack()
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs.amazonaws.com"))
    name = stack.get_logical_id(role.node.default_child)  # type: ignore[arg-type]
    assert wildcard(stack, "*") == "AwsSolutions-IAM5[Resource::*]"
    assert (
        wildcard(stack, f"{role.role_arn}/{role.role_name}:*")
        == f"AwsSolutions-IAM5[Resource::<{name}.Arn>/<{name}>:*]"
    )
    part = cdk.Fn.select(1, cdk.Fn.split("/", role.role_arn))
    split = f'{{"Fn::Select":[1,{{"Fn::Split":["/",{{"Fn::GetAtt":["{name}","Arn"]}}]}}]}}'
    assert wildcard(stack, f"{part}/*") == f"AwsSolutions-IAM5[Resource::{split}/*]"
    assert managed_policy(stack, "X") == "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/X]"


def test_a_known_region_makes_the_partition_literal() -> None:
    flag = {"@aws-cdk/core:enablePartitionLiterals": True}
    stack = cdk.Stack(cdk.App(context=flag), "Placed", env=cdk.Environment(region="eu-west-1"))
    assert managed_policy(stack, "X") == "AwsSolutions-IAM4[Policy::arn:aws:iam::aws:policy/X]"
