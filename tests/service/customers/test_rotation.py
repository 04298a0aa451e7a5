"""A rotation of the password fails no request: each new connection asks for the password anew."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient


@pytest.fixture
def restored_password(database: Any) -> Iterator[None]:
    yield
    database.execute(f"ALTER ROLE {database.role} PASSWORD '{database.password}'")


@pytest.mark.usefixtures("restored_password")
def test_a_rotation_fails_no_request(v1: FlaskClient, database: Any, secret: SimpleNamespace) -> None:
    def request() -> None:
        assert v1.get("/api/customers").status_code == 200

    request()
    database.execute(f"ALTER ROLE {database.role} PASSWORD 'second-password'")
    secret.set("second-password")
    request()  # on a connection from before
    database.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{database.role}'")
    for _ in range(20):
        request()  # on connections from after
