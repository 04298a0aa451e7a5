"""What the custom resource asks for, validated: the properties of `Custom::SeaChangeMigrations`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from seachange_migrations.errors import InvalidRequestError
from seachange_migrations.phases import Phase

Roles = Literal["managed", "existing"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One wanted migration.

    In `managed` roles `secret_arn` holds the master's credentials, in `existing` those of the migrating role.
    `proof`: the serving release's statements are executed on a scratch database before the real one is touched.
    `since`: the database's revisions before the first call of a request that takes several; None for a single one.
    `instance`: the identifier of the RDS instance whose free storage is watched; None for a server that has none.
    """

    host: str
    port: int
    database: str
    phase: Phase
    directory: str
    target: str
    roles: Roles
    secret_arn: str
    owner_secret_arn: str | None
    application_secret_arn: str | None
    proof: bool
    instance: str | None
    since: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> Self:
        """The request of a CloudFormation event. Raises InvalidRequestError naming the property."""
        properties = event.get("ResourceProperties")
        if not isinstance(properties, Mapping):
            raise InvalidRequestError(
                "the event has no ResourceProperties: it is no CloudFormation custom resource event"
            )
        roles: Roles = _one_of(properties, "Roles", get_args(Roles))
        managed = roles == "managed"
        return cls(
            host=_text(properties, "Host"),
            port=_port(properties),
            database=_text(properties, "Database"),
            phase=Phase(_one_of(properties, "Phase", tuple(Phase))),
            directory=_text(properties, "Directory"),
            target=_text(properties, "Target"),
            roles=roles,
            secret_arn=_text(properties, "SecretArn"),
            owner_secret_arn=_text(properties, "OwnerSecretArn") if managed else None,
            application_secret_arn=_text(properties, "ApplicationSecretArn") if managed else None,
            # A stack of an older version of the construct says nothing, and nothing of it changes.
            proof="Proof" in properties and _one_of(properties, "Proof", ("on", "off")) == "on",
            instance=_text(properties, "InstanceIdentifier") if "InstanceIdentifier" in properties else None,
            since=tuple(map(str, properties["Since"])) if "Since" in properties else None,
        )


def _text(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidRequestError(
            f"property {name} of the migrations resource is {value!r}: it must be a non-empty string"
        )
    return value


def _one_of(properties: Mapping[str, Any], name: str, allowed: tuple[Any, ...]) -> Any:
    value = _text(properties, name)
    if value not in allowed:
        raise InvalidRequestError(
            f"property {name} of the migrations resource is {value!r}: it must be one of {', '.join(allowed)}"
        )
    return value


def _port(properties: Mapping[str, Any]) -> int:
    value = _text(properties, "Port")
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise InvalidRequestError(
            f"property Port of the migrations resource is {value!r}: it must be a port from 1 to 65535"
        )
    return int(value)
