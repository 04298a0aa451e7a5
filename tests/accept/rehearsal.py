"""Shows, a line each, that a rehearsal keeps its promises: in a fresh clone, with a clean home and cache. Ends non-zero on a miss.

The lines `good_in_a_row`, `drills`, `back_at_once` and `as_simulated` read what `make drills` has kept for the code that is committed now: twenty
good rehearsals and five of each drill over 1,000,000 rows, which outlast one sitting, and a few drills at speed 1. The others take three quarters
of an hour. With names of lines only those are shown: `make accept-rehearsal ONLY="tables simulation"`.
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

_BACK_S, _EXAMPLE_S, _SIMULATED_S = 1.0, 120.0, 10.0


class Rehearsals:
    """Everything that must hold, in the order of the promises."""

    def __init__(self, parent: Path) -> None:
        self.user = NewUser(parent, "user")
        self.user.make("setup")
        self.outcomes = Outcomes(self.user.clone)

    def tests(self) -> str:
        self.user.make("test")
        self.outcomes = Outcomes(self.user.clone)
        self.outcomes.passed("test_a_good_release_loses_nothing", "test_it_is_rehearsed_and_loses_nothing")
        return f"{len(self.outcomes)} tests passed (make test, exit 0)"

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
        for drill in all_drills():
            times, wanted = len(drills.results(drill.name)), drills.wanted_of(drill.name)
            hold(times >= wanted, f"{drill.name} was rehearsed {times} times of {wanted}; run `make drills`")
        return "; ".join(" ".join(line.split()) for line in lines)

    def back_at_once(self) -> str:
        times = [
            r.last_green_s for drill in all_drills() for r in drills.results(drill.name) if r.last_green_s is not None
        ]
        hold(times, "no rollback is kept; run `make drills`")
        hold(max(times) <= _BACK_S, f"the last request went to green {max(times):.2f} s after the decision")
        return f"in {len(times)} rollbacks the last request went to green at most {max(times):.2f} s after the decision (promised {_BACK_S:g})"

    def as_simulated(self) -> str:
        timed = [(r, r.rolled_back_s, r.simulated_s) for r in drills.kept() if r.rolled_back_s and r.simulated_s]
        # Simulated times are whole minutes of the plan. Here one look of the twin's comes on top: at speed 60 some seconds of the plan.
        inside = sum(low <= took // 60 * 60 <= high for _, took, (low, high) in timed)
        at_speed_1 = ", ".join(
            f"{result.drill} {took:.0f} s ({low:.0f} to {high:.0f})"
            for result, took, (low, high) in timed
            if result.settings.startswith("--speed 1 ")
        )
        hold(at_speed_1, 'none is kept at speed 1; run `make drills SPEED=1 TIMES=1 ONLY="errors-5 errors-50 slow"`')
        words = f"{inside} of {len(timed)} rollbacks came when nine of ten simulated ones do"
        hold(bound(len(timed) - inside, len(timed)) <= 0.1, words)
        return f"{words}; at speed 1: {at_speed_1}"

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
        self.user.make("build/assembly/v2/manifest.json")
        printed = self.user.run(str(self.user.clone / ".venv/bin/python"), "-m", "benchmarks.simulation")
        took = [
            float(seconds)
            for seconds in re.findall(r"^100,000 releases of the example, .*: ([\d.]+) s", printed, re.MULTILINE)
        ]
        hold(len(took) > 1, f"the benchmark printed {printed[-300:]}")
        hold(max(took) <= _SIMULATED_S, f"100,000 releases took {max(took):.1f} s")
        return f"100,000 releases of the example take {min(took):.1f} to {max(took):.1f} s, by what is wrong with them (promised {_SIMULATED_S:g} s)"

    def tables(self) -> str:
        self.outcomes.passed(
            "test_two_common_alarms*",
            "test_good_releases[*",
            "test_the_floor_of_detection*",
            "test_bursts_of_errors_leave_a_count_some_good_releases",
            "test_more_points_fetched_are_more_false_alarms_on_a_sparse_metric",
        )
        return "the two tables of docs/facts/cloudwatch.md are reproduced within their sampling error, cell by cell"

    def bad_input(self) -> str:
        self.outcomes.passed(
            "test_a_missing_assembly",
            "test_a_template_without_a_blue_green_service",
            "test_a_service_that_never_gets_healthy",
            "test_the_remedy_is_one_line",
            "test_a_service_that_ends_at_once",
            "test_a_port_in_use",
            "test_a_load_that_the_machine_cannot_carry*",
            "test_what_does_not_restore*",
            "test_ctrl_c_ends_every_process*",
            "test_a_killed_rehearsal_leaves_no_process",
        )
        return "one clear line with the remedy, exit 2, nothing left running or on disk"

    def page(self) -> str:
        self.outcomes.passed(
            "test_it_needs_no_script_no_network_and_says_nothing_on_the_console*",
            "test_nothing_overflows*",
            "test_text_and_lines_stand_out*",
            "test_print_shows_what_is_folded_on_a_screen*",
        )
        return "the page opens in a real browser without the network, in light and dark, on a phone, in print"

    def pull_request(self) -> str:
        self.outcomes.passed("test_a_pull_request_s_release_is_rehearsed_against_the_main_branch_s")
        return "the workflow's own command rehearses a pull request of the example"

    def checks(self) -> list[Callable[[], str]]:
        """All of them, in order."""
        return [
            self.tests,
            self.good_in_a_row,
            self.drills,
            self.back_at_once,
            self.as_simulated,
            self.in_two_minutes,
            self.simulation,
            self.tables,
            self.bad_input,
            self.page,
            self.pull_request,
        ]


if __name__ == "__main__":
    sys.exit(show(lambda parent: Rehearsals(parent).checks(), sys.argv[1:]))
