"""Buckets that hold what is written once, read seldom and kept for a while."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from seachange.findings import acknowledge


def log_bucket(scope: Construct, construct_id: str, *, kept: Duration, why_no_log: str) -> s3.Bucket:
    """A private bucket, encrypted with S3's own keys, reached over TLS only, in which nobody replaces anything unseen.

    It outlives its stack: CloudFormation cannot delete a bucket with something in it, and what is in it expires all the same.

    Args:
        scope: Whose child it is.
        construct_id: Its id.
        kept: How long its objects are kept.
        why_no_log: Why access to it is not logged.
    """
    bucket = s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        # Load balancers write with no other encryption than this.
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=kept,
                noncurrent_version_expiration=Duration.days(1),
                abort_incomplete_multipart_upload_after=Duration.days(1),
            )
        ],
        removal_policy=RemovalPolicy.RETAIN,
    )
    acknowledge(bucket, {"AwsSolutions-S1": why_no_log, "CKV_AWS_18": why_no_log})
    return bucket
