"""A service with a database and migrations, taken back by an alarm after its migrations have run."""

from pathlib import Path

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange import (
    AlembicMigrations,
    BlueGreenLoadBalancer,
    BlueGreenService,
    Network,
    PostgresDatabase,
    TrafficShift,
)
from tools.aws_acceptance.throwaway.parts import lever, quick_health, small_service

TARGETS = {"v1": "0001", "v2": "0002"}


class DatabaseStack(Stack):
    """The smallest database there is, its migrations and a service, in the plain stack's network."""

    def __init__(self, scope: Construct, construct_id: str, *, network: str, release: str) -> None:
        super().__init__(scope, construct_id, description="SeaChange acceptance: delete me")
        vpc = Network.published(self, "Network", prefix=f"/{network}")
        database = PostgresDatabase(
            self,
            "Database",
            vpc=vpc,
            database_name="acceptance",
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
            multi_az=False,
            backup_retention=Duration.days(1),
            deletion_protection=False,
            removal_policy=RemovalPolicy.DESTROY,
            log_retention=logs.RetentionDays.ONE_DAY,
        )
        migrations = AlembicMigrations(
            self,
            "Migrations",
            directory=Path(__file__).parent / "migrations",
            target=TARGETS[release],
            vpc=vpc,
            host=database.host,
            port=database.port,
            database_name=database.database_name,
            instance_identifier=database.identifier,
            security_group=database.security_group,
            secret=database.secret,
        )
        migrations.node.add_dependency(database.instance)
        alarm = lever(self, "Lever", cloudwatch.TreatMissingData.IGNORE)
        balancer = BlueGreenLoadBalancer(
            self, "LoadBalancer", vpc=vpc, health_check=quick_health(), deregistration_delay=Duration.seconds(5)
        )
        service = BlueGreenService(
            self,
            "Service",
            vpc=vpc,
            load_balancer=balancer,
            database=migrations,
            common_alarms=[alarm],
            service_name="database",
            # Long enough that the alarm takes the release back while CloudFormation still waits for it.
            **(
                small_service(release)
                | {"traffic_shift": TrafficShift.canary(percent=50, interval=Duration.minutes(5))}
            ),
        )
        for name, value in {
            "Cluster": service.cluster.cluster_name,
            "Service": service.service.service_name,
            "Application": service.application.application_name,
            "Group": service.deployment_group.deployment_group_name,
            "Lever": alarm.alarm_name,
        }.items():
            CfnOutput(self, f"Out{name}", value=value)
