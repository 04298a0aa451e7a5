"""The task definition of a release."""

from typing import Any

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ssm as ssm

from seachange import InvalidArgumentError
from tests.constructs.apps import Resources, new_service, new_stack, only, resources, their_database


@pytest.fixture(scope="module")
def found() -> Resources:
    stack = new_stack("Shop")
    parameter = ssm.StringParameter.from_string_parameter_name(stack, "Key", "/shop/key")
    new_service(
        stack,
        release="2026-11.1",
        database=their_database(stack),
        environment={"COLOUR": "sea"},
        secrets={"KEY": ecs.Secret.from_ssm_parameter(parameter)},
        command=["serve"],
        cpu=512,
        memory_limit_mib=1024,
    )
    return resources(stack)


def container(found: Resources) -> dict[str, Any]:
    [container] = only(found, "AWS::ECS::TaskDefinition")[1]["Properties"]["ContainerDefinitions"]
    assert isinstance(container, dict)
    return container


def test_the_family_is_fixed_and_old_revisions_stay(found: Resources) -> None:
    _, task = only(found, "AWS::ECS::TaskDefinition")
    assert task["Properties"]["Family"] == "Shop-orders"
    assert (task["DeletionPolicy"], task["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_release_decides_the_rest(found: Resources) -> None:
    _, task = only(found, "AWS::ECS::TaskDefinition")
    properties = task["Properties"]
    assert (properties["Cpu"], properties["Memory"]) == ("512", "1024")
    assert properties["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    assert container(found)["Command"] == ["serve"]
    assert [secret["Name"] for secret in container(found)["Secrets"]] == ["KEY"]


def test_the_environment_says_which_release_connects_where(found: Resources) -> None:
    environment = {variable["Name"]: variable["Value"] for variable in container(found)["Environment"]}
    assert environment == {
        "COLOUR": "sea",
        "RELEASE": "2026-11.1",
        "PORT": "8080",
        "PGHOST": "orders.example.com",
        "PGPORT": "5433",
        "PGDATABASE": "orders",
        "PGSSLMODE": "verify-full",
        "PGAPPNAME": "orders/2026-11.1",
        "DB_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-AbCdEf",
    }


def test_the_task_role_reads_the_applications_secret_and_no_other(found: Resources) -> None:
    [policy] = [body for name, body in found.items() if "TaskRoleDefaultPolicy" in name]
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    read = [s["Resource"] for s in statements if "secretsmanager:GetSecretValue" in s["Action"]]
    assert read == ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-AbCdEf"]


def test_without_a_database_there_is_no_connection() -> None:
    stack = new_stack()
    new_service(stack)
    names = {variable["Name"] for variable in container(resources(stack))["Environment"]}
    assert names == {"PORT", "RELEASE"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"service_name": "1orders"}, "service_name=.*start with a letter"),
        ({"release": "a b"}, "release=.*letters, digits"),
        ({"container_port": 0}, "container_port=.* 0: give 1 to 65535"),
        ({"release": 2}, "release=.* 2: give a text, such as '2'"),
        (
            {"command": "python serve.py"},
            r"command=.*'python serve.py'.*list of texts, such as \['python', 'serve.py'\]",
        ),
        ({"release": "r" * 57}, "release=.*63 characters"),
        ({"environment": {"PORT": "1"}}, "environment=.*PORT.*sets them itself"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        new_service(new_stack(), **arguments)


def test_a_port_that_is_known_later_reaches_the_environment() -> None:
    stack = new_stack()
    port = CfnParameter(stack, "Port", type="Number").value_as_number
    new_service(stack, container_port=port)
    environment = {variable["Name"]: variable["Value"] for variable in container(resources(stack))["Environment"]}
    assert environment["PORT"] == {"Ref": "Port"}
