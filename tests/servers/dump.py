"""What `pg_dump` says of a database: its schema, or all of it."""

import os
import subprocess

from seachange.rehearsal.stage.postgres import PostgresServer


def dump(server: PostgresServer, database: str, *options: str) -> str:
    """The text of `pg_dump` with the given options, made by the server's own program as its superuser."""
    # Without a given key each run has a random one in its text.
    command = [str(server.installation / "bin" / "pg_dump"), "--restrict-key=same", *options, server.dsn(database)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def schema(server: PostgresServer, database: str, *options: str) -> str:
    """Its schema, as `pg_dump -s` writes it."""
    return dump(server, database, "--schema-only", *options)
