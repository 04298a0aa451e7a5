"""A project whose models change from one release to the next."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import MetaData, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from seachange.authoring.directory import attached
from seachange.authoring.init import init_migrations
from seachange.authoring.revision import Generated, autogenerate
from seachange_migrations.migrate import migrate
from seachange_migrations.phases import Phase
from tests.migrations.databases import Database

GIVEN = 'target_metadata = context.config.attributes.get("models")\n'


@dataclass
class Project:
    """Its env.py takes the models that a test gives, and is `init-migrations`' otherwise."""

    database: Database
    path: Path

    def __post_init__(self) -> None:
        init_migrations(self.path)
        env = self.path / "env.py"
        text = env.read_text("utf-8")
        assert text.count("target_metadata = None\n") == 1
        env.write_text(text.replace("target_metadata = None\n", GIVEN), "utf-8")

    def generate(self, models: MetaData, message: str = "a change") -> Generated:
        with attached(self.path, self.database.master) as migrations:
            migrations.config.attributes["models"] = models
            return autogenerate(migrations, message)

    def migrate(self, phase: str) -> tuple[str, ...]:
        return migrate(self.database.master, self.path, Phase(phase)).revisions

    def release(self, models: MetaData) -> None:
        """The first release: its tables, and nothing to be decided."""
        generated = self.generate(models, "first")
        assert not generated.questions
        self.migrate("expand")
        assert self.generate(models).written == ()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that commits, of either release's models."""
        engine = create_engine(self.database.master.url(), poolclass=NullPool)
        with Session(engine) as session, session.begin():
            yield session


def revisions(generated: Generated, phase: str) -> tuple[str, ...]:
    """The revisions of `phase` that were written."""
    return tuple(written.revision for written in generated.written if written.phase == phase)


def source(generated: Generated, phase: str) -> str:
    """The text of the revision of `phase`; empty when there is none."""
    return "".join(written.path.read_text("utf-8") for written in generated.written if written.phase == phase)


def upgrade(generated: Generated, phase: str) -> str:
    """What `upgrade()` of each revision of `phase` does, without comments."""
    return "\n".join(_upgrade(written.path) for written in generated.written if written.phase == phase)


def _upgrade(path: Path) -> str:
    tree = ast.parse(path.read_text("utf-8"))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    return "\n".join(ast.unparse(statement) for statement in function.body)


def accept(path: Path) -> None:
    """Deletes each `raise`, which accepts what stands below."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    (function,) = (node for node in ast.parse("".join(lines)).body if getattr(node, "name", "") == "upgrade")
    assert isinstance(function, ast.FunctionDef)
    for statement in function.body:
        if isinstance(statement, ast.Raise):
            lines[statement.lineno - 1 : statement.end_lineno] = [
                "    pass\n" if line == statement.lineno else ""
                for line in range(statement.lineno, (statement.end_lineno or 0) + 1)
            ]
    path.write_text("".join(lines), "utf-8")


def formatted(path: Path, *, begun: bool = False) -> None:
    """Fails unless a formatter and a linter leave the file as it is; one that is only `begun` does not use its imports yet."""
    select = "E9,I" if begun else "E9,F,I"
    for arguments in (
        ["format", "--diff", "--isolated", "--line-length=120"],
        ["check", "--isolated", f"--select={select}"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr + path.read_text("utf-8")
