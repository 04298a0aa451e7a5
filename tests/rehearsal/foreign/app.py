"""Somebody else's CDK app: parcels, in one stack; `-c release=1` or `2`."""

from pathlib import Path

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sns as sns

from seachange import (
    AlembicMigrations,
    BlueGreenLoadBalancer,
    BlueGreenService,
    HealthCheck,
    Network,
    PostgresDatabase,
    SmokeTest,
    TrafficShift,
)

HERE = Path(__file__).parent
# The first release's schema ends there.
TARGETS = {"1": "p1", "2": "heads"}

app = App()
release = app.node.try_get_context("release")
stack = Stack(app, "parcels")
network = Network(stack, "Network", zones=2)
database = PostgresDatabase(stack, "Database", vpc=network.vpc, database_name="depot")
migrations = AlembicMigrations(
    stack,
    "Migrations",
    directory=HERE / "migrations",
    target=TARGETS[release],
    vpc=network.vpc,
    host=database.host,
    port=database.port,
    database_name=database.database_name,
    security_group=database.security_group,
    secret=database.secret,
)
BlueGreenService(
    stack,
    "Parcels",
    service_name="parcels",
    release=f"2026.{release}",
    image=ecs.ContainerImage.from_registry(f"registry.example.com/parcels:2026.{release}"),
    command=["uvicorn", "parcels:app", "--host", "0.0.0.0", "--port", "9000", "--timeout-keep-alive", "75"],
    vpc=network.vpc,
    load_balancer=BlueGreenLoadBalancer(
        stack, "LoadBalancer", vpc=network.vpc, container_port=9000, health_check=HealthCheck(path="/alive")
    ),
    database=migrations,
    environment={"SCANS_TOPIC": sns.Topic(stack, "Scans").topic_arn},
    secrets={
        "DATABASE_USER": ecs.Secret.from_secrets_manager(migrations.application_secret, "username"),
        "DATABASE_PASSWORD": ecs.Secret.from_secrets_manager(migrations.application_secret, "password"),
    },
    traffic_shift=TrafficShift.canary(percent=25, interval=Duration.minutes(5)),
    bake_time=Duration.minutes(10),
    smoke_test=SmokeTest.load(HERE / "smoke.toml"),
)
app.synth()
