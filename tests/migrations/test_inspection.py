"""What pending revisions do: the phase of those that declare none, and expand revisions that would break the serving release."""

from typing import Any

import pytest

from seachange_migrations.errors import BreaksReleaseError, WrongOrderError
from seachange_migrations.locks import lock_key
from seachange_migrations.migrate import migrate
from seachange_migrations.outlook import inspect
from seachange_migrations.phases import Phase
from tests.migrations.databases import AlembicDirectory, Database

CREATE = "CREATE TABLE customers (id int PRIMARY KEY, address text, note text)"
DROP = "ALTER TABLE customers DROP COLUMN address"
ADD = "ALTER TABLE customers ADD COLUMN city text"


@pytest.fixture
def served(database: Database, directory: AlembicDirectory) -> AlembicDirectory:
    """The directory of a database whose first migration has finished."""
    directory.revision("0001", None, CREATE)
    migrate(database.master, directory.path)
    return directory


def columns(database: Database) -> set[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'customers'"
    return {name for (name,) in database.rows(query)}


def test_an_undeclared_revision_that_breaks_the_release_is_contract(
    database: Database, served: AlembicDirectory
) -> None:
    served.revision("0002", "0001", ADD)
    served.revision("0003", "0002", DROP)
    outlook = inspect(database.master, served.path)
    assert (outlook.wanted, outlook.waiting) == (("0002",), ("0003",))
    assert outlook.phase_of == {"0001": Phase.EXPAND, "0002": Phase.EXPAND, "0003": Phase.CONTRACT}
    assert migrate(database.master, served.path).revisions == ("0002",)
    assert migrate(database.master, served.path, Phase.CONTRACT).revisions == ("0003",)
    assert columns(database) == {"id", "note", "city"}


def test_an_undeclared_contract_below_an_expand_comes_first(database: Database, served: AlembicDirectory) -> None:
    served.revision("0002", "0001", DROP)
    served.revision("0003", "0002", ADD)
    with pytest.raises(WrongOrderError, match="contract first: revision 0003"):
        migrate(database.master, served.path)
    assert migrate(database.master, served.path, Phase.CONTRACT).revisions == ("0002",)
    assert migrate(database.master, served.path).revisions == ("0003",)


def test_what_an_author_allows_is_expand(database: Database, served: AlembicDirectory) -> None:
    served.revision("0002", "0001", DROP)
    path = served.path / "versions" / "0002.py"
    rule = inspect_rule(database, served)
    path.write_text(
        f"# seachange: allow {rule} because nobody has read it for a year\n{path.read_text('utf-8')}", "utf-8"
    )
    assert migrate(database.master, served.path).revisions == ("0002",)


def inspect_rule(database: Database, directory: AlembicDirectory) -> str:
    """The rule that the pending revision breaks."""
    text = (directory.path / "versions" / "0002.py").read_text("utf-8")
    (directory.path / "versions" / "0002.py").write_text(
        text.replace("down_revision", "phase = 'expand'\ndown_revision"), "utf-8"
    )
    with pytest.raises(BreaksReleaseError) as caught:
        migrate(database.master, directory.path)
    return str(caught.value).partition("# seachange: allow ")[2].partition(" because ")[0]


@pytest.mark.parametrize("label", [True, False])
def test_an_expand_revision_that_breaks_the_release_is_refused(
    database: Database, served: AlembicDirectory, label: bool
) -> None:
    declared: dict[str, Any] = {"branch_labels": ("expand",)} if label else {"phase": "expand"}
    served.revision("0002", "0001", ADD, **declared)
    served.revision("0003", "0002", DROP, phase="expand")
    with pytest.raises(BreaksReleaseError) as caught:
        migrate(database.master, served.path)
    message = str(caught.value)
    assert message.startswith("revision 0003, line 8: ")
    assert "address" in message
    assert "`# seachange: allow drop-column because …`. It would break" in message
    assert message.endswith("It would break the release that serves, so nothing was applied.")
    assert "\n" not in message
    assert columns(database) == {"id", "address", "note"}, "nothing is touched, 0002 included"
    assert migrate(database.master, served.path, target="0002").revisions == ("0002",)


def test_nothing_is_served_from_an_empty_database(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, CREATE)
    directory.revision("0002", "0001", DROP, phase="expand")
    assert migrate(database.master, directory.path).revisions == ("0001", "0002")


def test_a_first_migration_that_goes_on_is_not_inspected(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, CREATE)
    directory.revision("0002", "0001", "SELECT broken()")
    with pytest.raises(Exception, match="broken"):
        migrate(database.master, directory.path)
    directory.revision("0002", "0001", DROP, phase="expand")
    assert migrate(database.master, directory.path).revisions == ("0002",)


def test_a_look_changes_nothing(database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    outlook = inspect(database.master, directory.path)
    assert (outlook.before, outlook.wanted, outlook.waiting) == ((), ("0001", "0002", "0003"), ())
    assert (outlook.is_first, outlook.lock_holder) == (True, None)
    assert database.tables() == set()


def test_a_look_names_who_migrates(database: Database, served: AlembicDirectory) -> None:
    with database.connect(application_name="deployer") as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key(database.name)])
        holder = inspect(database.master, served.path).lock_holder
    assert holder is not None
    assert "(deployer, role postgres)" in holder
