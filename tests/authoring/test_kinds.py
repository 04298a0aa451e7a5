"""Each kind of change, whole: generated, expanded, both releases at work, contracted, and nothing left to generate."""

from typing import Any

import pytest

from seachange_migrations.check import check
from tests.authoring.kinds import KINDS, Kind, Values, release
from tests.authoring.project import Project, formatted, revisions, upgrade


def write(project: Project, item: type[Any], values: Values, key: int | None = None) -> int:
    """A new row, or a change of the row `key`, as the service writes it; returns the key."""
    with project.session() as session:
        row = item(**values) if key is None else session.get_one(item, key)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        session.flush()
        return int(row.id)


def read(project: Project, item: type[Any], key: int, names: Values) -> Values:
    with project.session() as session:
        row = session.get_one(item, key)
        return {name: getattr(row, name) for name in names}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_one_change(project: Project, kind: Kind) -> None:
    old, new = release(kind.old()), release(kind.new())
    project.release(old.metadata)
    first = write(project, old, kind.by_old[0])

    generated = project.generate(new.metadata, kind.name)
    assert generated.questions == ()
    assert upgrade(generated, "expand") == "\n".join(kind.expand)
    assert upgrade(generated, "contract") == "\n".join(kind.contract)
    for written in generated.written:
        formatted(written.path)
    # What is generated for expand passes our own check; where it breaks a rule rightly, it says why.
    verdicts = {result.revision: result.verdict for result in check(project.path).revisions}
    assert [verdicts[one] for one in revisions(generated, "expand")] == ["safe"] * bool(kind.expand)

    assert project.migrate("expand") == revisions(generated, "expand")
    before = kind.before or kind.by_old[1]
    assert read(project, new, first, before) == before
    second = write(project, old, {} if kind.once else kind.by_old[0])
    if not kind.once:
        assert read(project, new, second, kind.by_old[1]) == kind.by_old[1]
    third = write(project, new, kind.by_new[0])
    assert read(project, old, third, kind.by_new[1]) == kind.by_new[1]
    write(project, old, kind.changed_by_old[0], third)
    assert read(project, new, third, kind.changed_by_old[1]) == kind.changed_by_old[1]
    write(project, new, kind.changed_by_new[0], second)
    assert read(project, old, second, kind.changed_by_new[1]) == kind.changed_by_new[1]

    assert project.migrate("contract") == revisions(generated, "contract")
    after = kind.after or before
    assert read(project, new, first, after) == after
    write(project, new, kind.last or kind.by_new[0])
    assert project.generate(new.metadata, "again").written == ()
