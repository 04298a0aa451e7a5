"""What models and database do not tell: asked in the revision, which refuses to run, and on the terminal."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy.schema import SchemaItem

from seachange.authoring.errors import AuthoringError
from seachange_migrations.check import contract_findings
from seachange_migrations.errors import NotDecidedError
from tests.authoring.kinds import column, named, release, said
from tests.authoring.project import Project, accept, formatted, revisions, source, upgrade

COLUMNS = "SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY 1, 2"

Items = Callable[[], list[SchemaItem]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A change that asks, in the revision of `phase`; `answered` is the same with the answer in the models, if there it is."""

    name: str
    old: Items
    new: Items
    question: str
    answered: Items | None = None
    phase: str = "expand"


ASKED = (
    Asked(
        name="a column goes and one of the same kind comes",
        old=lambda: [named()],
        new=lambda: [column("full_name", sa.String(50))],
        question="items.name goes and full_name comes: is that a rename?",
        answered=lambda: [column("full_name", sa.String(50), info=said(renamed_from=None))],
    ),
    Asked(
        name="a column goes and two of the same kind come",
        old=lambda: [named()],
        new=lambda: [column("first", sa.Text), column("last", sa.Text), column("age", sa.Integer)],
        question="items.name goes and first, last come: is one of them a rename?",
        answered=lambda: [column("first", sa.Text, info=said(renamed_from="name")), column("last", sa.Text)],
    ),
    Asked(
        name="NOT NULL without a default",
        old=list,
        new=lambda: [column("size", sa.Integer, nullable=False, default=3)],
        question="items.size is NOT NULL without a default",
        answered=lambda: [column("size", sa.Integer, nullable=False, info=said(backfill="3"))],
    ),
    Asked(
        name="a type that does not widen",
        old=lambda: [column("amount", sa.Integer)],
        new=lambda: [column("amount", sa.BigInteger)],
        question="items.amount: how does INTEGER become BIGINT, and back",
        answered=lambda: [
            column(
                "amount_v2",
                sa.BigInteger,
                info=said(changed_from="amount", forward="amount::bigint", backward="amount_v2::int"),
            )
        ],
    ),
    Asked(
        name="a string that widens, which prepared statements do not survive",
        old=lambda: [column("name", sa.String(20))],
        new=lambda: [column("name", sa.Text)],
        question=r"items.name: may VARCHAR\(20\) be widened to TEXT in place",
        answered=lambda: [column("name", sa.Text, info=said(in_place=True))],
    ),
    Asked(
        name="a string that narrows",
        old=lambda: [column("name", sa.String(50))],
        new=lambda: [column("name", sa.String(20))],
        question=r"items.name: how does VARCHAR\(50\) become VARCHAR\(20\), and back",
    ),
    Asked(
        name="a time that gets a zone, which rewrites nothing in some sessions and reads otherwise in all",
        old=lambda: [column("at", sa.DateTime)],
        new=lambda: [column("at", sa.DateTime(timezone=True))],
        question="items.at: how does TIMESTAMP WITHOUT TIME ZONE become TIMESTAMP WITH TIME ZONE",
    ),
    Asked(
        name="a rename to another type",
        old=lambda: [column("amount", sa.Integer)],
        new=lambda: [column("total", sa.BigInteger, info=said(renamed_from="amount"))],
        question="items.total takes the place of amount: how does INTEGER become BIGINT, and back",
        answered=lambda: [
            column(
                "total",
                sa.BigInteger,
                info=said(changed_from="amount", forward="amount::bigint", backward="total::int"),
            )
        ],
    ),
    Asked(
        name="a computed column",
        old=lambda: [named()],
        new=lambda: [named(), column("upper", sa.Text, sa.Computed("upper(name)", persisted=True))],
        question="items.upper is computed for every row",
    ),
    Asked(
        name="an enumeration gets a value",
        old=lambda: [column("size", sa.Enum("small", name="size"))],
        new=lambda: [column("size", sa.Enum("small", "it's large", name="size"))],
        question='type size gets "it\'s large": can the serving release read it',
    ),
    Asked(
        name="an enumeration loses a value",
        old=lambda: [column("size", sa.Enum("small", "large", name="size"))],
        new=lambda: [column("size", sa.Enum("small", name="size"))],
        question="type size has 'large' no more",
    ),
    Asked(
        name="a unique constraint goes",
        old=lambda: [column("name", sa.Text, unique=True)],
        new=lambda: [named()],
        question=r"items_name_key goes: may the new release write equal name",
        phase="contract",
    ),
    Asked(
        name="a unique index goes",
        old=lambda: [column("name", sa.Text, unique=True, index=True)],
        new=lambda: [named()],
        question=r"ix_items_name goes: may the new release write equal name",
        phase="contract",
    ),
)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_a_question(project: Project, asked: Asked) -> None:
    project.release(release(asked.old()).metadata)
    generated = project.generate(release(asked.new()).metadata, asked.name)
    assert len(generated.questions) == 1
    tables = project.database.rows(COLUMNS)
    # The question stands before all else, so that nothing has happened when it stops the revision.
    assert upgrade(generated, asked.phase).startswith("raise NotDecidedError(")
    for written in generated.written:
        formatted(written.path)
    if asked.phase == "contract":
        project.migrate("expand")
    with pytest.raises(NotDecidedError, match=asked.question):
        project.migrate(asked.phase)
    assert project.database.rows(COLUMNS) == tables
    if asked.answered is not None:
        for written in generated.written:
            written.path.unlink()
        models = release(asked.answered()).metadata
        assert project.generate(models, "answered").questions == ()
        project.migrate("expand")
        project.migrate("contract")
        assert project.generate(models).written == ()


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_a_raise_deleted_is_an_answer(project: Project, asked: Asked) -> None:
    project.release(release(asked.old()).metadata)
    generated = project.generate(release(asked.new()).metadata, asked.name)
    for written in generated.written:
        accept(written.path)
    assert contract_findings(project.path) == []
    assert project.migrate("expand") == revisions(generated, "expand")
    assert project.migrate("contract") == revisions(generated, "contract")


