"""The checkov judge, over reports as checkov writes them; `make check` runs it over the example."""

from pathlib import Path
from typing import Any

import pytest

from tests.judges.run_checkov import ACCEPTED, Failure, Report, accepted, main, problems, read, scan

REASONS = {("CKV_AWS_2", "Listener"): "no certificate"}


def failure(check: str = "CKV_AWS_2", resource: str = "Listener", assembly: str = "dev-v1") -> Failure:
    return Failure(assembly=assembly, check=check, resource=resource)


def report(*failures: Failure) -> Report:
    return Report(failures=failures, acknowledged=0, passed=1)


def check(template: Path, resource: str = "AWS::S3::Bucket.Logs0A1B2C3D") -> dict[str, Any]:
    return {"check_id": "CKV_AWS_18", "resource": resource, "file_abs_path": str(template)}


def results(**found: list[Any]) -> dict[str, Any]:
    empty = {"passed_checks": [], "failed_checks": [], "skipped_checks": [], "parsing_errors": []}
    return {"results": {**empty, **found}}


def test_it_is_content_with_what_is_accepted() -> None:
    assert problems(report(failure(), failure(assembly="prod-v1")), REASONS) == []


def test_it_names_what_is_not_accepted_once() -> None:
    found = report(failure(), failure("CKV_AWS_9", "Bucket"), failure("CKV_AWS_9", "Bucket", "prod-v2"))
    [problem] = problems(found, REASONS)
    assert problem.startswith("CKV_AWS_9 fails for Bucket in dev-v1, prod-v2: mend it")


def test_it_names_what_fails_no_more() -> None:
    [problem] = problems(report(), REASONS)
    assert problem == "CKV_AWS_2 of Listener fails no more: remove it from accepted.toml"


def test_no_assembly_may_fail_more_than_five_though_all_be_accepted() -> None:
    checks = [f"CKV_AWS_{number}" for number in range(6)]
    reasons = {(name, "Listener"): "why" for name in checks}
    [problem] = problems(report(*(failure(name) for name in checks)), reasons)
    assert problem == "dev-v1: 6 failed checks, more than 5"


def test_it_reads_checkovs_report(tmp_path: Path) -> None:
    template = tmp_path / "dev-v1/customers.template.json"
    found = read(results(failed_checks=[check(template)], skipped_checks=[check(template)] * 2), [template])
    assert found.failures == [failure("CKV_AWS_18", "Logs")]
    assert (found.passed, found.acknowledged) == (0, 2)


def test_a_template_that_was_not_read_is_no_success(tmp_path: Path) -> None:
    one, other = tmp_path / "one.template.json", tmp_path / "other.template.json"
    with pytest.raises(ValueError, match=r"not read: .*other"):
        read(results(passed_checks=[check(one)]), [one, other])
    with pytest.raises(ValueError, match="not read: broken"):
        read(results(passed_checks=[check(one)], parsing_errors=["broken"]), [one])


def test_checkov_without_a_report_is_one_line(tmp_path: Path) -> None:
    checkov = tmp_path / "checkov"
    checkov.write_text("#!/bin/sh\necho 'cannot start' >&2\nexit 2\n", "utf-8")
    checkov.chmod(0o755)
    with pytest.raises(RuntimeError, match=r"no report of 1 templates.*cannot start"):
        scan(checkov, [tmp_path / "a.template.json"])


def test_nothing_to_judge_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--checkov", "checkov"]) == 2
    assert "has no assembly" in capsys.readouterr().err


def test_each_accepted_check_has_its_reason() -> None:
    assert all(accepted(ACCEPTED.read_text("utf-8")).values())
    with pytest.raises(ValueError, match="CKV_AWS_2 of Listener has no reason"):
        accepted('[[accepted]]\ncheck = "CKV_AWS_2"\nresource = "Listener"\nreason = " "\n')
