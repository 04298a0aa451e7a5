"""Who is told: SNS for alarms and for deployments."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_sns as sns

# Those of a whole deployment. The others tell of instances, of which a service on Fargate has none.
_EVENTS = (
    "DeploymentStart",
    "DeploymentReady",
    "DeploymentSuccess",
    "DeploymentFailure",
    "DeploymentStop",
    "DeploymentRollback",
)


def notify(alarm: cloudwatch.Alarm, topic: sns.ITopic | None) -> None:
    """Has an alarm tell the topic when it fires and when it is quiet again; nothing without a topic.

    A topic under a key of yours needs that key's policy to let `cloudwatch.amazonaws.com` use kms:Decrypt and kms:GenerateDataKey*; under the
    AWS-managed key `alias/aws/sns` CloudWatch cannot publish at all. A topic with a policy of its own, as `enforce_ssl=True` makes, must let
    `cloudwatch.amazonaws.com` publish.
    """
    if topic is not None:
        action = actions.SnsAction(topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)


def deployment_triggers(topic: sns.ITopic | None) -> list[codedeploy.CfnDeploymentGroup.TriggerConfigProperty]:
    """What a deployment group needs to tell the topic of its deployments: start, readiness, success, failure, stop, rollback; [] without one.

    CodeDeploy publishes with the deployment group's role: grant it with `topic.grant_publish(role)`.
    """
    if topic is None:
        return []
    return [
        codedeploy.CfnDeploymentGroup.TriggerConfigProperty(
            trigger_name="Deployments", trigger_events=list(_EVENTS), trigger_target_arn=topic.topic_arn
        )
    ]
