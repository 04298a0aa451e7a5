"""The customers service with our constructs: what the peer's app has, in one stack, and no migrations."""

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs

from seachange import BlueGreenLoadBalancer, BlueGreenService, Network, PostgresDatabase

app = cdk.App()
stack = cdk.Stack(app, "ours")
network = Network(stack, "Network")
database = PostgresDatabase(stack, "Database", vpc=network.vpc, database_name="customers")
service = BlueGreenService(
    stack,
    "Service",
    vpc=network.vpc,
    load_balancer=BlueGreenLoadBalancer(stack, "LoadBalancer", vpc=network.vpc),
    image=ecs.ContainerImage.from_registry("example.com/customers:v2"),
    service_name="customers",
    release="v2",
    environment={"PGHOST": database.host},
    secrets={"PGPASSWORD": ecs.Secret.from_secrets_manager(database.secret, "password")},
)
database.instance.connections.allow_default_port_from(service.service)
app.synth()
