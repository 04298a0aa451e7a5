"""The access log of a load balancer: a bucket for it, and how the load balancer comes to write there."""

from aws_cdk import Aws, Duration
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from seachange.buckets import log_bucket

_KEPT = Duration.days(90)


def access_log_bucket(scope: Construct, construct_id: str) -> s3.Bucket:
    """A private bucket that keeps access logs for 90 days; they are what one reads after an incident."""
    return log_bucket(
        scope,
        construct_id,
        kept=_KEPT,
        why_no_log="It holds access logs: a log of their delivery would be one more bucket of which the same is asked.",
    )


def log_access(load_balancer: elbv2.ApplicationLoadBalancer, bucket: s3.IBucket) -> None:
    """Makes the load balancer write its access log into the bucket.

    `load_balancer.log_access_logs` does the same only where the region is known at synthesis, for it names that region's account. The
    service principal is the same in every region.
    """
    granted = bucket.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LoadBalancerAccessLog",
            principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
            actions=["s3:PutObject"],
            # Load balancers of other accounts write under their own account's number.
            resources=[bucket.arn_for_objects(f"AWSLogs/{Aws.ACCOUNT_ID}/*")],
        )
    )
    load_balancer.set_attribute("access_logs.s3.enabled", "true")
    load_balancer.set_attribute("access_logs.s3.bucket", bucket.bucket_name)
    # ELB tries to write when it gets the attributes: the permission comes first, and goes last.
    if granted.policy_dependable is not None:
        load_balancer.node.add_dependency(granted.policy_dependable)
