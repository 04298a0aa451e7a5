"""Shows, a line each, that the main job is done: in fresh clones, with a clean home and cache. Ends non-zero on a miss.

Takes about a quarter of an hour. Needs a Chromium on PATH for the report's page.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.accept.promises import NewUser, Outcomes, hold, show

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)

MUTATIONS = ("the sync trigger", "the alarm", "the lock timeout")


class MainJob:
    """Everything that must hold, in the order of the promises."""

    def __init__(self, parent: Path) -> None:
        self.first = NewUser(parent, "first")
        self.second = NewUser(parent, "second")
        self.outcomes = Outcomes(self.first.clone)

    def three_commands(self) -> str:
        self.first.make("rehearse")
        self.first.make("test")
        self.outcomes = Outcomes(self.first.clone)
        self.second.make("synth", RELEASE="v2")
        self.second.make("rehearse")
        return f"make rehearse, then make test ({len(self.outcomes)} tests); make synth, then make rehearse; in fresh clones"

    def the_report(self) -> str:
        report: dict[str, Any] = json.loads((self.first.clone / "build/rehearsal/report.json").read_text())
        requests, data = report["requests"], report["data"]
        hold(report["verdict"] == "pass", f"verdict is {report['verdict']}: {report['reasons']}")
        hold(requests["total"] >= 5000 and requests["failed"] == 0, f"requests: {requests}")
        hold(data["divergent"] == 0 and data["rows_checked"] >= 100_000, f"data: {data}")
        weights = [step["green_weight"] for step in report["shift"]["steps"]]
        hold(
            weights == [step["green_weight"] for step in report["shift"]["planned"]] and weights[-1] == 100,
            f"weights went {weights}",
        )
        return f"pass; {requests['total']} requests, 0 failed; {data['rows_checked']} rows, 0 divergent; green {' → '.join(map(str, weights))} %"

    def the_page(self) -> str:
        hold(CHROMIUM, "no Chromium on PATH (Debian: apt-get install chromium)")
        page = self.first.clone / "build/rehearsal/report.html"
        done = subprocess.run(
            [
                str(CHROMIUM),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--enable-logging=stderr",
                "--dump-dom",
                page.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        hold(done.returncode == 0 and "Passed" in done.stdout and "<svg" in done.stdout, "the page did not load")
        hold(not console, f"the console says: {console}")
        return "Chromium loads report.html, and its console is empty"

    def the_drill(self) -> str:
        self.outcomes.passed(
            "test_errors_in_green_are_rolled_back_by_the_templates_alarm",
            "test_another_threshold_and_plan_in_the_app_are_another_outcome",
        )
        return "errors-5 is rolled back by the template's alarm; another threshold in the app is another outcome"

    def the_mutations(self) -> str:
        self.outcomes.passed(*(f"test_without_it_a_named_test_is_red[{what}]" for what in MUTATIONS))
        return f"a named test is red without {', without '.join(MUTATIONS)}"

    def the_templates(self) -> str:
        context = json.loads((self.second.clone / "cdk.json").read_text())["context"]
        hold(context.get("@aws-cdk/core:validateAgainstDefaultRules") is True, "synth is not strict")
        templates = sorted(self.second.clone.glob("cdk.out/*.template.json")) + sorted(
            self.second.clone.glob("build/assembly/*/*.template.json")
        )
        hold(len(templates) == 6, f"templates: {templates}")
        lint = subprocess.run(
            [str(self.second.clone / ".venv/bin/cfn-lint"), *map(str, templates)],
            capture_output=True,
            text=True,
            check=False,
        )
        hold(lint.returncode == 0, lint.stdout)
        return f"strict synth passes; cfn-lint finds nothing in {len(templates)} templates: two stacks, v1 and v2"

    def the_foreign_app(self) -> str:
        self.outcomes.passed("test_a_foreign_app_synthesizes_and_type_checks")
        return "an app elsewhere, with the wheel in a fresh environment, defines a service, synthesizes, types checked"

    def checks(self) -> list[Callable[[], str]]:
        """All of them, in order."""
        return [
            self.three_commands,
            self.the_report,
            self.the_page,
            self.the_drill,
            self.the_mutations,
            self.the_templates,
            self.the_foreign_app,
        ]


if __name__ == "__main__":
    sys.exit(show(lambda parent: MainJob(parent).checks()))
