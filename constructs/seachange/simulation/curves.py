"""Results over error rates and slowdowns: how bad a release must be to be caught."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import Shift
from seachange.simulation.advice import advice
from seachange.simulation.engine import simulate
from seachange.simulation.profile import Profile
from seachange.simulation.result import Result
from seachange.simulation.unknowns import Unknowns

SCHEMA = "seachange.simulation/1"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault, its name in words, and what becomes of releases with it."""

    name: str
    fault: Fault
    result: Result

    @property
    def is_good(self) -> bool:
        return self.fault == NO_FAULT


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Good releases, then bad ones, from the least bad of each kind on.

    Attributes:
        recommendations: Alarms that are right whichever value an unknown has, where those of the template are not.
    """

    shift: Shift
    profile: Profile
    unknowns: Unknowns
    seed: int
    rows: tuple[Row, ...]
    recommendations: tuple[str, ...]

    def reasons(self, *, catch: float | None, false_alarms: float) -> list[str]:
        """What speaks against this set of alarms at this traffic.

        Args:
            catch: The least share of the bad releases to be rolled back; None for none.
            false_alarms: The most good releases of a hundred to be rolled back.
        """
        found = []
        for row in self.rows:
            share = row.result.rolled_back.value
            if not row.is_good and catch is not None and share < catch:
                found.append(f"{row.name}: {share:.1%} are rolled back by the end of the bake; wanted are {catch:.1%}")
            if row.is_good and 100 * share > false_alarms:
                found.append(
                    f"{100 * share:.1f} of a hundred good releases are rolled back; wanted are {false_alarms:g} at most"
                )
        return found

    def to_json(self, reasons: Sequence[str]) -> dict[str, Any]:
        """Everything, under the schema seachange.simulation/1."""
        return {
            "schema": SCHEMA,
            "verdict": "fail" if reasons else "pass",
            "reasons": list(reasons),
            "profile": asdict(self.profile),
            "unknowns": asdict(self.unknowns),
            "shift": {
                "engine": self.shift.engine,
                "steps": [asdict(step) for step in self.shift.steps],
                "bake_s": self.shift.bake_s,
            },
            "seed": self.seed,
            "releases": self.rows[0].result.releases,
            "results": [
                {
                    "name": row.name,
                    "fault": {name: value for name, value in asdict(row.fault).items() if value != float("inf")},
                    **asdict(row.result),
                    "range": list(row.result.range),
                }
                for row in self.rows
            ],
            "not_simulated": list(self.rows[0].result.not_simulated),
            "recommendations": list(self.recommendations),
        }


def curves(
    shift: Shift,
    profile: Profile,
    faults: Sequence[tuple[str, Fault]],
    *,
    releases: int,
    seed: int,
    unknowns: Unknowns,
    progress: Callable[[str, int], None],
) -> Curves:
    """Simulates a good release and each fault.

    Args:
        shift: Traffic steps, bake and alarms.
        profile: The traffic.
        faults: Each with its name.
        releases: How many of each.
        seed: As for `simulate`.
        unknowns: As for `simulate`.
        progress: Told what is being simulated, and how many more releases have been.
    """
    rows = [
        Row(
            name=name,
            fault=fault,
            result=simulate(
                shift,
                profile,
                fault=fault,
                releases=releases,
                seed=seed,
                unknowns=unknowns,
                progress=lambda more, name=name: progress(name, more),  # type: ignore[misc]
            ),
        )
        for name, fault in [("good release", NO_FAULT), *faults]
    ]
    told: list[str] = []
    for row in rows:
        if any(variant.matters and variant.unknown != "delays" for variant in row.result.variants):
            progress(f"{row.name}: another alarm", 0)
            told += [
                text
                for text in advice(shift, profile, row.name, row.fault, row.result, seed=seed, unknowns=unknowns)
                if text not in told
            ]
    return Curves(
        shift=shift, profile=profile, unknowns=unknowns, seed=seed, rows=tuple(rows), recommendations=tuple(told)
    )
