"""The text of a revision: which statement stands on a line, and what its authors allow.

`# seachange: allow RULE because REASON` allows the rule for the statement on its own line or on the one below; above the
first definition or assignment of the file, for the whole revision.
"""

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from seachange_migrations.errors import InvalidDirectoryError

PREFIX = "seachange:"
FORM = "# seachange: allow RULE because REASON"


@dataclass(frozen=True)
class Allow:
    """An author's word that `rule` may be broken, and why. `lines` are those that it holds for; None: all of them."""

    rule: str
    reason: str
    line: int
    lines: frozenset[int] | None

    def covers(self, rule: str, line: int | None) -> bool:
        return rule == self.rule and (self.lines is None or (line is not None and line in self.lines))


@dataclass(frozen=True)
class RevisionSource:
    """`tree` is what runs on the way up: without `downgrade`."""

    path: str
    text: str
    tree: ast.Module
    allows: tuple[Allow, ...]

    def statement_at(self, line: int) -> str:
        """The Python on `line`."""
        return self.text.splitlines()[line - 1].strip()


def read_source(path: str, rules: Iterable[str]) -> RevisionSource:
    """The source of the revision at `path`. Raises InvalidDirectoryError for an `allow` of an unknown rule, or without a reason."""
    text = Path(path).read_text("utf-8")
    tree = ast.parse(text)
    allows = tuple(_allows(path, text, tree, set(rules)))
    tree.body = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name == "downgrade")]
    return RevisionSource(path=path, text=text, tree=tree, allows=allows)


def _allows(path: str, text: str, tree: ast.Module, rules: set[str]) -> Iterator[Allow]:
    top = _first_line_of_code(tree)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        comment = token.string.lstrip("# ")
        if token.type != tokenize.COMMENT or not comment.startswith(PREFIX):
            continue
        line = token.start[0]
        words = comment.removeprefix(PREFIX).split()
        where = f"{path}, line {line}"
        if len(words) < 4 or words[0] != "allow" or words[2] != "because":
            raise InvalidDirectoryError(f"{where}: write `{FORM}`; the reason is required")
        if words[1] not in rules:
            near = get_close_matches(words[1], sorted(rules), 1)
            meant = f"write {near[0]!r}" if near else "`seachange check` names the rule of each finding"
            raise InvalidDirectoryError(f"{where}: no rule is named {words[1]!r}; {meant}")
        alone = text.splitlines()[line - 1].lstrip().startswith("#")
        lines = None if alone and line < top else _statement(tree, text, line, alone=alone)
        yield Allow(words[1], " ".join(words[3:]), line, lines)


def _first_line_of_code(tree: ast.Module) -> int:
    """The first line that is neither docstring nor import."""
    for node in tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_docstring and not isinstance(node, ast.Import | ast.ImportFrom):
            return node.lineno
    return 0


def _statement(tree: ast.Module, text: str, line: int, *, alone: bool) -> frozenset[int]:
    """The lines of the statement that a comment on `line` belongs to: of the one below when it stands alone.

    A `with` around it belongs to it: what batch_alter_table collects, it emits at its end, from the line of the `with`.
    """
    if alone:
        lines = text.splitlines()
        while line < len(lines) and (not lines[line - 1].strip() or lines[line - 1].lstrip().startswith("#")):
            line += 1
    held = {node: _lines(node) for node in ast.walk(tree) if isinstance(node, ast.stmt)}
    around = {node.lineno for node in held if isinstance(node, ast.With) and line in held[node]}
    return frozenset(min((found for found in held.values() if line in found), key=len, default=[line])) | around


def _lines(node: ast.stmt) -> range:
    """The lines of a statement; of one with a body, except `with`, only those of its head."""
    body = getattr(node, "body", None)
    if body and not isinstance(node, ast.With):
        return range(node.lineno, max(body[0].lineno, node.lineno + 1))
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
