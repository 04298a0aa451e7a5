"""Judges the example with cdk-nag's AwsSolutions, in every environment and release.

`python -m tests.judges.nag build/judges` writes one cloud assembly for each below that directory, for the other judges, and ends with 1 when
anything is found that no construct acknowledges.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from stacks import settings
from stacks.data import DataStack
from stacks.service import CustomersStack

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a validator found: its name, the rule's full id, and the construct."""

    validator: str
    rule: str
    construct: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.construct} ({self.validator})"


def example(environment: str, release: str, directory: Path) -> cdk.App:
    """The example's app, as app.py makes it, without bundling: its assembly goes to `directory`."""
    flags = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    app = cdk.App(context={**flags, "aws:cdk:bundling-stacks": []}, outdir=str(directory), analytics_reporting=False)
    where = settings.environment(environment)
    data = DataStack(app, where.data_stack, environment=where)
    service = CustomersStack(app, where.service_stack, environment=where, release=settings.release(release))
    service.add_stack_dependency(data)
    return app


def findings(app: cdk.App) -> list[Finding]:
    """Synthesizes the app with cdk-nag as a validation plugin; what it and the CDK's own validator report as errors."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    report = Path(app.outdir) / "validation-report.json"
    try:
        app.synth()
    except RuntimeError as error:
        # The CDK raises for findings; without a report it is another matter.
        if "ValidationFailed" not in str(error) or not report.exists():
            raise
    return sorted(_reported(json.loads(report.read_text("utf-8"))), key=str)


def _reported(report: dict[str, list[dict[str, object]]]) -> Iterator[Finding]:
    for plugin in report["pluginReports"]:
        violations = plugin["violations"]
        assert isinstance(violations, list)
        for violation in violations:
            if violation["severity"] != "error":
                continue
            for construct in violation["violatingConstructs"]:
                yield Finding(
                    validator=str(plugin["pluginName"]),
                    rule=violation["ruleName"],
                    construct=construct["constructPath"],
                )


def main(directory: Path) -> int:
    """Writes the assemblies, prints a line for each, and returns the exit code."""
    shutil.rmtree(directory, ignore_errors=True)
    unacknowledged = 0
    for environment in settings.ENVIRONMENTS:
        for release in settings.RELEASES:
            found = findings(example(environment, release, directory / f"{environment}-{release}"))
            unacknowledged += len(found)
            print(f"cdk-nag: {environment} {release}: {len(found)} unacknowledged findings")
            for finding in found:
                print(f"  {finding}")
    return 1 if unacknowledged else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
