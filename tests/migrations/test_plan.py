"""Which revisions would run, and what is refused, for directory, database, target and phase."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from seachange_migrations.errors import (
    InvalidDirectoryError,
    InvalidRequestError,
    UnknownRevisionError,
    WrongOrderError,
)
from seachange_migrations.guards import refuse_unknown
from seachange_migrations.phases import Phase
from seachange_migrations.plan import plan
from tests.migrations.databases import AlembicDirectory


@pytest.fixture
def directory(tmp_path: Path) -> AlembicDirectory:
    return AlembicDirectory(tmp_path / "migrations").example()


def planned(
    directory: AlembicDirectory, *heads: str, target: str = "heads", phase: Phase = Phase.EXPAND
) -> tuple[str, ...]:
    script = ScriptDirectory(str(directory.path))
    return plan(script, heads, target=target, phase=phase, first_migration=not heads)


@pytest.mark.parametrize(
    ("heads", "target", "phase", "expected"),
    [
        # An empty database gets both phases, up to the target.
        ([], "heads", Phase.EXPAND, ("0001", "0002", "0003")),
        ([], "heads", Phase.CONTRACT, ("0001", "0002", "0003")),
        ([], "0001", Phase.EXPAND, ("0001",)),
        ([], "expand@head", Phase.EXPAND, ("0001", "0002")),
        ([], "contract@head", Phase.EXPAND, ("0001", "0002", "0003")),
        # Any other gets its phase.
        (["0001"], "heads", Phase.EXPAND, ("0002",)),
        (["0001"], "expand@head", Phase.EXPAND, ("0002",)),
        (["0001"], "0001", Phase.EXPAND, ()),
        (["0002"], "heads", Phase.EXPAND, ()),
        (["0002"], "heads", Phase.CONTRACT, ("0003",)),
        (["0002"], "0003", Phase.EXPAND, ()),
        # A database ahead of the target is left as it is.
        (["0002"], "0001", Phase.EXPAND, ()),
        (["0003"], "0001", Phase.EXPAND, ()),
        (["0003"], "expand@head", Phase.EXPAND, ()),
    ],
)
def test_plan(
    directory: AlembicDirectory, heads: list[str], target: str, phase: Phase, expected: tuple[str, ...]
) -> None:
    assert planned(directory, *heads, target=target, phase=phase) == expected


def test_dependencies_come_first(directory: AlembicDirectory) -> None:
    directory.revision("0010", None, branch_labels=("billing",), depends_on="0002")
    assert planned(directory, target="billing@head") == ("0001", "0002", "0010")


def test_contract_first(directory: AlembicDirectory) -> None:
    directory.revision("0004", "0002", depends_on="0003")
    with pytest.raises(WrongOrderError, match=r"contract first: revision 0004 .* needs revision 0003") as refused:
        planned(directory, "0002")
    assert (refused.value.first, refused.value.wanted) == ("0003", "0004")


def test_contract_first_in_a_linear_history(tmp_path: Path) -> None:
    linear = AlembicDirectory(tmp_path / "linear")
    linear.revision("0001", None)
    linear.revision("0002", "0001", phase="contract")
    assert planned(linear, "0001") == ()
    linear.revision("0003", "0002")
    with pytest.raises(WrongOrderError, match="contract first"):
        planned(linear, "0001")
    assert planned(linear, "0002") == ("0003",)


def test_expand_first(directory: AlembicDirectory) -> None:
    with pytest.raises(WrongOrderError, match="expand first: revision 0003"):
        planned(directory, "0001", phase=Phase.CONTRACT)


def test_two_heads_of_one_branch(directory: AlembicDirectory) -> None:
    directory.revision("0004", "0002")
    directory.revision("0005", "0002")
    with pytest.raises(InvalidDirectoryError, match=r"2 heads .* expand: 0004, 0005\. .* alembic merge 0004 0005"):
        planned(directory, "0001")
    with pytest.raises(InvalidRequestError, match="expand@head"):
        planned(directory, "0001", target="expand@head")


def test_two_branches_with_labels_of_their_own(directory: AlembicDirectory) -> None:
    directory.revision("0010", None, branch_labels=("billing",))
    assert planned(directory, "0001") == ("0002", "0010") or planned(directory, "0001") == ("0010", "0002")


@pytest.mark.parametrize("target", ["nowhere", "expand@nowhere", "shrink@head"])
def test_unknown_target(directory: AlembicDirectory, target: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"target '{target}' is no revision"):
        planned(directory, "0001", target=target)


@pytest.mark.parametrize("head", ["0009", "000"])
def test_unknown_revision_in_the_database(directory: AlembicDirectory, head: str) -> None:
    with pytest.raises(UnknownRevisionError, match=f"at revision {head}, which .* does not know") as refused:
        refuse_unknown(ScriptDirectory(str(directory.path)), ["0001", head])
    assert refused.value.revisions == (head,)
