"""Health: what the load balancer, people and the container see."""

from collections.abc import Callable
from typing import Any

import pytest
from customers.settings import Settings, SettingsError
from flask.testing import FlaskClient


def test_a_healthy_release_reports_everything(v1: FlaskClient) -> None:
    response = v1.get("/health")
    assert response.status_code == 200
    assert response.json == {
        "status": "healthy",
        "version": "v1",
        "release": "v1",
        "environment": "test",
        "database": "connected",
        "schema": "compatible",
    }


def test_green_is_not_ready_before_the_expand_migration_and_ready_after_it(
    database: Any, start: Callable[..., FlaskClient]
) -> None:
    database.upgrade("0001")
    v2 = start("v2")
    response = v2.get("/health/ready")
    assert (response.status_code, response.json["schema"]) == (503, "incompatible")
    database.upgrade("expand@head")
    assert (v2.get("/health/ready").status_code, v2.get("/health").status_code) == (200, 200)


def test_blue_is_incompatible_after_contract(both: tuple[FlaskClient, FlaskClient], database: Any) -> None:
    v1, v2 = both
    assert v1.get("/health/ready").status_code == 200
    database.upgrade("contract@head")
    assert (v1.get("/health").status_code, v1.get("/health").json["schema"]) == (503, "incompatible")
    assert v2.get("/health").status_code == 200


@pytest.mark.parametrize(
    "environment", [{}, {"RELEASE": "v3"}, {"RELEASE": "v1"}, {"RELEASE": "v1", "DB_SECRET_ARN": ""}]
)
def test_a_service_that_cannot_work_refuses_to_start(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="; set it to "):
        Settings.read(environment)
