"""What `AlembicMigrations` refuses when the app is synthesized: revisions that cannot be read, and expand revisions that contract.

Only revisions that declare themselves expand are held to it, by a branch label or `phase = "expand"`: years of history from before this
library declare nothing, and have run long ago. What is pending in a database is checked again, declared or not, before it runs there.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aws_cdk import Annotations, Token
from constructs import Construct

from seachange.errors import InvalidArgumentError

LISTED_BYTES = 600


def check_revisions(scope: Construct, directory: Path, *, target: str, include: Sequence[Path]) -> None:
    """Raises InvalidArgumentError, naming revision, line, operation and remedy; warns where a package that they import is missing here.

    Args:
        scope: Who gets the warning.
        directory: The Alembic directory; its env.py does not run.
        target: Up to where the deployment migrates.
        include: Modules and packages that env.py or a revision imports.
    """
    from seachange_migrations.check import contract_findings
    from seachange_migrations.check.revisions import opened
    from seachange_migrations.errors import MigrationError
    from seachange_migrations.guards import refuse_two_heads
    from seachange_migrations.phases import Phase, declared_phases
    from seachange_migrations.plan import pending

    with _importable(include):
        try:
            script, _ = opened(directory)
            if target == "heads":
                refuse_two_heads(script)
            declared = [revision for revision, phase in declared_phases(script).items() if phase is Phase.EXPAND]
        except MigrationError as error:
            if isinstance(error.__cause__, ImportError):
                _warn(scope, str(error))
                return
            raise InvalidArgumentError("AlembicMigrations(directory=)", str(directory), str(error)) from error
        try:
            wanted = set(pending(script, (), "heads" if Token.is_unresolved(target) else target))
        except MigrationError as error:
            remedy = f"{error}. Write 'heads', a revision, or a label and '@head', such as 'expand@head'"
            raise InvalidArgumentError("AlembicMigrations(target=)", target, remedy) from error
        findings = contract_findings(directory, revisions=[one for one in declared if one in wanted])
    if findings:
        more = f" And {len(findings) - 1} more: run `seachange check {directory}`." if len(findings) > 1 else ""
        raise InvalidArgumentError(
            "AlembicMigrations(directory=)",
            str(directory),
            f"{_cut(str(findings[0]))}{more}",
        )


def _warn(scope: Construct, problem: str) -> None:
    Annotations.of(scope).add_warning_v2(
        "seachange:revisions-unchecked",
        f"{problem}. It is no package of this environment, so the revisions are not checked here; they are before they run",
    )


def _cut(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= LISTED_BYTES else f"{one_line[:LISTED_BYTES]}…"


@contextmanager
def _importable(include: Sequence[Path]) -> Iterator[None]:
    """Lets revisions import what is included, after all that this environment has."""
    before = list(sys.path)
    sys.path += [str(path.resolve().parent) for path in include]
    try:
        yield
    finally:
        sys.path[:] = before
