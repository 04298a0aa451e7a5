"""The network and a service without a database, with what the checks need beside it."""

from aws_cdk import CfnOutput, CfnResource, Duration, Fn, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from seachange import BlueGreenLoadBalancer, BlueGreenService, Network
from tools.aws_acceptance.checks import notifications
from tools.aws_acceptance.throwaway.parts import lever, quick_health, small_service
from tools.aws_acceptance.throwaway.probe import Probe

OTHER_PORT = 8081


class PlainStack(Stack):
    """Network, load balancer, service; two alarms, a topic with a queue, a probe in the VPC, a second security group."""

    def __init__(self, scope: Construct, construct_id: str, *, release: str, change: str | None) -> None:
        super().__init__(scope, construct_id, description="SeaChange acceptance: delete me")
        network = Network(self, "Network")
        network.publish(f"/{construct_id}")
        balancer = BlueGreenLoadBalancer(
            self,
            "LoadBalancer",
            vpc=network.vpc,
            health_check=quick_health(),
            deregistration_delay=Duration.seconds(5),
        )
        topic, queue = sns.Topic(self, "Topic"), sqs.Queue(self, "Queue", visibility_timeout=Duration.hours(1))
        topic.add_subscription(subscriptions.SqsSubscription(queue, raw_message_delivery=True))
        service = BlueGreenService(
            self,
            "Service",
            vpc=network.vpc,
            load_balancer=balancer,
            service_name="plain",
            notifications=topic,
            **small_service(release),
        )
        _one_trigger_an_event(service, topic)
        other_group = ec2.SecurityGroup(self, "OtherGroup", vpc=network.vpc, description="Tasks of a later release")
        other_group.connections.allow_from(balancer.load_balancer, ec2.Port.tcp(balancer.container_port), "Release")
        service.connections.allow_from(balancer.load_balancer, ec2.Port.tcp(OTHER_PORT), "Release on another port")
        bystander = ssm.StringParameter(self, "Bystander", string_value="nothing depends on me")
        probe = Probe(self, "Probe", vpc=network.vpc)
        balancer.allow_test_traffic_from(probe)
        probe.may_report_to(service.deployment_group)
        outputs = {
            "Release": release,
            "Cluster": service.cluster.cluster_name,
            "Service": service.service.service_name,
            "Application": service.application.application_name,
            "Group": service.deployment_group.deployment_group_name,
            "BlueTargetGroup": balancer.blue.target_group_arn,
            "GreenTargetGroup": balancer.green.target_group_arn,
            "Host": balancer.load_balancer.load_balancer_dns_name,
            "LoadBalancer": balancer.blue.first_load_balancer_full_name,
            "Subnets": Fn.join(",", [subnet.subnet_id for subnet in network.vpc.private_subnets]),
            "OtherGroup": other_group.security_group_id,
            "Queue": queue.queue_url,
            "Probe": probe.function.function_name,
            "Lever": lever(self, "Lever", cloudwatch.TreatMissingData.IGNORE).alarm_name,
            "Silent": lever(self, "Silent", cloudwatch.TreatMissingData.MISSING).alarm_name,
        }
        for name, value in outputs.items():
            CfnOutput(self, f"Out{name}", value=value)
        if change is not None:
            _change(change, service, bystander)


def _one_trigger_an_event(service: BlueGreenService, topic: sns.Topic) -> None:
    """Names each trigger like its event: a message tells its trigger's name, but not its event's."""
    group = service.deployment_group.node.default_child
    assert isinstance(group, CfnResource)
    group.add_property_override(
        "TriggerConfigurations",
        [
            {"TriggerName": event, "TriggerEvents": [event], "TriggerTargetArn": topic.topic_arn}
            for event in sorted(notifications.ALL)
        ],
    )


def _change(change: str, service: BlueGreenService, bystander: Construct) -> None:
    """What no user of the library can write: a change of the frozen service, past the constructs."""
    fragment, group = service.service.node.default_child, service.connections.security_groups[0].node.default_child
    depended = bystander.node.default_child
    assert isinstance(fragment, CfnResource)
    assert isinstance(group, CfnResource)
    assert isinstance(depended, CfnResource)
    if change == "tag":
        fragment.add_property_override("Tags", [{"Key": "acceptance", "Value": "changed"}])
    elif change == "group-description":
        group.add_property_override("GroupDescription", "Changed by the acceptance")
    elif change == "depends-on":
        fragment.add_dependency(depended)
    else:
        raise ValueError(f"change is {change!r}; it is one of tag, group-description, depends-on")
