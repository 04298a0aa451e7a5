"""A setting is changed by which names, rights or triggers work differently afterwards.

After SET search_path unqualified names may mean other objects; after SET ROLE what is made has another owner, and the
serving release's role may not reach it. Under `session_replication_role = replica` triggers and foreign keys are silent,
sync triggers too: rows written meanwhile are not in step (*data*). Without LOCAL the setting also holds for the revisions that follow.

Source: [SET](https://www.postgresql.org/docs/current/sql-set.html),
[client connection defaults](https://www.postgresql.org/docs/current/runtime-config-client.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.settings import setting
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.UNKNOWN
NAMES = {"search_path": "names", "role": "rights and owners", "session_authorization": "rights and owners"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    del so_far
    found = setting(statement)
    if found is None:
        return
    if found.name == "session_replication_role" and found.value != "origin":
        yield Hit(
            "silences triggers and foreign keys for what follows.",
            "Leave it out, or bring what the triggers would have written in the same transaction and say so in an allow.",
            Verdict.DATA,
        )
    elif found.name in NAMES:
        yield Hit(
            f"changes {found.name}: {NAMES[found.name]} that follow mean something else than this check assumes.",
            "Qualify names with their schema, and have the owner run the migration.",
        )
