"""The alarms' direction, and the clients."""

import pytest

from seachange_deployments.deploy import alarms_for
from seachange_deployments.errors import InvalidInputError
from seachange_deployments.observe import Clients, firing
from tests.deployments.said import BLUE, GREEN, PROPERTIES
from tests.deployments.world import World


def test_the_alarms_are_those_of_the_group_that_does_not_serve() -> None:
    assert alarms_for(PROPERTIES, BLUE) == ["green-5xx", "green-p99", "database"]
    assert alarms_for(PROPERTIES, GREEN) == ["blue-5xx", "blue-p99", "database"]


def test_an_alarm_named_twice_is_given_once_and_none_is_fine() -> None:
    assert alarms_for({**PROPERTIES, "CommonAlarms": ["green-5xx"]}, BLUE) == ["green-5xx", "green-p99"]
    assert alarms_for({"BlueTargetGroup": "a", "GreenTargetGroup": "b"}, "a") == []


def test_a_strange_target_group_is_named() -> None:
    with pytest.raises(InvalidInputError, match="Target group somebody-elses serves"):
        alarms_for(PROPERTIES, "somebody-elses")


def test_alarms_are_asked_for_a_hundred_at_a_time(world: World) -> None:
    names = [f"alarm-{number:03}" for number in range(150)]
    world.alarms(*names[:100]).alarms(*names[100:], firing=("alarm-120",))
    assert firing(world.clients, names) == {"alarm-120": "alarm alarm-120 fires (3 of 3 above 0.05)"}


def test_the_clients_are_the_five_that_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    clients = Clients.connect()
    assert [client.meta.service_model.service_name for client in vars(clients).values()] == list(vars(clients))
    assert clients.codedeploy.meta.config.retries["mode"] == "standard"
