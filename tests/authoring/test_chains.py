"""Changes one after the other: on a database that ran them, on an empty one, under Alembic alone, and with names that need quotes."""

import subprocess
import sys

import pytest
import sqlalchemy as sa
from sqlalchemy import MetaData

from seachange.authoring.directory import attached
from seachange.authoring.revision import autogenerate
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import WrongOrderError
from seachange_migrations.migrate import migrate
from tests.authoring.kinds import column, release, said
from tests.authoring.project import Project, revisions, source, upgrade
from tests.authoring.test_kinds import read, write


def items(name: str, old: str | None = None, *more: sa.Column[str]) -> MetaData:
    info = said(renamed_from=old) if old else {}
    return release([column(name, sa.Text, nullable=False, info=info), *more]).metadata


def differences(project: Project, settings: ConnectionSettings, models: MetaData) -> int:
    with attached(project.path, settings) as migrations:
        migrations.config.attributes["models"] = models
        return len(autogenerate(migrations, "again").written)


@pytest.fixture
def twice(project: Project) -> Project:
    """A column that was renamed, and then renamed again, to a name that it had before."""
    project.release(items("name"))
    project.generate(items("title", "name"), "titles")
    project.migrate("expand")
    project.migrate("contract")
    generated = project.generate(items("name", "title"), "names again")
    assert generated.questions == ()
    return project


def test_an_empty_database_gets_the_whole_chain(twice: Project) -> None:
    twice.database.rows(f"CREATE DATABASE {twice.database.name}_empty OWNER {twice.database.master.user}")
    master = twice.database.master
    settings = ConnectionSettings(
        host=master.host,
        port=master.port,
        database=f"{master.database}_empty",
        user=master.user,
        password=master.password,
    )
    assert len(migrate(settings, twice.path).revisions) == 5
    assert differences(twice, settings, items("name")) == 0


def test_the_second_change_of_a_table_waits_for_the_first_ones_contract(project: Project) -> None:
    first = release([column("name", sa.Text)])
    project.release(first.metadata)
    project.generate(items("title", "name"), "titles")
    project.migrate("expand")
    served = project.database.rows("SELECT version_num FROM alembic_version")
    # On another database both phases have run, so there the next change can be generated.
    project.migrate("contract")
    generated = project.generate(items("title", None, column("note", sa.Text)), "notes")
    with project.database.connect() as connection:
        connection.execute("DELETE FROM alembic_version")
        connection.execute("INSERT INTO alembic_version VALUES (%s)", served[0])
    with pytest.raises(WrongOrderError, match="contract first"):
        project.migrate("expand")
    assert 'depends_on = "' in source(generated, "expand")


def test_a_column_that_goes_a_release_later_ends_its_sync(project: Project) -> None:
    def renamed(*more: sa.Column[str]) -> MetaData:
        return release([column("title", sa.Text, info=said(renamed_from="name")), *more]).metadata

    project.release(release([column("name", sa.Text)]).metadata)
    generated = project.generate(renamed(column("name", sa.Text)), "titles beside names")
    assert [written.phase for written in generated.written] == ["expand"]
    assert "stays in the models, so the trigger stays too" in generated.notes[0]
    project.migrate("expand")
    generated = project.generate(renamed(), "no names")
    assert upgrade(generated, "contract") == "op.drop_synced('items', sync='items_title')"
    project.migrate("contract")
    assert project.generate(renamed()).written == ()


def test_alembic_alone_runs_what_is_generated(twice: Project) -> None:
    url = twice.database.master.url().render_as_string(hide_password=False).replace("%", "%%")
    path = str(twice.path).replace("%", "%%")
    ini = twice.path.parent / "alembic.ini"
    ini.write_text(f"[alembic]\nscript_location = {path}\nsqlalchemy.url = {url}\n", "utf-8")
    first = write(twice, release([column("title", sa.Text)]), {"title": "Ada"})
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(ini), "upgrade", "heads"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert read(twice, release([column("name", sa.Text)]), first, {"name": ""}) == {"name": "Ada"}
    assert twice.generate(items("name")).written == ()


def test_names_that_need_quotes(project: Project) -> None:
    def models(*columns: sa.Column[str]) -> MetaData:
        metadata = MetaData()
        sa.Table(
            "Order Items",
            metadata,
            sa.Column("Id", sa.Integer, sa.Identity(), primary_key=True),
            *columns,
            schema="Shop",
        )
        return metadata

    env = project.path / "env.py"
    option = "compare_server_default=True"
    env.write_text(env.read_text("utf-8").replace(option, f"include_schemas=True, {option}"), "utf-8")
    project.database.rows(f'CREATE SCHEMA "Shop" AUTHORIZATION {project.database.master.user}')
    project.release(models(sa.Column("a:b %", sa.Text, nullable=False)))
    project.database.rows('INSERT INTO "Shop"."Order Items" ("a:b %") VALUES (\'x\')')
    new = models(
        sa.Column("Full Name", sa.Text, nullable=False, unique=True, info=said(renamed_from="a:b %")),
        sa.Column("Made At", sa.DateTime, server_default=sa.func.clock_timestamp(), nullable=False),
    )
    generated = project.generate(new, 'it\'s """quoted""" \\d 100 %')
    assert generated.questions == ()
    assert "schema='Shop'" in upgrade(generated, "expand")
    assert project.migrate("expand") == revisions(generated, "expand")
    assert project.migrate("contract") == revisions(generated, "contract")
    assert project.generate(new).written == ()
    assert project.database.rows('SELECT "Full Name" FROM "Shop"."Order Items"') == [("x",)]
