"""The connection pool. Each connection asks Secrets Manager for the password anew: a rotation fails no request."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import boto3
from botocore.config import Config
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

CONNECTIONS = 4
ACQUIRE_TIMEOUT = 2.5  # seconds a request waits for a connection: below the load balancer's health check timeout of 5 s
PARAMETERS: dict[str, Any] = {
    "autocommit": True,  # each request is one statement
    "connect_timeout": 3,  # seconds
    "tcp_user_timeout": 5000,  # milliseconds until a connection to a host that is gone breaks
    "options": "-c statement_timeout=5000",  # milliseconds
}


def credentials(secret_arn: str) -> Callable[[], dict[str, Any]]:
    """A function that gives psycopg's connection parameters, with user and password as they are in the secret now."""
    region = secret_arn.split(":")[3] if secret_arn.startswith("arn:") else None
    config = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
    secrets = boto3.client("secretsmanager", region_name=region, config=config)

    def parameters() -> dict[str, Any]:
        secret = json.loads(secrets.get_secret_value(SecretId=secret_arn)["SecretString"])
        return {**PARAMETERS, "user": secret["username"], "password": secret["password"]}

    return parameters


def connection_pool(secret_arn: str, configure: Callable[[Connection], None]) -> ConnectionPool:
    """An opened pool; make it after the fork, for neither its threads nor its sockets survive one.

    It connects in the background. The check costs a round trip per request and spares it the connections that a failover
    broke; a short reconnect_timeout bounds the pauses between attempts, so that the pool is back soon.
    """

    def check(connection: Connection) -> None:
        try:
            ConnectionPool.check_connection(connection)
        except OperationalError:
            # The others are likely broken too, and the pool would pause for seconds between checking one and the next.
            pool.drain()
            raise

    pool = ConnectionPool(
        kwargs=credentials(secret_arn),
        min_size=CONNECTIONS,
        max_size=CONNECTIONS,
        timeout=ACQUIRE_TIMEOUT,
        reconnect_timeout=5,
        configure=configure,
        check=check,
        open=True,
    )
    return pool


def has_columns(connection: Connection, columns: Sequence[str]) -> bool:
    """Whether the table customers has all of the columns."""
    query = """
        SELECT count(attname) FROM pg_catalog.pg_attribute
        WHERE attrelid = to_regclass('customers') AND attname = ANY(%s) AND attnum > 0 AND NOT attisdropped
    """
    row = connection.execute(query, [list(columns)]).fetchone()
    return row is not None and row[0] == len(columns)
