"""sys.exit() in an env.py or a revision: no command ends with it, in silence; each says who would have ended it, and where."""

import pytest

from tests.cli.running import Commands, url_of
from tests.migrations.databases import TAKES_THE_CONNECTION, AlembicDirectory, Database

CALLS = [
    "raise SystemExit",
    "import sys; sys.exit(0)",
    "import sys; sys.exit(3)",
    "import sys; sys.exit('no settings')",
    "exit(0)",
]
SAYS = "would end the process; return where there is nothing to do, raise an exception where it cannot go on"


@pytest.mark.parametrize("call", CALLS)
def test_in_the_function_of_a_revision(
    seachange: Commands, database: Database, directory: AlembicDirectory, call: str
) -> None:
    directory.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY)")
    directory.revision("0002", "0001", body=f"op.execute('CREATE TABLE orders (id int)')\n{call}")
    ran = seachange("migrate", str(directory.path), "--phase", "expand", "--url", url_of(database.master))
    assert ran.code == 1
    last = ran.err.strip().splitlines()[-1]
    assert last.startswith("seachange: revision 0002 failed: ExitError: SystemExit(")
    assert SAYS in last
    assert last.endswith("It was rolled back; mend it and run it again.")
    assert database.tables() == {"alembic_version", "customers"}
    assert database.rows("SELECT version_num FROM alembic_version") == [("0001",)]


def test_behind_a_commit_within_a_revision(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    body = (
        "with op.get_context().autocommit_block():\n    op.execute('CREATE TABLE orders (id int)')\nraise SystemExit(0)"
    )
    directory.revision("0001", None, body=body)
    ran = seachange("migrate", str(directory.path), "--phase", "expand", "--url", url_of(database.master))
    assert ran.code == 1
    assert "It had committed 1 time(s) inside, and that part stays" in ran.err
    assert "orders" in database.tables()


@pytest.mark.parametrize("call", CALLS)
def test_in_env_py(seachange: Commands, database: Database, directory: AlembicDirectory, call: str) -> None:
    (directory.example().path / "env.py").write_text(TAKES_THE_CONNECTION + call, "utf-8")
    line = len(TAKES_THE_CONNECTION.splitlines()) + 1
    ran = seachange("migrate", str(directory.path), "--phase", "expand", "--url", url_of(database.master))
    assert (ran.code, ran.out) == (2, "")
    assert f"env.py, line {line}: ExitError: SystemExit(" in ran.one_line()
    assert SAYS in ran.one_line()
    assert database.tables() == set()


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("migrate --phase expand --plan --url", ("env.py", "versions/0002.py")),
        ("migrate --phase expand --url", ("versions/0002.py",)),
        ("heads --url", ("env.py", "versions/0002.py")),
        ("check", ("versions/0002.py",)),
        ("check --url", ("env.py", "versions/0002.py")),
        ("revision -m x --phase expand", ("versions/0002.py",)),
        ("revision -m x --autogenerate --url", ("env.py", "versions/0002.py")),
    ],
)
def test_where_a_file_is_read(
    seachange: Commands, database: Database, directory: AlembicDirectory, command: str, files: tuple[str, ...]
) -> None:
    name, *options = command.split()
    url = [url_of(database.master)] if "--url" in options else []
    for file in files:
        path = directory.example().path / file
        before = path.read_text("utf-8")
        path.write_text(f"import sys\nsys.exit(0)\n{before}", "utf-8")
        ran = seachange(name, str(directory.path), *options, *url)
        path.write_text(before, "utf-8")
        assert (ran.code, ran.out) == (2, "")
        assert (
            f"{file} failed: " in ran.one_line()
            or "cannot be read: " in ran.one_line()
            or "env.py, or" in ran.one_line()
        )
        assert f"ExitError: SystemExit(0) {SAYS}" in ran.one_line()
        assert database.tables() == set()


def test_in_env_py_once_it_migrates(seachange: Commands, database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY)")
    only_then = """
from alembic import context
try:
    context.get_revision_argument()
except KeyError:
    pass  # it is only read
else:
    raise SystemExit(0)
"""
    (directory.path / "env.py").write_text(only_then + TAKES_THE_CONNECTION, "utf-8")
    ran = seachange("migrate", str(directory.path), "--phase", "expand", "--url", url_of(database.master))
    assert ran.code == 2
    assert "env.py, line 8: ExitError: SystemExit(0) would end the process" in ran.err.strip().splitlines()[-1]
    assert "customers" not in database.tables()


def test_a_check_without_a_database(seachange: Commands, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body="raise SystemExit(0)")
    ran = seachange("check", str(directory.path), "--strict")
    assert ran.code == 1
    assert "SystemExit(0) would end the process" in ran.out


def test_a_check_on_a_database(seachange: Commands, database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body="raise SystemExit(0)")
    ran = seachange("check", str(directory.path), "--url", url_of(database.master))
    assert "SystemExit(0) would end the process" in ran.out + ran.err


def test_an_interruption_is_one(seachange: Commands, database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body="raise KeyboardInterrupt")
    ran = seachange("migrate", str(directory.path), "--phase", "expand", "--url", url_of(database.master))
    assert ran.code == 130
