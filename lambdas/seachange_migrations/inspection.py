"""What pending revisions do, read from the SQL that they emit: the phase of those that declare none, and what must not run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.script import ScriptDirectory

from seachange_migrations.errors import BreaksReleaseError, one_line
from seachange_migrations.phases import Phase, declared_phases

if TYPE_CHECKING:
    from seachange_migrations.check import Finding


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """The phase of every revision, and what the expand revisions among the pending ones would break."""

    phase_of: Mapping[str, Phase]
    findings: Sequence["Finding"]

    def refuse_breaking(self, wanted: Sequence[str]) -> None:
        """Raises BreaksReleaseError where one of `wanted` would break the release that serves."""
        found = [finding for finding in self.findings if finding.revision in wanted]
        if found:
            more = f" And {len(found) - 1} more: `seachange check` lists them." if len(found) > 1 else ""
            raise BreaksReleaseError(
                f"{one_line(str(found[0]), 900)}{more} It would break the release that serves, so nothing was applied."
            )


def inspect_pending(script: ScriptDirectory, pending: Sequence[str]) -> Inspection:
    """Reads those of the `pending` revisions that are not declared contract.

    One that declares no phase is contract when it would break the serving release.
    """
    declared = declared_phases(script)
    unread = [revision for revision in pending if declared[revision] is not Phase.CONTRACT]
    undeclared = [revision for revision in unread if declared[revision] is None]
    findings: Sequence[Finding] = ()
    if unread:
        # Loads PostgreSQL's parser, which is large.
        from seachange_migrations.check import contract_findings

        findings = contract_findings(Path(script.dir), revisions=unread)
    contract = {finding.revision for finding in findings}.intersection(undeclared)
    return Inspection(
        phase_of={
            revision: phase or (Phase.CONTRACT if revision in contract else Phase.EXPAND)
            for revision, phase in declared.items()
        },
        findings=[finding for finding in findings if finding.revision not in contract],
    )
