"""All constructs in one stack of somebody else's, as the README shows them."""

from pathlib import Path

from aws_cdk import aws_ecs as ecs

from seachange import AlembicMigrations, BlueGreenLoadBalancer, BlueGreenService, Network, PostgresDatabase
from tests.constructs.apps import new_stack, only, resources
from tests.constructs.deployment.test_order import before


def test_database_then_migrations_then_service_then_deployment(tmp_path: Path) -> None:
    (tmp_path / "env.py").touch()
    stack = new_stack("Orders")
    vpc = Network(stack, "Network").vpc
    database = PostgresDatabase(stack, "Database", vpc=vpc, database_name="orders")
    schema = AlembicMigrations(
        stack,
        "Migrations",
        directory=tmp_path,
        vpc=vpc,
        host=database.host,
        port=database.port,
        database_name=database.database_name,
        security_group=database.security_group,
        secret=database.secret,
    )
    BlueGreenService(
        stack,
        "Service",
        vpc=vpc,
        load_balancer=BlueGreenLoadBalancer(stack, "LoadBalancer", vpc=vpc),
        database=schema,
        image=ecs.ContainerImage.from_registry("example.com/orders:1"),
        service_name="orders",
        release="v2",
    )
    found = resources(stack)
    instance, migrations, service, deployment = (
        only(found, name)[0]
        for name in (
            "AWS::RDS::DBInstance",
            "Custom::SeaChangeMigrations",
            "AWS::ECS::Service",
            "Custom::SeaChangeDeployment",
        )
    )
    assert instance in before(found, migrations)
    assert migrations in before(found, service)
    assert before(found, deployment) == found.keys() - {deployment}
    assert set(found[deployment]["DependsOn"]) <= found.keys()
