"""Brings a database to the heads of one public chain: a program that runs in the chain's own environment.

`run_chain.py NAME plain|engine URL LIBRARY` prints a line of JSON at its end: how many revisions the chain has, and the seconds.
Beside the chain's package it needs alembic, SQLAlchemy 2 and psycopg; the engine lies in the folder LIBRARY.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

FOLDERS = {
    "glance": "glance/db/sqlalchemy/alembic_migrations",
    "ironic": "ironic/db/sqlalchemy/alembic",
    "open_webui": "open_webui/migrations",
    "manila": "manila/db/migrations/alembic",
}


def folder(name: str) -> Path:
    """The chain's Alembic directory, without importing the package."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent.parent / FOLDERS[name]


def of_openstack(url: str) -> None:
    """Its env.py asks oslo.config for the database."""
    from oslo_config import cfg
    from oslo_db import options
    from oslo_db.sqlalchemy import enginefacade

    options.set_defaults(cfg.CONF)
    cfg.CONF.set_override("connection", url, group="database")
    enginefacade.configure(connection=url)


def of_open_webui(url: str) -> None:
    """Its env.py asks the variable for the database."""
    os.environ["DATABASE_URL"] = url
    os.environ["WEBUI_SECRET_KEY"] = "not a secret"


PREPARE: dict[str, Callable[[str], None]] = {
    "glance": of_openstack,
    "ironic": of_openstack,
    "open_webui": of_open_webui,
    "manila": of_openstack,
}


def configuration(path: Path, url: str) -> Config:
    """As the project's own command has it."""
    inis = (path / "alembic.ini", path.parent / "alembic.ini")
    config = Config(next((ini for ini in inis if ini.exists()), None))
    config.set_main_option("script_location", str(path))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def plain(path: Path, url: str) -> None:
    """As `alembic upgrade heads` does."""
    command.upgrade(configuration(path, url), "heads")


def engine(path: Path, url: str) -> None:
    """As `seachange migrate` does."""
    from seachange_migrations.connection import ConnectionSettings
    from seachange_migrations.migrate import migrate

    migrate(ConnectionSettings.from_url(url.replace("+psycopg", "")), path)


def main(name: str, how: str, url: str, library: str) -> None:
    sys.path.append(library)
    PREPARE[name](url)
    path = folder(name)
    started = time.monotonic()
    {"plain": plain, "engine": engine}[how](path, url)
    seconds = time.monotonic() - started
    revisions = len(list(ScriptDirectory.from_config(configuration(path, url)).walk_revisions()))
    print(json.dumps({"revisions": revisions, "seconds": round(seconds, 2)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
