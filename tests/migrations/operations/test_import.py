"""A service's image needs the operations alone: Alembic, SQLAlchemy and its driver, and nothing that is large or slow."""

import subprocess
import sys

PROGRAM = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("aws_cdk", "boto3", "botocore", "jsii", "postgast", "rich", "seachange", "typer"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Absent())
import alembic.operations, alembic.runtime.migration, psycopg, sqlalchemy

before = set(sys.modules)
from seachange_migrations import operations

added = {name.partition(".")[0] for name in set(sys.modules) - before}
assert added - set(sys.stdlib_module_names) == {"seachange_migrations"}, added
for name in ("add_foreign_key", "add_unique", "backfill", "change_type", "drop_synced", "rename_column", "set_not_null", "sync_columns"):
    assert callable(getattr(alembic.operations.Operations, name))
assert not any(name.startswith(("seachange_migrations.check", "seachange_migrations.handler")) for name in sys.modules)
assert len(set(sys.modules) - before) < 100
"""


def test_only_the_base_is_needed_and_little_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
