"""`BlueGreenLoadBalancer`."""

from typing import Any

import pytest
from aws_cdk import Tags
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match

from seachange import BlueGreenLoadBalancer, InvalidArgumentError
from tests.constructs.apps import Resources, new_stack, only, resources, template, their_vpc
from tests.constructs.deployment.test_order import before

LISTENER, GROUP = "AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::TargetGroup"


def listeners(found: Resources) -> dict[int, dict[str, Any]]:
    return {body["Properties"]["Port"]: body["Properties"] for body in found.values() if body["Type"] == LISTENER}


def test_the_public_sees_blue_and_nobody_sees_green() -> None:
    stack = new_stack()
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    Tags.of(stack).add("GitSha", "abc")
    found = resources(stack)
    by_port = listeners(found)
    assert by_port.keys() == {80, 8080}
    blue, green = (stack.resolve(group.target_group_arn) for group in (balancer.blue, balancer.green))
    assert by_port[80]["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": blue}]
    assert by_port[8080]["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": green}]
    [ingress] = only(found, "AWS::EC2::SecurityGroup")[1]["Properties"]["SecurityGroupIngress"]
    assert (ingress["FromPort"], ingress["CidrIp"]) == (80, "0.0.0.0/0")
    for body in found.values():
        if body["Type"] in (LISTENER, GROUP):
            assert "Tags" not in body["Properties"]


def test_the_target_groups_are_alike_and_checked_at_2_3_30_5() -> None:
    stack = new_stack()
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack), container_port=9000)
    found = template(stack)
    found.resource_count_is(GROUP, 2)
    found.all_resources_properties(
        GROUP,
        {
            "Port": 9000,
            "Protocol": "HTTP",
            "TargetType": "ip",
            "HealthCheckPath": "/health/ready",
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 3,
            "HealthCheckIntervalSeconds": 30,
            "HealthCheckTimeoutSeconds": 5,
            "TargetGroupAttributes": Match.array_with([{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]),
        },
    )


def test_named_peers_reach_the_test_listener() -> None:
    stack = new_stack()
    vpc = their_vpc(stack)
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=vpc, test_peers=[ec2.Peer.ipv4("10.1.0.0/16")])
    balancer.allow_test_traffic_from(ec2.SecurityGroup(stack, "Testers", vpc=vpc))
    found = template(stack)
    found.has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "SecurityGroupIngress": Match.array_with(
                [Match.object_like({"CidrIp": "10.1.0.0/16", "FromPort": 8080, "ToPort": 8080})]
            )
        },
    )
    found.has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 8080, "ToPort": 8080})


CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1"


def their_certificate(stack: Any) -> acm.ICertificate:
    return acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)


def test_a_certificate_brings_https_and_a_redirect() -> None:
    stack = new_stack()
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack), certificate=their_certificate(stack))
    by_port = listeners(resources(stack))
    assert {port: listener["Protocol"] for port, listener in by_port.items()} == {
        80: "HTTP",
        443: "HTTPS",
        8080: "HTTPS",
    }
    redirect = by_port[80]["DefaultActions"][0]["RedirectConfig"]
    assert (redirect["Protocol"], redirect["Port"], redirect["StatusCode"]) == ("HTTPS", "443", "HTTP_301")
    assert by_port[443]["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    # Stated, for the CDK's recommendation moves with its versions.
    assert by_port[443]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"


def test_the_redirect_goes_wherever_production_is() -> None:
    stack = new_stack()
    certificate = their_certificate(stack)
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack), certificate=certificate, production_port=8443)
    by_port = listeners(resources(stack))
    assert by_port.keys() == {80, 8443, 8080}
    assert by_port[80]["DefaultActions"][0]["RedirectConfig"]["Port"] == "8443"


def test_https_on_80_has_no_redirect() -> None:
    stack = new_stack()
    certificate = their_certificate(stack)
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack), certificate=certificate, production_port=80)
    assert listeners(resources(stack)).keys() == {80, 8080}


def test_refuses_to_test_where_it_redirects() -> None:
    stack = new_stack()
    with pytest.raises(InvalidArgumentError, match=r"test_port=.* 80: .*redirects"):
        BlueGreenLoadBalancer(
            stack, "Balancer", vpc=their_vpc(stack), certificate=their_certificate(stack), test_port=80
        )


def test_both_listeners_go_before_either_group() -> None:
    """A deployment leaves each listener with the other's group, and ELB deletes no group in use."""
    stack = new_stack()
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    found = resources(stack)
    groups = {name for name, body in found.items() if body["Type"] == GROUP}
    for name, body in found.items():
        if body["Type"] == LISTENER:
            assert groups <= before(found, name)


def their_load_balancer(stack: Any) -> elbv2.IApplicationLoadBalancer:
    return elbv2.ApplicationLoadBalancer.from_application_load_balancer_attributes(
        stack,
        "Theirs",
        load_balancer_arn="arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/theirs/1",
        security_group_id="sg-theirs",
    )


