"""A production database as the seed, in every format of `pg_dump`."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from seachange.rehearsal.dump import restore
from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.stage.postgres import PostgresServer
from seachange_migrations.connection import ConnectionSettings
from tests.assemblies import CONFIG

from .conftest import command

PRODUCTION = """
CREATE TABLE public.orders (id bigint PRIMARY KEY, note text);
INSERT INTO public.orders SELECT n, 'note ' || n FROM generate_series(1, 1000) AS n;
CREATE SCHEMA archive;
CREATE TABLE archive.orders (id bigint GENERATED ALWAYS AS IDENTITY);
CREATE TABLE public.alembic_version (version_num text PRIMARY KEY);
INSERT INTO public.alembic_version VALUES ('0001');
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE PUBLICATION everything FOR ALL TABLES;
GRANT SELECT ON public.orders TO {reporting};
COMMENT ON EXTENSION pg_stat_statements IS 'a superuser''s';
"""


@dataclass(frozen=True, kw_only=True)
class Production:
    """A database to dump, and an empty one to restore into, with its roles."""

    server: PostgresServer
    name: str
    master: ConnectionSettings
    owner: ConnectionSettings
    application: ConnectionSettings

    def dump(self, path: Path, *options: str) -> Path:
        program = self.server.installation / "bin" / "pg_dump"
        subprocess.run([program, *options, "--file", path, self.server.dsn(self.name)], check=True, capture_output=True)
        return path

    def restore(self, path: Path, *, managed: bool = True) -> None:
        restore(
            path,
            programs=self.server.installation / "bin",
            master=self.master,
            owner=self.owner if managed else self.master,
            application=self.application,
        )

    def ask(self, role: ConnectionSettings, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.dsn(role.database, user=role.user, password=role.password)) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture
def production(without_tls: PostgresServer) -> Iterator[Production]:
    server, suffix = without_tls, secrets.token_hex(4)
    reporting, name, copy = f"reporting_{suffix}", f"production_{suffix}", f"copy_{suffix}"
    server.create_role(reporting, "x")
    server.create_database(name)
    with psycopg.connect(server.dsn(name), autocommit=True) as connection:
        connection.execute(PRODUCTION.format(reporting=reporting).encode())

    def role(user: str) -> ConnectionSettings:
        return ConnectionSettings(
            host=server.host, port=server.port, database=copy, user=f"{user}_{suffix}", password="p", sslmode="disable"
        )

    master, owner, application = role("master"), role("owner"), role("app")
    server.create_role(master.user, master.password, options="NOSUPERUSER CREATEROLE CREATEDB")
    server.create_database(copy, owner=master.user)
    server.execute("CREATE EXTENSION pg_stat_statements", database=copy)
    yield Production(server=server, name=name, master=master, owner=owner, application=application)
    for database in (name, copy):
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for user in (reporting, application.user, owner.user, master.user):
            connection.execute(f"DROP ROLE IF EXISTS {user}".encode())


FORMATS = {
    "custom": ["--format=custom"],
    "directory": ["--format=directory"],
    "tar": ["--format=tar"],
    "plain": ["--format=plain", "--no-owner", "--no-privileges", "--no-publications", "--no-comments"],
}


@pytest.mark.parametrize("form", FORMATS)
def test_a_dump_becomes_the_owners(production: Production, tmp_path: Path, form: str) -> None:
    production.restore(production.dump(tmp_path / "prod.dump", *FORMATS[form]))
    owned = production.ask(
        production.owner, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname !~ '^pg_|^inf'"
    )
    assert owned == [(production.owner.user,)]
    assert production.ask(production.owner, "SELECT version_num FROM alembic_version") == [("0001",)]
    # What the application may, in each schema.
    may = "SELECT count(*), (SELECT count(*) FROM archive.orders) FROM orders"
    assert production.ask(production.application, may) == [(1000, 0)]
    # The planner knows the tables before the first request.
    assert production.ask(production.owner, "SELECT reltuples FROM pg_class WHERE oid = 'orders'::regclass") == [
        (1000,)
    ]


def test_with_roles_that_exist_the_master_owns(production: Production, tmp_path: Path) -> None:
    production.server.create_role(production.application.user, production.application.password)
    production.restore(production.dump(tmp_path / "prod.dump", "--format=custom"), managed=False)
    assert production.ask(production.application, "SELECT count(*) FROM orders") == [(1000,)]
    assert (
        production.ask(production.master, "SELECT tableowner FROM pg_tables WHERE tablename = 'orders'")
        == [(production.master.user,)] * 2
    )


def test_what_does_not_restore(production: Production, tmp_path: Path) -> None:
    plain = production.dump(tmp_path / "plain.sql")
    with pytest.raises(
        ConfigError, match=r"plain\.sql does not restore: .*ERROR: .*; make it with pg_dump --no-owner"
    ) as told:
        production.restore(plain)
    assert "\n" not in str(told.value)
    cut = tmp_path / "cut.dump"
    cut.write_bytes(production.dump(tmp_path / "whole.dump", "--format=custom").read_bytes()[:2000])
    with pytest.raises(ConfigError, match=r"cut\.dump does not restore: pg_restore: error: .*; make it with pg_dump"):
        production.restore(cut)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="empty does not restore: pg_restore: error: "):
        production.restore(tmp_path / "empty")


def test_the_password_is_on_no_command_line(production: Production, tmp_path: Path) -> None:
    hidden = replace(production, owner=replace(production.owner, password="hidden-from-ps"))
    shown = tmp_path / "shown"
    (tmp_path / "bin").mkdir()
    for program in ("pg_restore", "psql"):
        script = tmp_path / "bin" / program
        real = production.server.installation / "bin" / program
        script.write_text(f'#!/bin/sh\necho "$@" >> {json.dumps(str(shown))}\nexec {real} "$@"\n')
        script.chmod(0o755)
    restore(
        production.dump(tmp_path / "prod.dump", "--format=custom"),
        programs=tmp_path / "bin",
        master=hidden.master,
        owner=hidden.owner,
        application=hidden.application,
    )
    assert "prod.dump" in shown.read_text()
    assert "hidden-from-ps" not in shown.read_text()


@pytest.mark.slow
def test_the_command_tells_it_in_one_line(blue: Path, green: Path, tmp_path: Path) -> None:
    (tmp_path / "prod.dump").write_text("INSERT INTO absent VALUES (1);")
    whole = CONFIG.read_text()
    seed = whole[whole.index("[seed]") : whole.index("# Blue and green")]
    config = tmp_path / CONFIG.name
    config.write_text(
        whole.replace(seed, '[seed]\ndump = "prod.dump"\n').replace('directory = "."', f'directory = "{CONFIG.parent}"')
    )
    options = ["--blue", blue, "--green", green, "--config", config, "--out", tmp_path / "out"]
    done = subprocess.run(command(*options), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"seachange: {tmp_path / 'prod.dump'} does not restore: psql:")
    assert 'relation "absent" does not exist' in last
    assert "Traceback" not in done.stderr
