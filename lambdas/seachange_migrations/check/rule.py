"""What a rule is: a module of `rules`, whose name is its id.

It has a docstring, from which its page is made (the first line says what it finds, the rest why, on whose word), a `VERDICT`,
and one or both of

- `find(statement, so_far)`, called for each statement that a revision emits, and
- `find_in_source(tree)`, called once for its Python source, which yields the line as well.

Rules with verdict `data` or `unknown` are not asked about what an operation of ours emits: it answers for that itself.
`ASKS_OPERATIONS = True` has them asked all the same.
"""

import ast
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.so_far import SoFar


@dataclass(frozen=True)
class Hit:
    """What a rule found: the problem, and what to do instead. `verdict` is the rule's own by default."""

    problem: str
    remedy: str
    verdict: Verdict | None = None


Find = Callable[[Parsed, SoFar], Iterator[Hit]]
FindInSource = Callable[[ast.Module], Iterator[tuple[int, Hit]]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    id: str
    verdict: Verdict
    reason: str
    asks_operations: bool
    find: Find | None
    find_in_source: FindInSource | None


@cache
def rules() -> dict[str, Rule]:
    """All rules, by id."""
    from seachange_migrations.check import rules as package

    return {rule.id: rule for rule in map(_rule, pkgutil.iter_modules(package.__path__))}


@cache
def explanations() -> dict[str, str]:
    """What each rule finds and why, by id: those of the emitted SQL, of the scratch database and of the workload."""
    from seachange_migrations.check.observed.rules import RULES as OBSERVED
    from seachange_migrations.check.workload import RULES as WORKLOAD

    return {rule.id: rule.reason for rule in rules().values()} | {**OBSERVED, **WORKLOAD}


def _rule(module: pkgutil.ModuleInfo) -> Rule:
    found: Any = importlib.import_module(f"seachange_migrations.check.rules.{module.name}")
    return Rule(
        id=module.name.replace("_", "-"),
        verdict=found.VERDICT,
        reason=found.__doc__,
        asks_operations=getattr(found, "ASKS_OPERATIONS", found.VERDICT not in {Verdict.DATA, Verdict.UNKNOWN}),
        find=getattr(found, "find", None),
        find_in_source=getattr(found, "find_in_source", None),
    )
