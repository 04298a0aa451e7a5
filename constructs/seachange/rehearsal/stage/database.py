"""The database that a migration resource expects to find: server, master role, empty database, secrets."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from seachange.assembly import canonical, is_intrinsic, substitute
from seachange.plan.model import Release
from seachange.rehearsal.dump import restore
from seachange.rehearsal.stage.postgres import PostgresServer
from seachange.rehearsal.stage.secrets import SecretsManager
from seachange_migrations.connection import ConnectionSettings

_DATABASE = "rehearsal"
_MASTER = "rehearsal_master"
# What RDS gives its master user: not a superuser.
_MASTER_OPTIONS = "NOSUPERUSER CREATEROLE CREATEDB"


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A database secret of the stage."""

    arn: str
    username: str
    password: str


class StageDatabase:
    """Gives the template's host, port, database and secrets their local values.

    Args:
        server: A running server.
        manager: A running Secrets Manager.
        release: The release that is deployed first; its migration resource says which secrets there are.
    """

    def __init__(self, server: PostgresServer, manager: SecretsManager, release: Release) -> None:
        self._server = server
        properties = release.migration.properties
        database = properties["Database"]
        # A literal name stays: other literals of the template may equal it by chance.
        self.name: str = _DATABASE if is_intrinsic(database) else database
        self._secrets: dict[str, Secret] = {}
        managed = properties["Roles"] == "managed"
        for key, username in _usernames(release, self.known(release), managed=managed).items():
            password = secrets.token_urlsafe(18)
            arn = manager.create(f"rehearsal/{key}", {"username": username, "password": password})
            self._secrets[key] = Secret(arn=arn, username=username, password=password)
        server.create_role(
            self._secrets["SecretArn"].username, self._secrets["SecretArn"].password, options=_MASTER_OPTIONS
        )
        if not managed and "ApplicationSecretArn" in self._secrets:
            application = self._secrets["ApplicationSecretArn"]
            server.create_role(application.username, application.password)
        server.create_database(self.name, owner=self._secrets["SecretArn"].username)
        # On RDS the master user may do both itself.
        server.execute("CREATE EXTENSION pg_stat_statements", database=self.name)
        server.execute(sql.SQL("GRANT pg_read_all_stats TO {} WITH ADMIN OPTION").format(sql.Identifier(_MASTER)))

    def known(self, release: Release) -> dict[str, str]:
        """canonical(template value) → local value, for `substitute`."""
        local = {"Host": self._server.host, "Port": str(self._server.port), "Database": self.name}
        local |= {key: secret.arn for key, secret in self._secrets.items()}
        properties = release.migration.properties
        return {canonical(properties[key]): value for key, value in local.items() if key in properties}

    @property
    def placeholders(self) -> dict[str, str]:
        """What `{{database_…}}` stands for in `[service.environment]`: the application's own role, else the owner's."""
        application = self._secrets.get("ApplicationSecretArn") or self._owner
        return {
            "database_host": self._server.host,
            "database_port": str(self._server.port),
            "database_name": self.name,
            "database_user": application.username,
            "database_password": application.password,
        }

    def restore(self, dump: Path) -> None:
        """Restores a dump before the first migration; ConfigError when it does not restore."""
        settings = {
            key: ConnectionSettings(
                host=self._server.host,
                port=self._server.port,
                database=self.name,
                user=secret.username,
                password=secret.password,
                sslmode="disable",
            )
            for key, secret in self._secrets.items()
        }
        master = settings["SecretArn"]
        restore(
            dump,
            programs=self._server.installation / "bin",
            master=master,
            owner=settings.get("OwnerSecretArn", master),
            application=settings.get("ApplicationSecretArn"),
        )

    @property
    def _owner(self) -> Secret:
        return self._secrets.get("OwnerSecretArn", self._secrets["SecretArn"])

    @property
    def owner_dsn(self) -> str:
        """Connects as the role that owns the tables."""
        return self._server.dsn(self.name, user=self._owner.username, password=self._owner.password)


def _usernames(release: Release, known: Mapping[str, str], *, managed: bool) -> dict[str, str]:
    """Which secrets the migration resource names, and the user in each: the template's where it generates the secret."""
    names = {"SecretArn": _MASTER}
    for key, default in (("OwnerSecretArn", "rehearsal_owner"), ("ApplicationSecretArn", "rehearsal_app")):
        if key in release.migration.properties:
            generated = release.migration.secret_templates.get(key) if managed else None
            names[key] = _username(substitute(generated, known)) or default
    return names


def _username(template: Any) -> str | None:
    return json.loads(template).get("username") if isinstance(template, str) else None
