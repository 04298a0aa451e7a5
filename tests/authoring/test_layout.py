"""Where revisions go: branches, lines, and what waits for what."""

from pathlib import Path

import alembic
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData

from seachange.authoring.directory import script
from seachange.authoring.errors import AuthoringError
from seachange.authoring.layout import Place, place
from seachange.authoring.revision import empty
from seachange_migrations.errors import InvalidDirectoryError
from seachange_migrations.phases import Phase, phases
from tests.authoring.project import Project, formatted, source
from tests.migrations.databases import AlembicDirectory

EXPAND, CONTRACT = Phase.EXPAND, Phase.CONTRACT


@pytest.fixture
def history(tmp_path: Path) -> AlembicDirectory:
    return AlembicDirectory(tmp_path / "migrations")


def places(history: AlembicDirectory, *tables: str) -> tuple[Place, Place]:
    """Where an expand revision would go, and a contract revision of the same change."""
    found = script(history.path)
    return place(found, EXPAND, tables=tables), place(found, CONTRACT, tables=tables)


def test_the_first_expand_revision_of_all_belongs_to_no_branch(history: AlembicDirectory) -> None:
    assert places(history) == (Place(head="base"), Place(head="base", labels=("contract",)))


def test_both_branches_begin_where_the_history_ends(history: AlembicDirectory) -> None:
    history.revision("1", None)
    history.revision("2", "1")
    assert places(history) == (Place(head="2", labels=("expand",)), Place(head="2", labels=("contract",)))


def test_the_second_branch_begins_where_the_first_one_did(history: AlembicDirectory) -> None:
    history.revision("1", None)
    history.revision("2", "1", branch_labels=("expand",))
    history.revision("3", "2")
    assert places(history) == (Place(head="3"), Place(head="1", labels=("contract",), depends_on=("3",)))


def test_expand_waits_for_a_contract_of_the_same_table(history: AlembicDirectory) -> None:
    history.example()
    assert places(history, "customers") == (
        Place(head="0002", depends_on=("0003",)),
        Place(head="0003", depends_on=("0002",)),
    )
    assert places(history, "orders")[0] == Place(head="0002")
    history.revision("0004", "0002", depends_on="0003")
    assert places(history, "customers")[0] == Place(head="0004")


def test_a_line_stays_a_line(history: AlembicDirectory) -> None:
    history.revision("1", None)
    history.revision("2", "1", phase="expand")
    assert places(history) == (Place(head="2", module_phase=EXPAND), Place(head="2", module_phase=CONTRACT))


def test_heads_that_nobody_joined(history: AlembicDirectory) -> None:
    history.revision("1", None)
    history.revision("2", "1", branch_labels=("billing",))
    history.revision("3", "1", branch_labels=("shop",))
    with pytest.raises(AuthoringError, match=r"2 heads, 2, 3, none labelled .*alembic merge 2 3"):
        places(history)
    history.revision("4", "1", branch_labels=("expand",))
    history.revision("5", "4")
    history.revision("6", "4")
    with pytest.raises(InvalidDirectoryError, match="2 heads"):
        places(history)


def test_empty_revisions(project: Project) -> None:
    for phase in (EXPAND, EXPAND, CONTRACT, CONTRACT):
        written = empty(script(project.path), phase, f"by hand, {phase}")
        formatted(written.path, begun=True)
        # What the operations are written with by hand.
        assert "import sqlalchemy as sa\nfrom alembic import op\n" in written.path.read_text("utf-8")
    # The first of all belongs to no branch.
    found = {revision.revision: revision for revision in script(project.path).walk_revisions()}
    assert sorted(phases(script(project.path)).values()) == [CONTRACT, CONTRACT, EXPAND, EXPAND]
    assert written.path.name.endswith("_by_hand_contract.py")
    text = written.path.read_text("utf-8")
    assert "A *contract* revision runs when no older release is left" in text
    assert "An *expand* revision runs before" not in text
    assert found[written.revision].dependencies is not None


def in_lines(project: Project) -> ScriptDirectory:
    """The project with Alembic's own template, whose history is a line."""
    template = Path(alembic.__file__).parent / "templates/generic/script.py.mako"
    (project.path / "script.py.mako").write_text(template.read_text("utf-8"), "utf-8")
    first = empty(script(project.path), EXPAND, "first")
    first.path.write_text(first.path.read_text("utf-8") + 'phase = "expand"\n', "utf-8")
    return script(project.path)


def test_alembics_own_template_in_a_line(project: Project) -> None:
    in_lines(project)
    metadata = MetaData()
    sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("note", sa.Text))
    project.migrate("expand")
    generated = project.generate(metadata, "orders")
    project.migrate("expand")
    changed = MetaData()
    sa.Table("orders", changed, sa.Column("id", sa.Integer, primary_key=True), sa.Column("size", sa.Integer))
    generated = project.generate(changed, "sizes")
    assert 'phase = "expand"' in source(generated, "expand")
    assert 'phase = "contract"' in source(generated, "contract")
    expand, contract = generated.written
    assert script(project.path).get_revision(contract.revision).down_revision == expand.revision
    assert project.migrate("expand") == (expand.revision,)
    assert project.migrate("contract") == (contract.revision,)
    assert project.generate(changed).written == ()


def test_a_template_without_sqlalchemy(project: Project) -> None:
    template = project.path / "script.py.mako"
    text = template.read_text("utf-8").replace(
        '% if "sa." in body or body == "pass":\nimport sqlalchemy as sa\n% endif\n', ""
    )
    assert "import sqlalchemy" not in text
    template.write_text(text, "utf-8")
    metadata = MetaData()
    sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True))
    assert source(project.generate(metadata, "orders"), "expand").count("import sqlalchemy as sa\n") == 1
    project.migrate("expand")
    assert project.generate(metadata).written == ()
