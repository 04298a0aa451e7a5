"""The SQL that a revision emits, rendered without its env.py and without a database.

Alembic's offline mode does the work, with a recorder in the place of its file. What a revision reads from the database it
cannot have here: the statements up to that point are kept, and the problem is told.
"""

import io
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from alembic.config import Config
from alembic.operations import MigrateOperation, Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, event

from seachange_migrations.check.statement import Emitted, Statement
from seachange_migrations.errors import NotDecidedError, one_line
from seachange_migrations.exits import ExitError, exits_told

OPERATIONS = "seachange_migrations.operations."
# What no database changes.
CERTAIN = (NotDecidedError, NameError, ImportError, ExitError)
TERMINATOR = ";\n\n"


class Recorder(io.StringIO):
    """Takes what Alembic writes in offline mode, one statement per call, and looks up which line of the revision wrote it."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.statements: list[Statement] = []
        self._path = path
        self._autocommit = False

    def write(self, text: str) -> int:
        sql = text.removesuffix(TERMINATOR)
        line, operation, in_alembic = self._origin()
        # What Alembic writes around an autocommit_block is no statement of the revision.
        if in_alembic and sql in {"COMMIT", "BEGIN"}:
            self._autocommit = sql == "COMMIT"
        elif sql.strip():
            self.statements.append(Statement(sql=sql, line=line, operation=operation, autocommit=self._autocommit))
        return len(text)

    def whole(self, name: str, operation: MigrateOperation) -> None:
        """Notes an operation of ours that has no SQL to show before it has read the database."""
        line, _, _ = self._origin()
        noted = Statement(sql="", line=line, operation=name, autocommit=self._autocommit, asked=operation)
        self.statements.append(noted)

    def _origin(self) -> tuple[int | None, str | None, bool]:
        """The revision's line, the outermost operation of ours, and whether autocommit_block wrote this."""
        operation, in_alembic = None, False
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename == self._path:
                return frame.f_lineno, operation, in_alembic
            module = str(frame.f_globals.get("__name__", ""))
            if module.startswith(OPERATIONS):
                operation = module.removeprefix(OPERATIONS).split(".")[0]
            in_alembic = in_alembic or frame.f_code.co_name in {"emit_begin", "emit_commit"}
            frame = frame.f_back  # type: ignore[assignment]
        return None, operation, in_alembic


def emitted(script: ScriptDirectory, revision: Script, config: Config) -> Emitted:
    """What `upgrade` of `revision` emits. It is called: what it does besides SQL, it does."""
    # Registers our operations on `op`.
    import seachange_migrations.operations  # noqa: F401

    recorder = Recorder(revision.path)
    stopped: Exception | None = None
    with _environment(script, revision, config, recorder) as operations, _no_connection(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vars(operations)["invoke"] = _invoke(operations, recorder)
        try:
            with redirect_stdout(io.StringIO()), exits_told():
                revision.module.upgrade()
        # What a revision raises without a database mostly says only that it needs one.
        except Exception as error:  # noqa: BLE001
            stopped = error
    statements = tuple(recorder.statements)
    if stopped is None:
        return Emitted(statements=statements)
    question = isinstance(stopped, NotDecidedError)
    said = one_line(stopped, 600)
    return Emitted(
        statements=statements,
        problem=said if question or isinstance(stopped, ExitError) else f"{type(stopped).__name__}: {said}",
        line=_line(stopped, revision.path),
        question=question,
        # A local name that is not bound here may be bound where rows are read.
        certain=isinstance(stopped, CERTAIN) and not isinstance(stopped, UnboundLocalError),
    )


def _invoke(operations: Operations, recorder: Recorder) -> Any:
    invoke = operations.invoke

    def invoke_ours(operation: Any) -> Any:
        module = type(operation).__module__
        if not module.startswith(OPERATIONS):
            return invoke(operation)
        seen = len(recorder.statements)
        try:
            return invoke(operation)
        except CommandError:
            # It refuses offline mode. What it would do is known by its name, and it checks the rest itself on the database.
            del recorder.statements[seen:]
            recorder.whole(module.removeprefix(OPERATIONS).split(".")[0], operation)

    return invoke_ours


@contextmanager
def _environment(script: ScriptDirectory, revision: Script, config: Config, recorder: Recorder) -> Iterator[Operations]:
    down = revision.down_revision or "base"
    with EnvironmentContext(
        config, script, as_sql=True, starting_rev=str(down), destination_rev=revision.revision
    ) as environment:
        # With any other style of parameters a % in a text would come out doubled.
        environment.configure(
            dialect_name="postgresql",
            dialect_opts={"paramstyle": "named"},
            output_buffer=recorder,
            literal_binds=True,
        )
        with Operations.context(environment.get_context()) as operations:
            yield operations


@contextmanager
def _no_connection() -> Iterator[None]:
    """Keeps a revision that makes an engine of its own from reaching a database."""
    thread = threading.get_ident()

    def refuse(*_: Any) -> None:
        if threading.get_ident() == thread:
            raise CommandError("it connects to a database by itself")

    event.listen(Engine, "do_connect", refuse)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", refuse)


def _line(error: Exception, path: str) -> int | None:
    """The line of the revision in which `upgrade` stopped."""
    line, trace = None, error.__traceback__
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == path else line
        trace = trace.tb_next
    return line
