"""Shows, a line each, that a rehearsal keeps its promises: in a fresh clone, with a clean home and cache. Ends non-zero on a miss.

The lines `good_in_a_row`, `drills` and `back_at_once` read what `make drills` has kept for the code that is committed now: twenty good rehearsals and
five of each drill over 1,000,000 rows, which outlast one sitting. The others take about three quarters of an hour. With names of lines only those
are shown: `make accept-rehearsal ONLY="tables simulation"`.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from seachange.rehearsal.drills import all_drills
from seachange.rehearsal.statistics import bound
from tests.accept import drills
from tests.accept.promises import NewUser, Outcomes, hold, show

_BACK_S, _EXAMPLE_S, _SIMULATED, _SIMULATED_S = 1.0, 120.0, 100_000, 10.0


class Rehearsals:
    """Everything that must hold, in the order of the promises."""

    def __init__(self, parent: Path) -> None:
        self.user = NewUser(parent, "user")
        self.user.make("setup")

    def tests(self) -> str:
        self.user.make("test")
        outcomes = Outcomes(self.user.clone)
        outcomes.passed("test_a_good_release_loses_nothing", "test_a_foreign_service_is_rehearsed*")
        return f"{len(outcomes)} tests passed (make test, exit 0)"

    def good_in_a_row(self) -> str:
        found = drills.results("none")[-drills.GOOD_IN_A_ROW :]
        hold(
            len(found) == drills.GOOD_IN_A_ROW,
            f"{len(found)} good rehearsals are kept for this code; run `make drills ONLY=none`",
        )
        for number, result in enumerate(found, 1):
            hold(
                result.as_expected and not result.failed and not result.divergent,
                f"rehearsal {number}: {result.outcome}, {result.why}",
            )
            hold(result.aa, f"rehearsal {number} had no A/A phase")
        requests = sum(result.requests for result in found)
        return (
            f"{len(found)} good rehearsals in a row ({found[0].settings}): 0 of {requests:,} requests failed, 0 rows differ, each with an A/A phase; "
            f"so at least {bound(len(found), len(found)):.0%} are good, with 95 %"
        )

    def drills(self) -> str:
        lines = list(drills.table())
        hold(
            not [line for line in lines if "not rehearsed yet" in line],
            "some drills are not rehearsed yet; run `make drills`",
        )
        wrong = [line for line in lines if line.startswith("MISS")]
        hold(not wrong, "; ".join(wrong))
        fewest = min(len(drills.results(drill.name)) for drill in all_drills())
        hold(fewest >= drills.TIMES, f"a drill was rehearsed {fewest} times; run `make drills`")
        return "; ".join(" ".join(line.split()) for line in lines)

    def back_at_once(self) -> str:
        times = [
            r.last_green_s for drill in all_drills() for r in drills.results(drill.name) if r.last_green_s is not None
        ]
        hold(times, "no rollback is kept; run `make drills`")
        hold(max(times) <= _BACK_S, f"the last request went to green {max(times):.2f} s after the decision")
        return f"in {len(times)} rollbacks the last request went to green at most {max(times):.2f} s after the decision (promised {_BACK_S:g})"

    def in_two_minutes(self) -> str:
        self.user.make("rehearse")
        start = time.monotonic()
        self.user.make("rehearse")
        took = time.monotonic() - start
        report = json.loads((self.user.clone / "build/rehearsal/report.json").read_text("utf-8"))
        hold(report["verdict"] == "pass", f"{report['reasons']}")
        hold(took <= _EXAMPLE_S, f"it took {took:.0f} s")
        return f"a good rehearsal of the example takes {took:.0f} s (promised {_EXAMPLE_S:g}); A/A {'passed' if report['aa']['passed'] else 'failed'}"

    def simulation(self) -> str:
        printed = self.user.run(str(self.user.clone / ".venv/bin/python"), "-m", "benchmarks.simulation", "speed")
        found = re.search(r"(\d[\d,]*) releases in ([\d.]+) s", printed)
        hold(found, f"the benchmark printed {printed}")
        assert found is not None
        releases, seconds = int(found[1].replace(",", "")), float(found[2])
        hold(releases >= _SIMULATED and seconds <= _SIMULATED_S, found[0])
        return f"{found[0]} (promised {_SIMULATED:,} in {_SIMULATED_S:g} s)"

    def tables(self) -> str:
        printed = self.user.run(str(self.user.clone / ".venv/bin/python"), "-m", "benchmarks.simulation", "tables")
        lines = [line for line in printed.splitlines() if line.strip()]
        wrong = [line for line in lines if "MISS" in line]
        hold(lines and not wrong, "; ".join(wrong) or "nothing was printed")
        return f"the facts' tables are reproduced within their sampling error: {lines[-1].strip()}"

    def checks(self) -> list[Callable[[], str]]:
        """All of them, in order."""
        return [
            self.tests,
            self.good_in_a_row,
            self.drills,
            self.back_at_once,
            self.in_two_minutes,
            self.simulation,
            self.tables,
        ]


if __name__ == "__main__":
    sys.exit(show(lambda parent: Rehearsals(parent).checks(), sys.argv[1:]))
