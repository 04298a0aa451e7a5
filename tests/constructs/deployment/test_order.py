"""The deployment comes last."""

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import IConstruct

from seachange import BlueGreenLoadBalancer
from tests.constructs.apps import Resources, new_service, new_stack, only, resources, their_vpc
from tests.constructs.fragments import references

pytestmark = pytest.mark.slow

DEPLOYMENT = "Custom::SeaChangeDeployment"


def before(found: Resources, logical_id: str) -> set[str]:
    """All that CloudFormation finishes before it starts on a resource."""
    done: set[str] = set()
    waiting = {logical_id}
    while waiting:
        body = found[waiting.pop()]
        needs = {*body.get("DependsOn", []), *references(body.get("Properties", {}))} & found.keys()
        waiting |= needs - done
        done |= needs
    return done


def test_everything_else_comes_first() -> None:
    stack = new_stack()
    new_service(stack)
    # Defined later, and by nobody that the service knows.
    s3.CfnBucket(stack, "Later")
    found = resources(stack)
    deployment, _ = only(found, DEPLOYMENT)
    assert before(found, deployment) == found.keys() - {deployment}


def test_what_exists_under_a_condition_comes_first_when_it_exists() -> None:
    stack = new_stack()
    new_service(stack)
    condition = cdk.CfnCondition(stack, "Wanted", expression=cdk.Fn.condition_equals(cdk.Aws.REGION, "eu-west-1"))
    needed = s3.CfnBucket(stack, "Needed")
    maybe = sns.CfnTopic(stack, "Maybe")
    maybe.cfn_options.condition = condition
    maybe.node.add_dependency(needed)
    counted = cdk.CfnResource(stack, "Counted", type="AWS::CDK::Metadata")
    counted.cfn_options.condition = condition
    found = resources(stack)
    deployment, body = only(found, DEPLOYMENT)
    assert body["Properties"]["After"] == [{"Fn::If": ["Wanted", {"Ref": "Maybe"}, {"Ref": "AWS::NoValue"}]}]
    # DependsOn names nothing that may not exist, and leaves out nothing that a conditional resource would have stood for.
    assert {"Maybe", "Counted"}.isdisjoint(body["DependsOn"])
    assert before(found, deployment) >= found.keys() - {deployment, "Maybe", "Counted"}


def test_what_a_release_changes_is_named_whatever_lies_between() -> None:
    stack = new_stack()
    service = new_service(stack)
    theirs = cdk.CustomResource(stack, "Theirs", service_token="arn:aws:lambda:eu-west-1:123456789012:function:theirs")
    named = cdk.CustomResource(
        stack,
        "Named",
        service_token="arn:aws:lambda:eu-west-1:123456789012:function:theirs",
        resource_type="Custom::Theirs",
    )
    bucket = s3.CfnBucket(stack, "Between")
    bucket.node.add_dependency(theirs, named)
    found = resources(stack)
    _, deployment = only(found, DEPLOYMENT)
    kinds = {found[name]["Type"]: name for name in deployment["DependsOn"]}
    assert {"AWS::CloudFormation::CustomResource", "Custom::Theirs", "AWS::ECS::TaskDefinition"} <= kinds.keys()
    assert {"Ref": kinds["AWS::ECS::TaskDefinition"]} == stack.resolve(service.task_definition.task_definition_arn)
    assert stack.get_logical_id(bucket) in deployment["DependsOn"]


def test_what_an_aspect_adds_comes_first() -> None:
    stack = new_stack()
    new_service(stack)

    @jsii.implements(cdk.IAspect)
    class AddsATopic:
        def visit(self, node: IConstruct) -> None:
            if node.node.path == stack.node.path:
                sns.CfnTopic(stack, "FromAnAspect")

    cdk.Aspects.of(stack).add(AddsATopic())
    found = resources(stack)
    deployment, _ = only(found, DEPLOYMENT)
    assert only(found, "AWS::SNS::Topic")[0] in before(found, deployment)


def test_what_depends_on_a_deployment_comes_after_it() -> None:
    stack = new_stack()
    service = new_service(stack)
    by_order = sns.CfnTopic(stack, "ByOrder")
    by_order.node.add_dependency(service.deployment)
    by_reference = sns.CfnTopic(stack, "ByReference", display_name=service.deployment.get_att_string("DeploymentId"))
    indirectly = sns.CfnTopic(
        stack, "Indirectly", display_name=cdk.Fn.sub(f"after ${{{stack.get_logical_id(by_order)}}}")
    )
    found = resources(stack)
    deployment, _ = only(found, DEPLOYMENT)
    after = {stack.get_logical_id(topic) for topic in (by_order, by_reference, indirectly)}
    assert before(found, deployment) == found.keys() - after - {deployment}


@pytest.mark.parametrize("count", [2, 3])
def test_several_services_of_one_stack_do_not_wait_for_each_other(count: int) -> None:
    stack = new_stack()
    vpc = their_vpc(stack)
    for number in range(count):
        new_service(stack, f"Shop{number}", load_balancer=BlueGreenLoadBalancer(stack, f"Balancer{number}", vpc=vpc))
    found = resources(stack)
    deployments = {name for name, body in found.items() if body["Type"] == DEPLOYMENT}
    assert len(deployments) == count
    for deployment in deployments:
        assert before(found, deployment) == found.keys() - deployments


def test_a_nested_stack_comes_first() -> None:
    stack = new_stack()
    new_service(stack)
    nested = cdk.NestedStack(stack, "Nested")
    sns.CfnTopic(nested, "Inside")
    found = resources(stack)
    deployment, _ = only(found, DEPLOYMENT)
    assert only(found, "AWS::CloudFormation::Stack")[0] in before(found, deployment)


def test_what_the_template_leaves_out_is_not_waited_for() -> None:
    stack = new_stack()
    new_service(stack)
    iam.Policy(stack, "Empty", roles=[iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))])
    found = resources(stack)
    _, deployment = only(found, DEPLOYMENT)
    assert set(deployment["DependsOn"]) <= found.keys()


def test_a_logical_id_of_somebodys_own_is_used() -> None:
    stack = new_stack()
    new_service(stack)
    bucket = s3.CfnBucket(stack, "Bucket")
    bucket.override_logical_id("TheirBucket")
    found = resources(stack)
    _, deployment = only(found, DEPLOYMENT)
    assert "TheirBucket" in deployment["DependsOn"]
    assert set(deployment["DependsOn"]) <= found.keys()
