"""The role of a Lambda function in a VPC, without Lambda's managed policies: those reach every log group of the account."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange.findings import acknowledge, wildcard

_DESCRIBES = "EC2 gives the actions that describe no resource; nothing can be changed with them."
_INTERFACES = (
    "Lambda makes the function's network interfaces as this role, and they have no ARN yet when it asks for the right. "
    "The list is that of AWSLambdaVPCAccessExecutionRole, without its right to every log group."
)


def vpc_function_role(scope: Construct, construct_id: str, *, description: str, log_group: logs.ILogGroup) -> iam.Role:
    """A role with which a function runs in a VPC and writes into one log group.

    Both rights are the role's from its creation, for Lambda asks for them when it creates the function.

    Args:
        scope: Whose child it is.
        construct_id: Its id.
        description: What the function does.
        log_group: Where it writes.
    """
    interfaces = Stack.of(scope).format_arn(
        service="ec2",
        # A subnet shared from another account carries that account's id.
        account="*",
        resource="*",
        resource_name="*",
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
    statements = [
        iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]),
        iam.PolicyStatement(actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], resources=["*"]),
        iam.PolicyStatement(
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resources=[interfaces],
        ),
    ]
    role = iam.Role(
        scope,
        construct_id,
        description=description,
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={"Run": iam.PolicyDocument(statements=statements)},
    )
    acknowledge(
        role, {wildcard(scope, "*"): _DESCRIBES, wildcard(scope, interfaces): _INTERFACES, "CKV_AWS_111": _INTERFACES}
    )
    return role