def test_a_table_goes_and_one_like_it_comes(project: Project) -> None:
    def models(name: str) -> sa.MetaData:
        metadata = sa.MetaData()
        sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text))
        return metadata

    project.release(models("customers"))
    generated = project.generate(models("clients"), "clients")
    assert generated.questions == ("table customers goes and clients, much like it, comes: is that a rename?",)
    assert '__tablename__ = "customers"' in source(generated, "expand")


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (
            {"seachange": {"renamed_form": "name"}},
            "info['seachange'] has 'renamed_form': it knows renamed_from, changed_from",
        ),
        ({"seachange": "name"}, "info['seachange'] is no mapping"),
        (said(renamed_from="nam"), "info['seachange'] names 'nam', which items does not have in the database"),
        (
            said(renamed_from="name", changed_from="name"),
            "has renamed_from and changed_from: a column comes from one place",
        ),
        (said(renamed_from=["name", "id"]), "renamed_from names 2 columns: for several write 'from'"),
        (said(**{"from": []}), "info['seachange']['from'] is []: name the column"),
        (said(**{"from": ["name"]}, forward="name"), "'from' needs 'forward' at each new column"),
        (said(renamed_from="id"), "items.id is part of the primary key"),
        (
            said(**{"from": ["name", "age"]}, forward="name", backward="x"),
            "'backward' must name an expression for each of name, age",
        ),
    ],
)
def test_answers_that_cannot_be_used(project: Project, info: dict[str, object], message: str) -> None:
    project.release(release([named(), column("age", sa.Text)]).metadata)
    with pytest.raises(AuthoringError) as caught:
        project.generate(release([column("full_name", sa.Text, info=info)]).metadata)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(list((project.path / "versions").glob("*.py"))) == 1


def test_a_database_that_has_not_run_everything(project: Project) -> None:
    project.release(release([named()]).metadata)
    project.generate(release([]).metadata, "no names")
    with pytest.raises(
        AuthoringError, match=r"the database has not run [0-9a-f]{12}, .*`seachange migrate`, both phases"
    ):
        project.generate(release([]).metadata)


def test_no_models(project: Project) -> None:
    with pytest.raises(AuthoringError, match="gives no target_metadata: set it to your models' metadata"):
        project.generate(None)  # type: ignore[arg-type]


def test_models_that_cannot_be_imported(project: Project) -> None:
    env = project.path / "env.py"
    env.write_text("import nowhere_to_be_found\n", "utf-8")
    with pytest.raises(
        AuthoringError, match=r"env.py.* failed: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    ):
        project.generate(sa.MetaData())


def test_a_template_that_cannot_be_used(project: Project) -> None:
    (project.path / "script.py.mako").write_text("${nothing_that_alembic_knows}", "utf-8")
    models = release([named()]).metadata
    with pytest.raises(AuthoringError, match="cannot write a revision into"):
        project.generate(models)
    assert list((project.path / "versions").glob("*.py")) == []


def test_a_column_that_two_pairs_claim(project: Project) -> None:
    project.release(release([column("first", sa.Text), column("last", sa.Text)]).metadata)
    both = said(
        **{"from": ["first", "last"]},
        forward="first || last",
        backward={"first": "full_name", "last": "full_name"},
    )
    new = [column("full_name", sa.Text, info=both), column("nick", sa.Text, info=said(renamed_from="first"))]
    with pytest.raises(AuthoringError, match=r"items\.first is named by several new columns"):
        project.generate(release(new).metadata)
