"""The service stack: what a release changes."""

from pathlib import Path

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from seachange import (
    AlembicMigrations,
    BlueGreenLoadBalancer,
    BlueGreenService,
    DatabaseAlarms,
    Network,
    PostgresDatabase,
    ScalingTargets,
    SmokeTest,
)
from stacks.settings import Environment, Release

SERVICE = Path(__file__).resolve().parents[1] / "service"


class CustomersStack(Stack):
    """Load balancer, migrations and the blue/green service."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, release: Release) -> None:
        super().__init__(scope, construct_id, description=f"Customers, {environment.name}: the service")
        vpc = Network.published(self, "Network", prefix=environment.parameters, zones=environment.zones)
        database = PostgresDatabase.published(self, "Database", prefix=environment.parameters)
        load_balancer = BlueGreenLoadBalancer(self, "LoadBalancer", vpc=vpc)
        migrations = AlembicMigrations(
            self,
            "Migrations",
            directory=SERVICE / "migrations",
            target=release.migrations_target,
            vpc=vpc,
            host=database.host,
            port=database.port,
            database_name=database.database_name,
            instance_identifier=database.identifier,
            security_group=database.security_group,
            secret=database.secret,
        )
        database_alarms = DatabaseAlarms(
            self,
            "DatabaseAlarms",
            instance_identifier=database.identifier,
            max_connections=environment.max_connections,
        )
        service = BlueGreenService(
            self,
            "Service",
            service_name="customers",
            release=release.name,
            image=ecs.ContainerImage.from_asset(str(SERVICE), platform=ecr_assets.Platform.LINUX_ARM64),
            vpc=vpc,
            load_balancer=load_balancer,
            database=migrations,
            min_tasks=environment.min_tasks,
            max_tasks=environment.max_tasks,
            scaling=ScalingTargets(cpu_percent=60, requests_per_task=3000),
            # Two gunicorn workers, each with a pool of four.
            connections_per_task=8,
            max_connections=environment.max_connections,
            common_alarms=database_alarms.alarms,
            expected_traffic=environment.traffic,
            smoke_test=SmokeTest.load(SERVICE / release.smoke_test) if release.smoke_test else None,
        )
        CfnOutput(self, "Url", value=f"http://{load_balancer.load_balancer.load_balancer_dns_name}")
        CfnOutput(self, "ServiceName", value=service.service.service_name)
