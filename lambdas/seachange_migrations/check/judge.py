"""From an Alembic directory to a result: emit, parse, ask every rule, apply what authors allow."""

from collections.abc import Sequence
from pathlib import Path

from alembic.config import Config

from seachange_migrations.check.findings import Result, RevisionResult
from seachange_migrations.check.statement import RevisionObservation
from seachange_migrations.directory import load
from seachange_migrations.errors import InvalidRequestError
from seachange_migrations.phases import phases


def judge(directory: Path, *, revisions: Sequence[str] | None, observations: Sequence[RevisionObservation]) -> Result:
    config = Config()
    config.set_main_option("script_location", str(directory).replace("%", "%%"))
    script = load(directory, config)
    phase_of = phases(script)
    if unknown := [revision for revision in revisions or () if revision not in phase_of]:
        raise InvalidRequestError(f"{', '.join(unknown)}: no revision of {str(directory)!r}")
    wanted = [
        revision
        for revision in reversed(list(script.walk_revisions()))
        if revisions is None or revision.revision in revisions
    ]
    observed = {observation.revision: observation for observation in observations}
    return Result(
        revisions=tuple(
            RevisionResult(
                revision=revision.revision,
                path=revision.path,
                phase=phase_of[revision.revision],
                findings=observed[revision.revision].findings if revision.revision in observed else (),
            )
            for revision in wanted
        )
    )
