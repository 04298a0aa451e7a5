"""Shows, a line each, that the deployment never gets stuck: in a fresh clone, with a clean home and cache. Ends non-zero on a miss.

Takes about three quarters of an hour. Needs root on Debian for the image, which is built with buildah.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from tests.accept.promises import NewUser, Outcomes, hold, show

_MOST_CHECKOV = 5
_MOST_TIMES_THE_PEER = 1.5


class Deployment:
    """Everything that must hold, in the order of the promises."""

    def __init__(self, parent: Path) -> None:
        self.user = NewUser(parent, "user")
        self.judged = ""
        self.outcomes = Outcomes(self.user.clone)

    def cfn_lint(self) -> str:
        self.judged = self.user.make("check")
        templates = {*self.user.clone.glob("build/judges/*/*.template.json")}
        hold(len(templates) == 8, f"templates: {sorted(map(str, templates))}")
        return f"0 errors in {len(templates)} templates: two stacks, dev and prod, v1 and v2 (make check, exit 0)"

    def cdk_nag(self) -> str:
        found = re.findall(r"^cdk-nag: (\w+ \w+): (\d+) unacknowledged", self.judged, re.MULTILINE)
        hold(len(found) == 4 and all(count == "0" for _, count in found), f"make check printed {found}")
        return f"AwsSolutions: 0 unacknowledged findings in {', '.join(name for name, _ in found)}"

    def checkov(self) -> str:
        line = re.search(r"^checkov: .*failed by assembly: (.*)$", self.judged, re.MULTILINE)
        hold(line, "make check printed no line of checkov's")
        assert line is not None
        counts = {name: int(count) for name, count in re.findall(r"(\S+) (\d+)", line[1])}
        hold(len(counts) == 4 and max(counts.values()) <= _MOST_CHECKOV, line[0])
        return f"{line[0].removeprefix('checkov: ')}; each with its reason in tools/checkov/accepted.toml"

    def synthesis(self) -> str:
        printed = self.user.run(
            "sh",
            "-c",
            'PATH="$PWD/.venv/bin:$PATH" JSII_NODE="$(tools/node-bin)/node" .venv/bin/python -m benchmarks.synth',
        )
        found = re.search(r"example: ([\d.]+) x the peer's processor time.*, ([\d.]+) x its time", printed)
        hold(found, f"the benchmark printed {printed}")
        assert found is not None
        # Judged by processor time: other work on the machine moves the wall clock.
        ratios = f"{found[1]} x the peer's processor time, {found[2]} x its time"
        hold(float(found[1]) <= _MOST_TIMES_THE_PEER, ratios)
        return f"the whole example takes {ratios} for the same service, in one run ({_MOST_TIMES_THE_PEER} at most)"

    def tests(self) -> str:
        self.user.make("test")
        self.outcomes = Outcomes(self.user.clone)
        return f"{len(self.outcomes)} tests passed (make test, exit 0)"

    def limits(self) -> str:
        self.outcomes.passed("test_the_example_is_below_half_of_cloudformations_limits*")
        return "resources, parameters, outputs and bytes of each template are below half of CloudFormation's limits"

    def frozen(self) -> str:
        self.outcomes.passed(
            "test_a_release_that_differs_in_everything_leaves_them_alone",
            "test_an_argument_leaves_them_alone*",
            "test_a_change_leaves_them_alone*",
            "test_another_release_passes_and_another_port_does_not",
            "test_what_moved_is_named_with_the_way_out*",
        )
        return "the frozen fragments stay for all that a release may change; what cannot be frozen is refused with the way out"

    def never_stuck(self) -> str:
        self.outcomes.passed(
            "test_ten_thousand_sequences*", "test_three_thousand_creations", "test_the_model_finds_the_engine_wanting*"
        )
        return "10,000 random sequences of faults and 3,000 creations break no promise; without its protections the engine breaks one each time"

    def waiter_and_assets(self) -> str:
        self.outcomes.passed(
            "test_it_completes_after_as_many_polls_as_the_deployment_needs",
            "test_after_its_last_poll_it_says_that_the_time_is_over",
            "test_on_event",
            "test_is_complete",
            "test_the_migrations",
            "test_a_call_that_outlasts_its_time_is_ended_and_the_next_one_works",
        )
        return "the Provider's waiter runs in an ASL interpreter, the packaged Lambdas under AWS's runtime emulator, timeouts included"

    def smoke_test(self) -> str:
        self.outcomes.passed("test_the_hook_passes_twice_in_a_row", "test_it_passes_twice_in_a_row_and_leaves_nothing*")
        return "the example's smoke test passes twice in a row and leaves nothing behind"

    def aws_acceptance(self) -> str:
        printed = self.user.make("aws-acceptance", ARGS="--dry-run")
        checks = len(re.findall(r"confirmed", printed))
        hold(checks, printed[-500:])
        return f"walks through {checks} checks with stubs; it has not run on AWS"

    def image(self) -> str:
        self.user.make("test-image")
        return "buildah builds the service's Dockerfile, and the image answers on a real PostgreSQL"

    def checks(self) -> list[Callable[[], str]]:
        """All of them, in order."""
        return [
            self.cfn_lint,
            self.cdk_nag,
            self.checkov,
            self.synthesis,
            self.tests,
            self.limits,
            self.frozen,
            self.never_stuck,
            self.waiter_and_assets,
            self.smoke_test,
            self.aws_acceptance,
            self.image,
        ]


if __name__ == "__main__":
    sys.exit(show(lambda parent: Deployment(parent).checks()))
