"""What cdk-nag and checkov find at a database, and why it stays."""

from aws_cdk import Stack
from aws_cdk import aws_rds as rds

from seachange.findings import LAMBDA_FINDINGS, acknowledge, managed_policy, wildcard

_ANOTHER_PORT = (
    "No address outside of the VPC reaches it, and within it only named security groups do: another port hides nothing."
)
_MONITORING = "RDS asks for this policy; it reaches RDS's own log groups alone."
_RETENTION_LOGS = "The CDK's own function, shared by all of a stack; it writes logs and sets how long they stay."
_RETENTION_ANYWHERE = (
    "RDS names the log groups and makes them after the function; it may set how long logs stay, no more."
)


def acknowledge_database(instance: rds.DatabaseInstance) -> None:
    """Acknowledges the findings at an instance with Enhanced Monitoring and a log retention, and at the CDK's function behind the latter."""
    acknowledge(instance, {"AwsSolutions-RDS11": _ANOTHER_PORT})
    acknowledge(
        instance.node.find_child("MonitoringRole"),
        {managed_policy(instance, "service-role/AmazonRDSEnhancedMonitoringRole"): _MONITORING},
    )
    # The CDK's function, one for the stack, that sets the retention of log groups.
    retention = next(c for c in Stack.of(instance).node.children if c.node.id.startswith("LogRetention"))
    acknowledge(
        retention,
        {
            managed_policy(instance, "service-role/AWSLambdaBasicExecutionRole"): _RETENTION_LOGS,
            wildcard(instance, "*"): _RETENTION_ANYWHERE,
        },
    )
    acknowledge(retention.node.find_child("Resource"), LAMBDA_FINDINGS)
    policy = retention.node.find_child("ServiceRole").node.find_child("DefaultPolicy")
    acknowledge(policy, {"CKV_AWS_111": _RETENTION_ANYWHERE})
