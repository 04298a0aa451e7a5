"""pg_dump's way: the schema as it is, drift and privileges included."""

import math
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from seachange_migrations.connection import ConnectionSettings, connect
from seachange_migrations.errors import one_line
from seachange_migrations.running import TimeLeft

LONGEST_S = 120.0


def problem(real: ConnectionSettings) -> str | None:
    """Why there is no pg_dump that fits the server of `real`; None when there is one. Whether it has TLS shows when it runs."""
    if not (shutil.which("pg_dump") and shutil.which("pg_restore")):
        return "no pg_dump is at hand"
    with connect(real) as connection:
        server = connection.info.server_version // 10000
    told = subprocess.run(["pg_dump", "--version"], capture_output=True, text=True, check=False).stdout.split()
    version = next((word.split(".")[0] for word in told if word[0].isdigit()), "0")
    version = "".join(filter(str.isdigit, version))
    if not version or int(version) < server:
        return f"pg_dump has version {version}, and the server {server}"
    return None


def copy(real: ConnectionSettings, made: ConnectionSettings, *, time_left: TimeLeft) -> str | None:
    """Copies the schema of `real` into `made`, which is empty; in words why that failed, None when it did not.

    What pg_restore may not do, such as giving a table to another role, it leaves out: the comparison of the catalogs tells.
    """
    with tempfile.TemporaryDirectory(prefix="seachange-") as folder:
        dump = str(Path(folder) / "schema")
        # No statement of the serving release waits behind it: it gives up on a lock that does not come at once.
        arguments = ["--schema-only", "--format=custom", "--lock-wait-timeout=2s", f"--file={dump}"]
        failed = _run(["pg_dump", *arguments], real, time_left)
        if failed is None:
            # Exit code 1 is its word for errors that it ignored.
            _run(["pg_restore", f"--dbname={made.database}", dump], made, time_left)
        return failed


def _run(command: list[str], settings: ConnectionSettings, time_left: TimeLeft) -> str | None:
    parameters = settings.parameters()
    environment = {
        **os.environ,
        "PGHOST": settings.host,
        "PGPORT": str(settings.port),
        "PGDATABASE": settings.database,
        "PGUSER": settings.user,
        "PGPASSWORD": settings.password,
        "PGSSLMODE": str(parameters["sslmode"]),
        "PGCONNECT_TIMEOUT": str(parameters["connect_timeout"]),
        "PGAPPNAME": str(parameters["application_name"]),
    }
    left_s = time_left()
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_S if math.isinf(left_s) else max(1.0, min(left_s, LONGEST_S)),
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} did not end in time"
    return one_line(f"{command[0]}: {done.stderr}", 300) if done.returncode else None
