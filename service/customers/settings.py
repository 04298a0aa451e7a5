"""What the service reads from its environment; libpq itself reads PGHOST, PGPORT, PGDATABASE, PGSSLMODE and so on."""

from collections.abc import Mapping
from dataclasses import dataclass

from customers.releases import RELEASES, Release


class SettingsError(Exception):
    """The environment does not describe a service that can start."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The service's settings.

    Args:
        release: which release this process is.
        secret_arn: the secret with the database's `username` and `password`.
        environment: the name of the environment, for /health.
    """

    release: Release
    secret_arn: str
    environment: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings from environment variables; raises SettingsError."""
        name = environment.get("RELEASE", "")
        if name not in RELEASES:
            raise SettingsError(f"RELEASE is {name!r}; set it to one of {', '.join(RELEASES)}")
        secret_arn = environment.get("DB_SECRET_ARN", "")
        if not secret_arn:
            raise SettingsError(
                "DB_SECRET_ARN is not set; set it to the ARN of the Secrets Manager secret with the database's "
                "username and password (neither is taken from the environment)"
            )
        return cls(release=RELEASES[name], secret_arn=secret_arn, environment=environment.get("ENVIRONMENT", "local"))
