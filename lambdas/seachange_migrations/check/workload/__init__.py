"""The serving release's own statements, executed on a scratch database before and after each revision."""

from seachange_migrations.check.workload.collect import INTERVAL_S, collect
from seachange_migrations.check.workload.model import Unknown, Workload, WorkloadStatement
from seachange_migrations.check.workload.prove import Proof, prove
from seachange_migrations.check.workload.rules import RULES

__all__ = ["INTERVAL_S", "RULES", "Proof", "Unknown", "Workload", "WorkloadStatement", "collect", "prove"]
