"""The customers service with the peer's construct: cdklabs.ecs-codedeploy, ApplicationLoadBalancedCodeDeployedFargateService."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as patterns
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_rds as rds
from cdk.ecs_codedeploy import ApplicationLoadBalancedCodeDeployedFargateService

app = cdk.App()
stack = cdk.Stack(app, "peer", env=cdk.Environment(region="eu-west-1"))  # its access logs need a region
vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=1)
database = rds.DatabaseInstance(
    stack,
    "Database",
    engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17),
    vpc=vpc,
    database_name="customers",
    storage_encrypted=True,
)
assert database.secret is not None
service = ApplicationLoadBalancedCodeDeployedFargateService(
    stack,
    "Service",
    vpc=vpc,
    task_image_options=patterns.ApplicationLoadBalancedTaskImageOptions(
        image=ecs.ContainerImage.from_registry("example.com/customers:v2"),
        container_port=8080,
        environment={"PGHOST": database.db_instance_endpoint_address, "RELEASE": "v2"},
        secrets={"PGPASSWORD": ecs.Secret.from_secrets_manager(database.secret, "password")},
    ),
    desired_count=2,
    deployment_config=codedeploy.EcsDeploymentConfig(
        stack,
        "TrafficShift",
        traffic_routing=codedeploy.TrafficRouting.time_based_linear(interval=cdk.Duration.minutes(3), percentage=10),
    ),
    termination_wait_time=cdk.Duration.minutes(30),
    response_time_alarm_threshold=cdk.Duration.seconds(1),
    target_health_check=elbv2.HealthCheck(path="/health/ready"),
)
database.connections.allow_default_port_from(service.service)
service.service.auto_scale_task_count(min_capacity=2, max_capacity=4)
# Those of its alarms that it does not make itself.
for name, group in (("Blue", service.target_group), ("Green", service.green_target_group)):
    for kind, metric in (
        ("5xx", group.metrics.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT)),
        ("Unhealthy", group.metrics.unhealthy_host_count()),
    ):
        cloudwatch.Alarm(stack, f"{name}{kind}", metric=metric, threshold=1, evaluation_periods=3)
app.synth()
