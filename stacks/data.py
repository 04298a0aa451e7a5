"""The data stack: what outlives every release."""

from aws_cdk import Stack
from constructs import Construct

from seachange import Network, PostgresDatabase
from seachange.findings import acknowledge
from stacks.settings import Environment


class DataStack(Stack):
    """Network and database, published to the service stack."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Customers, {environment.name}: network and database",
            termination_protection=True,
        )
        network = Network(self, "Network", zones=environment.zones, nat=environment.nat)
        database = PostgresDatabase(
            self,
            "Database",
            vpc=network.vpc,
            database_name="customers",
            instance_type=environment.database_instance,
            multi_az=environment.database_standby,
        )
        if not environment.database_standby:
            reason = f"{environment.name} may wait for a restore; a standby doubles the database's price."
            acknowledge(database.instance, {"AwsSolutions-RDS3": reason, "CKV_AWS_157": reason})
        network.publish(environment.parameters)
        database.publish(environment.parameters)
