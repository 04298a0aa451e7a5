"""/health for people and smoke tests, /health/ready for the load balancer, /health/live for the container."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from flask import Blueprint, Response, jsonify
from psycopg import Connection, Error
from psycopg_pool import ConnectionPool

from customers.database import has_columns
from customers.settings import Settings


class Readiness:
    """Whether this process has ever seen the schema that it needs.

    It stays ready then: in a failover of the database the load balancer would otherwise have every task replaced,
    though none of them needs anything but to wait.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self.reached = False

    def configure(self, connection: Connection) -> None:
        """For the pool: each new connection looks, so that no process waits for a request to become ready."""
        self.look(connection)

    def look(self, connection: Connection) -> bool:
        """Whether the schema is compatible."""
        compatible = has_columns(connection, self._columns)
        self.reached = self.reached or compatible
        return compatible


class State(NamedTuple):
    """What one look at the database saw."""

    database: Literal["connected", "unreachable"]
    schema: Literal["compatible", "incompatible", "unknown"]

    @property
    def healthy(self) -> bool:
        """Whether this process can serve a customer now."""
        return self.schema == "compatible"


def state(pool: ConnectionPool, readiness: Readiness) -> State:
    """Look at the database."""
    try:
        with pool.connection() as connection:
            return State("connected", "compatible" if readiness.look(connection) else "incompatible")
    except Error:
        return State("unreachable", "unknown")


def health(pool: ConnectionPool, readiness: Readiness, settings: Settings) -> Blueprint:
    """The health routes."""
    routes = Blueprint("health", __name__, url_prefix="/health")

    def report(status: str, seen: State) -> Response:
        release = settings.release.name
        return jsonify(
            status=status, version=release, release=release, environment=settings.environment, **seen._asdict()
        )

    @routes.get("")
    def everything() -> tuple[Response, int]:
        seen = state(pool, readiness)
        return (report("healthy", seen), 200) if seen.healthy else (report("unhealthy", seen), 503)

    @routes.get("/ready")
    def ready() -> tuple[Response, int]:
        seen = state(pool, readiness)
        if seen.healthy:
            return report("ready", seen), 200
        return (report("degraded", seen), 200) if readiness.reached else (report("not ready", seen), 503)

    @routes.get("/live")
    def live() -> Response:
        return jsonify(status="live", version=settings.release.name)

    return routes
