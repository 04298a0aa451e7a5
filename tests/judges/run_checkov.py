"""Judges the example's templates with checkov, which has an environment of its own: its pins conflict with the library's.

`python -m tests.judges.run_checkov build/judges --checkov build/tools/checkov/bin/checkov` ends with 1 when a check fails that
tools/checkov/accepted.toml does not accept, when an assembly fails more than five, or when an accepted check fails no more.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ACCEPTED = ROOT / "tools/checkov/accepted.toml"
MOST_FAILED = 5


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failed check: in which assembly, which check, and of which resource, its logical id without the hash."""

    assembly: str
    check: str
    resource: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What checkov said of some templates."""

    failures: Sequence[Failure]
    acknowledged: int
    passed: int


def scan(checkov: Path, templates: Sequence[Path]) -> Report:
    """Runs checkov on the templates; RuntimeError, in one line, when it gives no report of all of them."""
    files = [argument for template in templates for argument in ("-f", str(template))]
    run = subprocess.run(
        [checkov, *files, "--framework", "cloudformation", "--skip-download", "--compact", "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(run.stdout)
        return read(report, templates)
    except (ValueError, KeyError, TypeError) as error:
        last = (run.stderr or run.stdout).strip().splitlines()[-1:]
        raise RuntimeError(
            f"checkov gave no report of {len(templates)} templates: {error}: {' '.join(last)}"
        ) from error


def read(report: Mapping[str, Any], templates: Sequence[Path]) -> Report:
    """Its JSON report; ValueError when a template is missing there or could not be parsed."""
    results = report["results"]
    checks = [check for kind in ("passed_checks", "failed_checks", "skipped_checks") for check in results[kind]]
    unread = {template.resolve() for template in templates} - {Path(c["file_abs_path"]).resolve() for c in checks}
    if unread or results["parsing_errors"]:
        raise ValueError(f"not read: {', '.join(sorted(str(path) for path in unread) or results['parsing_errors'])}")
    return Report(
        failures=[
            Failure(
                assembly=Path(check["file_abs_path"]).parent.name,
                check=check["check_id"],
                resource=re.sub(r"[0-9A-F]{8}$", "", check["resource"].rpartition(".")[2]),
            )
            for check in results["failed_checks"]
        ],
        acknowledged=len(results["skipped_checks"]),
        passed=len(results["passed_checks"]),
    )


def accepted(text: str) -> dict[tuple[str, str], str]:
    """(check, resource) → reason; ValueError for an entry without a reason."""
    found = {}
    for entry in tomllib.loads(text)["accepted"]:
        if not entry["reason"].strip():
            raise ValueError(f"{entry['check']} of {entry['resource']} has no reason")
        found[entry["check"], entry["resource"]] = entry["reason"]
    return found


def problems(report: Report, reasons: Mapping[tuple[str, str], str]) -> list[str]:
    """Why the judge says no; empty when it is content."""
    failed = {(failure.check, failure.resource) for failure in report.failures}
    unexpected = [
        f"{check} fails for {resource} in {_assemblies(report, check, resource)}: mend it, or accept it with a reason in {ACCEPTED.name}"
        for check, resource in sorted(failed - reasons.keys())
    ]
    counts = Counter(failure.assembly for failure in report.failures)
    too_many = [
        f"{assembly}: {n} failed checks, more than {MOST_FAILED}" for assembly, n in counts.items() if n > MOST_FAILED
    ]
    stale = [
        f"{check} of {resource} fails no more: remove it from {ACCEPTED.name}"
        for check, resource in reasons
        if (check, resource) not in failed
    ]
    return unexpected + too_many + stale


def _assemblies(report: Report, check: str, resource: str) -> str:
    named = {failure.assembly for failure in report.failures if (failure.check, failure.resource) == (check, resource)}
    return ", ".join(sorted(named))


def main(arguments: Sequence[str]) -> int:
    """Prints the judgement and returns the exit code."""
    parser = argparse.ArgumentParser(description="Judge the example's templates with checkov.")
    parser.add_argument("assemblies", type=Path)
    parser.add_argument("--checkov", type=Path, required=True)
    given = parser.parse_args(arguments)
    reasons = accepted(ACCEPTED.read_text("utf-8"))
    templates = sorted(given.assemblies.glob("*/*.template.json"))
    if not templates:
        print(f"checkov: {given.assemblies} has no assembly: run tests.judges.nag first", file=sys.stderr)
        return 2
    try:
        report = scan(given.checkov, templates)
    except (RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    counts = Counter(failure.assembly for failure in report.failures)
    different = len({(failure.check, failure.resource) for failure in report.failures})
    print(
        f"checkov: {report.passed} passed, {len(report.failures)} failed ({different} different), {report.acknowledged} acknowledged "
        f"in {len(templates)} templates; "
        f"failed by assembly: {', '.join(f'{name} {n}' for name, n in sorted(counts.items())) or 'none'}"
    )
    for (check, resource), reason in reasons.items():
        print(f"  accepted: {check} of {resource}: {reason}")
    found = problems(report, reasons)
    for problem in found:
        print(f"  {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