def test_a_load_balancer_of_theirs_gets_listeners_of_ours() -> None:
    stack = new_stack()
    theirs = their_load_balancer(stack)
    BlueGreenLoadBalancer(
        stack, "Balancer", vpc=their_vpc(stack), load_balancer=theirs, production_port=8000, test_port=8001
    )
    found = resources(stack)
    by_port = listeners(found)
    assert by_port.keys() == {8000, 8001}
    assert {listener["LoadBalancerArn"] for listener in by_port.values()} == {theirs.load_balancer_arn}
    assert not [body for body in found.values() if body["Type"] == "AWS::ElasticLoadBalancingV2::LoadBalancer"]
    _, ingress = only(found, "AWS::EC2::SecurityGroupIngress")
    assert (ingress["Properties"]["GroupId"], ingress["Properties"]["FromPort"]) == ("sg-theirs", 8000)


BALANCER, BUCKET = "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::S3::Bucket"


def attributes(found: Resources) -> dict[str, Any]:
    _, balancer = only(found, BALANCER)
    return {a["Key"]: a["Value"] for a in balancer["Properties"]["LoadBalancerAttributes"]}


def test_its_access_log_is_private_encrypted_and_expires() -> None:
    """In a stack without a region, for these have none."""
    stack = new_stack()
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    found = resources(stack)
    bucket_id, bucket = only(found, BUCKET)
    logs = attributes(found)
    assert (logs["access_logs.s3.enabled"], logs["access_logs.s3.bucket"]) == ("true", {"Ref": bucket_id})
    properties = bucket["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    [encryption] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    [rule] = properties["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 90)
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_takes_logs_of_this_account_over_tls_alone_and_before_the_load_balancer_asks() -> None:
    stack = new_stack()
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    found = resources(stack)
    bucket_id, _ = only(found, BUCKET)
    policy_id, policy = only(found, "AWS::S3::BucketPolicy")
    tls, write = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (write["Effect"], write["Action"]) == ("Allow", "s3:PutObject")
    assert write["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    arn = {"Fn::GetAtt": [bucket_id, "Arn"]}
    assert write["Resource"] == {"Fn::Join": ["", [arn, "/AWSLogs/", {"Ref": "AWS::AccountId"}, "/*"]]}
    balancer_id, _ = only(found, BALANCER)
    assert policy_id in before(found, balancer_id)


def test_a_bucket_of_theirs_gets_the_log() -> None:
    stack = new_stack()
    theirs = s3.Bucket.from_bucket_name(stack, "Logs", "their-logs")
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack), access_logs=theirs)
    found = resources(stack)
    assert attributes(found)["access_logs.s3.bucket"] == "their-logs"
    assert not [body for body in found.values() if body["Type"] == BUCKET]


def test_the_listeners_wait_for_nothing_new() -> None:
    """What they depend on is frozen."""
    stack = new_stack()
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    for body in resources(stack).values():
        if body["Type"] == LISTENER:
            assert len(body["DependsOn"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"container_port": 0}, "container_port=.* 0: give 1 to 65535"),
        ({"test_port": 80}, "test_port=.* 80: .*production"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    stack = new_stack()
    with pytest.raises(InvalidArgumentError, match=message):
        BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "production_port=.*free port"),
        ({"production_port": 81, "internet_facing": True}, "internet_facing=.*your load balancer"),
    ],
)
def test_refuses_with_a_load_balancer_of_theirs(arguments: dict[str, Any], message: str) -> None:
    stack = new_stack()
    with pytest.raises(InvalidArgumentError, match=message):
        BlueGreenLoadBalancer(
            stack, "Balancer", vpc=their_vpc(stack), load_balancer=their_load_balancer(stack), **arguments
        )


def test_a_vpc_without_public_subnets_takes_an_internal_one_alone() -> None:
    stack = new_stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "PrivateVpc",
        vpc_id="vpc-2",
        availability_zones=["a", "b"],
        private_subnet_ids=["subnet-1", "subnet-2"],
        private_subnet_route_table_ids=["rtb-1", "rtb-2"],
    )
    for given in (None, True):
        with pytest.raises(
            InvalidArgumentError,
            match=r"internet_facing=\) cannot be .There are no 'Public' subnet groups.*: give internet_facing=False",
        ):
            BlueGreenLoadBalancer(stack, f"Public{given}", vpc=vpc, internet_facing=given)
    BlueGreenLoadBalancer(stack, "Internal", vpc=vpc, internet_facing=False)
    template(stack).has_resource_properties("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"})


def test_a_load_balancer_of_theirs_writes_its_own_log() -> None:
    stack = new_stack()
    bucket = s3.Bucket.from_bucket_name(stack, "Logs", "their-logs")
    with pytest.raises(InvalidArgumentError, match=r"access_logs=.*Foreign/Logs.*your load balancer"):
        BlueGreenLoadBalancer(
            stack,
            "Balancer",
            vpc=their_vpc(stack),
            load_balancer=their_load_balancer(stack),
            production_port=81,
            access_logs=bucket,
        )
