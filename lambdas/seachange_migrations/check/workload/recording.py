"""A recorded workload: one JSON object per line, `{"sql": "… $1 …", "parameters": […], "role": "…"}`.

`parameters` are strings as PostgreSQL takes them, numbers, booleans or null; without them the statement has none. `role` is
who executes it.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from seachange_migrations.check.workload.model import Values, WorkloadStatement
from seachange_migrations.errors import InvalidRequestError

# A statement that was recorded a thousand times says no more than one that was recorded twenty times.
EXECUTIONS = 20


def read_recording(path: Path, *, default_role: str) -> tuple[WorkloadStatement, ...]:
    """The statements of the recording at `path`. Raises InvalidRequestError naming the line."""
    found: dict[tuple[str, str], dict[Values, None]] = defaultdict(dict)
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"the recorded workload {str(path)!r} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            sql, role, values = _statement(line, f"{path}, line {number}", default_role)
            executions = found[sql, role]
            if len(executions) < EXECUTIONS:
                executions[values] = None
    return tuple(WorkloadStatement(sql=sql, role=role, recorded=tuple(each)) for (sql, role), each in found.items())


def _statement(line: str, where: str, default_role: str) -> tuple[str, str, Values]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise InvalidRequestError(f"{where} is no JSON: {error}") from None
    if not isinstance(entry, dict) or not isinstance(entry.get("sql"), str) or not entry["sql"].strip():
        raise InvalidRequestError(f'{where} has no text "sql"')
    role, parameters = entry.get("role", default_role), entry.get("parameters", [])
    if not isinstance(role, str) or not role:
        raise InvalidRequestError(f'{where}: "role" must be the name of a role')
    if not isinstance(parameters, list):
        raise InvalidRequestError(f'{where}: "parameters" must be a list, in the order of $1, $2, …')
    return entry["sql"], role, tuple(_text(value, where) for value in parameters)


def _text(value: Any, where: str) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case _:
            raise InvalidRequestError(f"{where}: a parameter must be a string, a number, true, false or null")
