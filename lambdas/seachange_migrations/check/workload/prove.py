"""Executes a workload on a scratch database before and after each revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seachange_migrations.check.findings import Finding
from seachange_migrations.check.scratch import Scratch
from seachange_migrations.check.statement import RevisionObservation
from seachange_migrations.check.workload.model import Unknown, Workload
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.running import TimeLeft, endless


@dataclass(frozen=True, kw_only=True)
class Proof:
    """`observations` has what was seen per revision, the findings of the workload among them.

    `executed` statements ran before the first revision; `unknown` are those that did not.
    """

    observations: tuple[RevisionObservation, ...]
    executed: int
    unknown: tuple[Unknown, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for observation in self.observations for finding in observation.findings)


def prove(
    scratch: Scratch,
    directory: Path,
    revisions: Sequence[str],
    workload: Workload,
    *,
    roles: Mapping[str, ConnectionSettings] | None = None,
    time_left: TimeLeft = endless,
) -> Proof:
    """Seeds `scratch` with sampled rows, executes `workload`, then applies `revisions` and executes it again after each.

    `roles` has settings for roles that log in themselves; for any other the role of `scratch` must be able to SET ROLE.
    """
    raise NotImplementedError
