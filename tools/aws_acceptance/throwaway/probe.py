"""A Lambda in the private subnets that fetches an address, as a smoke test's hook does."""

import jsii
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

_SOURCE = """
import urllib.error, urllib.request

def handler(event, _context):
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
    """Answers with the status it got, or with the connection's error."""

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

    @property
    def connections(self) -> ec2.Connections:
        """Who may reach it, and what it may reach."""
        return self.function.connections
