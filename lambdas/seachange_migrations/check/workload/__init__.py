"""The serving release's own statements, executed on a scratch database before and after each revision."""

from seachange_migrations.check.workload.collect import collect
from seachange_migrations.check.workload.model import Unknown, Workload, WorkloadStatement
from seachange_migrations.check.workload.prove import Proof, prove

__all__ = ["Proof", "Unknown", "Workload", "WorkloadStatement", "collect", "prove"]
