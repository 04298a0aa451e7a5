"""Applies revisions to a scratch database one by one and says what each statement did."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from seachange_migrations.check.findings import Finding, Source, Verdict
from seachange_migrations.check.observed.rules import findings
from seachange_migrations.check.observed.watch import Watch, watching
from seachange_migrations.check.scratch import Scratch, ScratchError
from seachange_migrations.check.scratch.failure import in_words
from seachange_migrations.check.scratch.fence import fenced
from seachange_migrations.check.statement import RevisionObservation
from seachange_migrations.connection import connect, open_connection
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.running import Run, TimeLeft, endless, running


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Applies revisions to the scratch database while it watches."""

    directory: MigrationDirectory
    watch: Watch
    differences: Mapping[str, tuple[str, ...]]
    time_left: TimeLeft

    def apply(self, revision: str) -> RevisionObservation:
        """Applies `revision`, whose ancestors are applied, and says what it did. Raises ScratchError when it fails."""
        found = self.directory.script.get_revision(revision)
        assert found is not None  # whoever names it has it from this directory
        self.watch.begin_revision(found.path)
        if self.time_left() <= 0:
            raise ScratchError(f"the time is used up before revision {revision}")
        with watching(self.watch), running(Run(time_left=self.time_left, revision=revision)):
            try:
                self.directory.upgrade(revision)
            except ScratchError:
                raise
            except Exception as error:
                reason = f"revision {revision} does not run on the scratch database: {in_words(error)}"
                raise ScratchError(reason) from error
        return RevisionObservation(
            revision=revision,
            findings=tuple(findings(revision, self.watch.seen, self.differences)),
            statements=tuple(seen.statement for seen in self.watch.seen),
        )


@contextmanager
def applier(scratch: Scratch, directory: Path, *, time_left: TimeLeft = endless) -> Iterator[Applier]:
    """An applier on a connection of its own. Raises ScratchError when env.py connects elsewhere."""
    migrations = MigrationDirectory(directory, scratch.settings)
    with ExitStack() as stack:
        second = stack.enter_context(connect(scratch.settings))
        connection = stack.enter_context(open_connection(scratch.settings))
        migrations.attach(connection)
        stack.enter_context(fenced(scratch.settings, time_left))
        watch = Watch(second=second)
        yield Applier(directory=migrations, watch=watch, differences=scratch.differences, time_left=time_left)


def observe(
    scratch: Scratch, directory: Path, revisions: Sequence[str], *, time_left: TimeLeft = endless
) -> list[RevisionObservation]:
    """Applies `revisions`, ancestors first, to `scratch`, and returns what each of them did, in this order.

    A revision that fails there ends it: it and those after it have a finding `unknown`.
    """
    observations: list[RevisionObservation] = []
    with applier(scratch, directory, time_left=time_left) as applying:
        for revision in revisions:
            try:
                observations.append(applying.apply(revision))
            except ScratchError as error:
                rest = revisions[len(observations) :]
                return [*observations, *(not_applied(each, str(error)) for each in rest)]
    return observations


def not_applied(revision: str, reason: str) -> RevisionObservation:
    """The observation of a revision that was not seen."""
    finding = Finding(
        rule="observed-not-applied",
        verdict=Verdict.UNKNOWN,
        statement="",
        problem=f"nobody saw what it does: {reason}.",
        remedy="Make the revisions run from the first to the last on an empty database.",
        source=Source.OBSERVED,
        revision=revision,
    )
    return RevisionObservation(revision=revision, findings=(finding,))
