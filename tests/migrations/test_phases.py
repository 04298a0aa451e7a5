"""The phase of a revision: branch label, else module attribute, else expand."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from seachange_migrations.errors import InvalidDirectoryError
from seachange_migrations.phases import phases
from tests.migrations.databases import AlembicDirectory


@pytest.fixture
def plain(tmp_path: Path) -> AlembicDirectory:
    return AlembicDirectory(tmp_path / "migrations")


def phases_of(directory: AlembicDirectory) -> dict[str, str]:
    return {revision: str(phase) for revision, phase in phases(ScriptDirectory(str(directory.path))).items()}


def test_two_labelled_branches(plain: AlembicDirectory) -> None:
    plain.example()
    plain.revision("0004", "0002")
    plain.revision("0005", "0003")
    assert phases_of(plain) == {
        "0001": "expand",
        "0002": "expand",
        "0003": "contract",
        "0004": "expand",
        "0005": "contract",
    }


def test_linear_history_with_module_attributes(plain: AlembicDirectory) -> None:
    plain.revision("0001", None)
    plain.revision("0002", "0001", phase="contract")
    plain.revision("0003", "0002", phase="expand")
    assert phases_of(plain) == {"0001": "expand", "0002": "contract", "0003": "expand"}


def test_a_label_reaches_no_ancestor(plain: AlembicDirectory) -> None:
    plain.revision("0001", None)
    plain.revision("0002", "0001", branch_labels=("contract",))
    assert phases_of(plain) == {"0001": "expand", "0002": "contract"}


def test_a_label_of_another_meaning_leaves_the_attribute(plain: AlembicDirectory) -> None:
    plain.revision("0001", None, branch_labels=("billing",))
    plain.revision("0002", "0001", phase="contract")
    assert phases_of(plain) == {"0001": "expand", "0002": "contract"}


def test_refused_phase(plain: AlembicDirectory) -> None:
    plain.revision("0001", None, phase="shrink")
    with pytest.raises(InvalidDirectoryError, match=r"0001 .* phase = 'shrink': write 'expand' or 'contract'"):
        phases_of(plain)
