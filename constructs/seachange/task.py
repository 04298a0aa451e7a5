"""The task definition of one release."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import jsii
from aws_cdk import RemovalPolicy, Stack, Token, Tokenization
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct, Dependable, IValidation

from seachange.errors import InvalidArgumentError
from seachange.findings import acknowledge, wildcard
from seachange.images import refuse_latest
from seachange.known import check_number

CONTAINER_NAME = "app"
_PLAIN_VARIABLES = (
    "The variables are the release's name and settings and the database's address. Passwords are fetched from Secrets Manager, and what is secret "
    "goes through `secrets`."
)
_REGISTRY_LOGIN = "ecr:GetAuthorizationToken takes no resource; what may be pulled is named in a statement of its own."
# PostgreSQL cuts an application_name there.
_LONGEST_APPLICATION_NAME = 63


class ServiceDatabase(Protocol):
    """What a service needs to know of its database; `AlembicMigrations` is one, and so is any object with these attributes.

    When it is a construct, the service is created after everything in it.
    """

    @property
    def host(self) -> str:
        """The name that the database answers to, which its certificate carries."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    @property
    def database_name(self) -> str:
        """The database within the server."""

    @property
    def database_security_group(self) -> ec2.ISecurityGroup:
        """The database's own security group, which gets a rule that lets the service in."""

    @property
    def application_secret(self) -> secretsmanager.ISecret:
        """The credentials of the role that the service works as: JSON with `username` and `password`."""


def release_task(
    scope: Construct,
    construct_id: str,
    *,
    service_name: str,
    release: str,
    image: ecs.ContainerImage,
    container_port: int,
    further_ports: Collection[int],
    database: ServiceDatabase | None,
    environment: Mapping[str, str],
    secrets: Mapping[str, ecs.Secret],
    command: Sequence[str] | None,
    cpu: int,
    memory_limit_mib: int,
    architecture: ecs.CpuArchitecture,
    log_group: logs.ILogGroup,
) -> ecs.FargateTaskDefinition:
    """The task definition with its one container, retained when the next release replaces it.

    Its family is fixed, for the service names its task definition by family alone; the stack's name keeps two environments of one account
    apart. The container listens on `container_port`; `further_ports` are mapped for who looks for them there.
    """
    _check_names(service_name, release)
    check_port(container_port)
    if isinstance(command, str):
        raise InvalidArgumentError(
            "BlueGreenService(command=)",
            command,
            f"give a list of texts, such as {command.split()!r}: a text is a list of its letters",
        )
    own = {"PORT": Tokenization.stringify_number(container_port), "RELEASE": release} | _connection(
        database, f"{service_name}/{release}"
    )
    if taken := sorted(own.keys() & {*environment, *secrets}):
        raise InvalidArgumentError(
            "BlueGreenService(environment=, secrets=)", ", ".join(taken), "leave them out: the service sets them itself"
        )
    task = ecs.FargateTaskDefinition(
        scope,
        construct_id,
        family=f"{Stack.of(scope).stack_name}-{service_name}",
        cpu=cpu,
        memory_limit_mib=memory_limit_mib,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=architecture, operating_system_family=ecs.OperatingSystemFamily.LINUX
        ),
    )
    # A deregistered revision cannot be started again, so a rollback to it would fail (aws-cdk#24372).
    task.apply_removal_policy(RemovalPolicy.RETAIN)
    container = task.add_container(
        CONTAINER_NAME,
        image=image,
        command=None if command is None else list(command),
        environment={**own, **environment},
        secrets=dict(secrets),
        port_mappings=[ecs.PortMapping(container_port=port) for port in (container_port, *further_ports)],
        logging=ecs.LogDrivers.aws_logs(stream_prefix=service_name, log_group=log_group),
    )
    refuse_latest(container, "BlueGreenService(image=)")
    # Every release's task role has a policy, whether or not the application is granted anything: its first one would add to what the
    # frozen service depends on.
    log_group.grant_write(task.task_role)
    if database is not None:
        database.application_secret.grant_read(task.task_role)
    acknowledge(task, {"AwsSolutions-ECS2": _PLAIN_VARIABLES})
    acknowledge(task.obtain_execution_role(), {wildcard(scope, "*"): _REGISTRY_LOGIN})
    # The frozen service waits for this one resource, not for all in the construct: a sidecar brings resources of its own.
    resource = task.node.default_child
    assert resource is not None
    resource.node.add_dependency(task.obtain_execution_role())
    Dependable.implement(task, Dependable.of(resource))
    return task


def check_port(port: int) -> None:
    """Refuses what is no port; one that is known only when the stack deploys is let through."""
    check_number("BlueGreenService(container_port=)", port, lambda given: 1 <= given <= 65535, "give 1 to 65535")


def require_container(task: ecs.FargateTaskDefinition, name: str, port: int) -> None:
    """Refuses a synthesis whose task definition has no such container, or none of its port mappings has that port."""
    task.node.add_validation(_TrafficContainer(task, name, port))


@jsii.implements(IValidation)
class _TrafficContainer:
    """Looks when the tree is whole: sidecars are added after the service."""

    def __init__(self, task: ecs.FargateTaskDefinition, name: str, port: int) -> None:
        self._task = task
        self._name = name
        self._port = port

    def validate(self) -> list[str]:
        container = self._task.find_container(self._name)
        if container is None:
            problem = "there is no such container: name one of the task definition's"
            return [str(InvalidArgumentError("BlueGreenService(traffic_container=)", self._name, problem))]
        if not Token.is_unresolved(self._port) and self._port not in (
            int(mapping.container_port) for mapping in container.port_mappings
        ):
            problem = f"container {self._name!r} maps no such port: add it to the container's port mappings, or give a port that it maps"
            return [str(InvalidArgumentError("BlueGreenService(container_port=)", self._port, problem))]
        return []


def _connection(database: ServiceDatabase | None, application_name: str) -> dict[str, str]:
    """What libpq reads by itself; the password the application fetches when it connects, so that a rotation fails no request."""
    if database is None:
        return {}
    return {
        "PGHOST": database.host,
        "PGPORT": Tokenization.stringify_number(database.port),
        "PGDATABASE": database.database_name,
        "PGSSLMODE": "verify-full",
        "PGAPPNAME": application_name,
        "DB_SECRET_ARN": database.application_secret.secret_arn,
    }


def _check_names(service_name: str, release: str) -> None:
    if Token.is_unresolved(service_name) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", service_name):
        raise InvalidArgumentError(
            "BlueGreenService(service_name=)",
            service_name,
            "start with a letter, go on with letters, digits, dashes and underscores",
        )
    if not isinstance(release, str):
        raise InvalidArgumentError("BlueGreenService(release=)", release, f"give a text, such as {str(release)!r}")
    if Token.is_unresolved(release):
        return
    if not re.fullmatch(r"[A-Za-z0-9._-]+", release):
        raise InvalidArgumentError(
            "BlueGreenService(release=)", release, "use letters, digits, dots, dashes and underscores"
        )
    if len(f"{service_name}/{release}") > _LONGEST_APPLICATION_NAME:
        raise InvalidArgumentError(
            "BlueGreenService(release=)",
            release,
            f"with the service's name and a slash PostgreSQL takes {_LONGEST_APPLICATION_NAME} characters: shorten one",
        )
