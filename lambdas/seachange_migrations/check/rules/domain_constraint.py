"""A domain gets a constraint, or loses its default.

It holds for every column of the domain at once: what the serving release writes may violate it. Unless it is NOT VALID, every row of
every table with such a column is read while writes wait.

Source: [ALTER DOMAIN](https://www.postgresql.org/docs/current/sql-alterdomain.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import dotted
from seachange_migrations.check.parser import Parsed, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar
from seachange_migrations.phases import Phase

VERDICT = Verdict.DATA


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    node = statement.node
    if statement.kind != "AlterDomainStmt" or so_far.is_new(dotted(node.type_name)):
        return
    domain, definition = dotted(node.type_name), unwrap(getattr(node, "def"))
    if node.subtype in {"C", "O"}:
        if so_far.phase is Phase.EXPAND:
            yield Hit(
                f"puts a constraint on domain {domain}: what the serving release writes may violate it.",
                "Move it to a contract revision, or say in an allow why every release that runs keeps to it.",
            )
        if node.subtype == "O" or not definition.skip_validation:
            yield Hit(
                f"reads every row of the tables that use domain {domain} while their writers wait.",
                "Add the constraint NOT VALID, and validate it in a revision of its own.",
                Verdict.LOCK_HAZARD,
            )
    if so_far.phase is Phase.EXPAND and node.subtype == "T" and not node.HasField("def"):
        yield Hit(
            f"drops the default of domain {domain}: INSERTs that leave such a column out store NULL, or fail.",
            "Move it to a contract revision.",
        )
