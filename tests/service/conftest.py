"""The service under test: its package on the path, a database at a revision, a secret, and both releases as Flask clients."""

import json
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import psycopg
import pytest
from alembic import command
from alembic.config import Config
from flask.testing import FlaskClient
from moto.server import ThreadedMotoServer
from sqlalchemy import Connection, create_engine, pool

from seachange.rehearsal.stage.postgres import PostgresServer

SERVICE = Path(__file__).parents[2] / "service"
sys.path.insert(0, str(SERVICE))  # the service is no part of the wheel: it is started in its own directory

from customers.app import create_app  # noqa: E402
from customers.settings import Settings  # noqa: E402

NUMBERS = count(1)


class Database:
    """A database of its own for one test; `execute` runs as the owner, in autocommit."""

    role, password = "service_test_app", "first-password"  # the application's

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.name = f"customers_{next(NUMBERS)}"
        server.create_database(self.name)
        self.dsn = server.dsn(self.name)
        self.execute(f"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {self.role}")

    def connect(self, **options: Any) -> psycopg.Connection:
        return psycopg.connect(self.dsn, **options)

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connect(autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def upgrade(self, target: str) -> Config:
        """Upgrade to the target through Alembic, with a connection of ours; the Config holds what the revisions reported."""
        config = Config()
        config.set_main_option("script_location", str(SERVICE / "migrations"))
        with self.engine() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, target)
        return config

    def engine(self) -> Connection:
        """A SQLAlchemy connection for Alembic."""
        return create_engine("postgresql+psycopg://", creator=self.connect, poolclass=pool.NullPool).connect()

    def allow_connections(self, allowed: bool) -> None:
        """Take the database away from its clients, as a failover does, or bring it back."""
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS {allowed}".encode())
            if not allowed:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.name]
                )


@pytest.fixture(scope="session")
def server(postgres: PostgresServer) -> PostgresServer:
    """The server, with the application's role."""
    postgres.create_role(Database.role, Database.password)
    return postgres


@pytest.fixture
def database(server: PostgresServer) -> Database:
    return Database(server)


@pytest.fixture(scope="session")
def secrets_manager() -> Iterator[str]:
    """Secrets Manager's endpoint."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def secret(secrets_manager: str, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A secret with the application role's password: its `arn`, and `set` to change it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets_manager)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.client("secretsmanager", region_name="eu-west-1")
    content = json.dumps({"username": Database.role, "password": Database.password})
    arn = client.create_secret(Name=f"customers-{next(NUMBERS)}", SecretString=content)["ARN"]

    def change(password: str) -> None:
        client.put_secret_value(
            SecretId=arn, SecretString=json.dumps({"username": Database.role, "password": password})
        )

    return SimpleNamespace(arn=arn, set=change)


@pytest.fixture
def start(
    database: Database, secret: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., FlaskClient]]:
    """Starts a release on the database: `start("v1")` gives its Flask client."""
    server = database.server
    for name, value in {"PGHOST": server.host, "PGPORT": str(server.port), "PGDATABASE": database.name}.items():
        monkeypatch.setenv(name, value)
    apps = []

    def start_release(release: str) -> FlaskClient:
        app = create_app(Settings.read({"RELEASE": release, "DB_SECRET_ARN": secret.arn, "ENVIRONMENT": "test"}))
        apps.append(app)
        return app.test_client()

    yield start_release
    for app in apps:
        app.extensions["customers.pool"].close()


@pytest.fixture
def v1(database: Database, start: Callable[..., FlaskClient]) -> FlaskClient:
    """Release v1 on the schema it was made for."""
    database.upgrade("0001")
    return start("v1")


@pytest.fixture
def both(database: Database, start: Callable[..., FlaskClient]) -> tuple[FlaskClient, FlaskClient]:
    """Both releases on the expanded schema."""
    database.upgrade("expand@head")
    return start("v1"), start("v2")


@pytest.fixture
def v2(both: tuple[FlaskClient, FlaskClient]) -> FlaskClient:
    """Release v2 on the expanded schema."""
    return both[1]
