"""From a statement that no longer works to a finding."""

from collections.abc import Mapping

from seachange_migrations.check.findings import Finding, Source, Verdict
from seachange_migrations.check.scratch.failure import Failure

RULES: Mapping[str, str] = {
    "workload-breaks": "A statement of the serving release worked before the revision and fails after it.",
    "workload-prepared": "A statement that the serving release has prepared fails on its connection after the revision.",
    "workload-enum-value": "A statement of the serving release reads an enum that the revision gives a new value.",
    "workload-unseen": "What the serving release executes could not be executed after the revision.",
}

REMEDIES = (
    (
        ("42703", "42P01", "42883", "42704", "3F000"),
        "Keep what it uses until the contract phase: move the DROP or the RENAME there.",
    ),
    (("42P10",), "Keep the unique index that its ON CONFLICT names until the contract phase."),
    (("23502",), "Add the column without NOT NULL, or with a default, until no older release is left."),
    (
        ("23514", "23505", "23503", "23P01"),
        "Add the constraint in the contract phase, when no older release writes any more.",
    ),
    (("42501",), "Grant what it needs to its role, and let the policies show it the rows that it had."),
    (("42804", "22", "42846"), "Leave the column's type and add a new column beside it: op.change_type."),
)
OTHERWISE = "Change the revision so that the statement works before and after, or move it to the contract phase."


def breaks(revision: str, statement: str, failure: Failure) -> Finding:
    """The statement fails, in a new session too."""
    remedy = next((text for codes, text in REMEDIES if failure.code.startswith(codes)), OTHERWISE)
    return _finding(
        revision,
        "workload-breaks",
        statement,
        Verdict.CONTRACT,
        f"this statement of the serving release then fails: {failure}.",
        remedy,
    )


def breaks_prepared(revision: str, statement: str, failure: Failure) -> Finding:
    """The statement fails only where it was prepared before."""
    return _finding(
        revision,
        "workload-prepared",
        statement,
        Verdict.CONTRACT,
        f"this statement of the serving release then fails wherever it was prepared before, until its connection ends: {failure}.",
        "Have the serving release name its columns instead of *, or not prepare (psycopg: prepare_threshold=None), and deploy "
        "that first.",
    )


def reads_new_value(revision: str, statement: str, enum: str) -> Finding:
    """The statement returns an enum with a value that the serving release cannot know."""
    return _finding(
        revision,
        "workload-enum-value",
        statement,
        Verdict.UNKNOWN,
        f"this statement of the serving release may then return a value of {enum} that it does not know.",
        "Deploy a release that reads the new value before one that writes it.",
    )


def _finding(revision: str, rule: str, statement: str, verdict: Verdict, problem: str, remedy: str) -> Finding:
    return Finding(
        rule=rule,
        verdict=verdict,
        statement=statement,
        problem=problem,
        remedy=remedy,
        source=Source.WORKLOAD,
        revision=revision,
    )
