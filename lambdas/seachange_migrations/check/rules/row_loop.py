"""Rows are read into Python and written back one by one.

It is one transaction that lasts as long as the table is large and holds a lock on every row that it has written; what others write
meanwhile is overwritten with what was read, or missed.

Source: [Explicit locking, row-level locks](https://www.postgresql.org/docs/current/explicit-locking.html)
"""

import ast
from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.rule import Hit

VERDICT = Verdict.DATA
READS = {"execute", "scalars", "exec_driver_sql", "query"}
WRITES = {"execute", "exec_driver_sql", "update", "delete", "add", "merge", "flush", "commit", "bulk_insert"}


def find_in_source(tree: ast.Module) -> Iterator[tuple[int, Hit]]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            rows = _names_of_rows(function)
            for loop in ast.walk(function):
                if isinstance(loop, ast.For) and _reads(loop.iter, rows) and _calls(loop.body) & WRITES:
                    yield (
                        loop.lineno,
                        Hit(
                            "reads rows and writes them back one by one, in one transaction.",
                            "Say the change in SQL with op.backfill(table, set=…, where=…).",
                        ),
                    )


def _names_of_rows(function: ast.FunctionDef) -> set[str]:
    """The variables that hold what a query returned."""
    assigned = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    return {
        target.id
        for node in assigned
        if _calls([node.value]) & READS
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _reads(iterated: ast.expr, rows: set[str]) -> bool:
    names = {node.id for node in ast.walk(iterated) if isinstance(node, ast.Name)}
    return bool(_calls([iterated]) & READS) or bool(names & rows)


def _calls(nodes: list[ast.stmt] | list[ast.expr]) -> set[str]:
    """The names of the methods that are called in `nodes`."""
    return {
        call.func.attr
        for node in nodes
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    }
