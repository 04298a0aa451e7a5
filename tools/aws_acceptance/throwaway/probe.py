"""A Lambda in the private subnets that does what a smoke test's hook does: fetches an address, and reports on a deployment."""

import jsii
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

_SOURCE = """
import urllib.error, urllib.request
import boto3
from botocore.exceptions import ClientError

def handler(event, _context):
    if "deployment" in event:
        return report(event["deployment"])
    request = urllib.request.Request(event["url"], headers={"Host": event["host"]})
    try:
        with urllib.request.urlopen(request, timeout=8) as answer:
            return {"status": answer.status}
    except urllib.error.HTTPError as error:
        return {"status": error.code}
    except OSError as error:
        return {"error": str(error)}
"""


@jsii.implements(ec2.IConnectable)
class Probe(Construct):
    """Answers with the status it got, or with the error."""

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc) -> None:
        super().__init__(scope, construct_id)
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler="index.handler",
            code=lambda_.Code.from_inline(_SOURCE),
            vpc=vpc,
            timeout=Duration.seconds(20),
            log_group=logs.LogGroup(
                self, "Logs", retention=logs.RetentionDays.ONE_DAY, removal_policy=RemovalPolicy.DESTROY
            ),
        )

    def may_report_to(self, group: codedeploy.IEcsDeploymentGroup) -> None:
        """Lets it report on the group's deployments, by the group's ARN."""
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["codedeploy:PutLifecycleEventHookExecutionStatus"], resources=[group.deployment_group_arn]
            )
        )

    @property
    def connections(self) -> ec2.Connections:
        """Who may reach it, and what it may reach."""
        return self.function.connections
