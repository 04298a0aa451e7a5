"""Tells the serving release's statements from those that only older releases executed."""

from collections.abc import Sequence

from seachange_migrations.check.findings import Finding, Source, Verdict
from seachange_migrations.check.workload.counted import executed_within
from seachange_migrations.check.workload.model import Unknown, Workload
from seachange_migrations.connection import ConnectionSettings


def no_longer_executed(
    real: ConnectionSettings, workload: Workload, findings: Sequence[Finding]
) -> tuple[Unknown, ...]:
    """The statements of `workload` that a finding says to break, and that nobody executes any more while others are executed.

    It looks at the database of `real` for `workload.doubted_s` seconds, and only where one broke: whoever breaks no statement
    that was ever counted breaks none of the serving release's. In a quiet database nothing is told apart, and a recorded
    statement is the serving release's whoever executes it.
    """
    broken = {
        found.statement for found in findings if found.source is Source.WORKLOAD and found.verdict is Verdict.CONTRACT
    }
    in_doubt = [each for each in workload.statements if not each.recorded and each.sql in broken]
    if workload.doubted_s is None or not in_doubt:
        return ()
    executed = executed_within(real, workload.doubted_s, {each.role for each in workload.statements})
    if not executed:
        return ()
    reason = f"it breaks, but within {workload.doubted_s:g} s others were executed and it was not: an older release's, it seems"
    return tuple(Unknown(sql=each.sql, role=each.role, reason=reason) for each in in_doubt if each.sql not in executed)
