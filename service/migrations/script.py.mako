"""${message}

Revises: ${down_revision | comma,n}
"""

# The release that serves now keeps running while this revision runs, and after it, and must be able to come back.
#
# An *expand* revision only adds what the serving release does not notice:
#   - new columns: nullable, without default, check, unique or key while a trigger derives their values;
#   - a column and the trigger that keeps it in step: in one revision, the ALTER TABLE and CREATE TRIGGER last;
#   - data: in a revision of its own, in committed batches (`op.get_context().autocommit_block()`), safe to run again.
# Dropping, renaming, retyping, SET NOT NULL and the like are *contract*: `branch_labels = ("contract",)`, `depends_on` its
# expand revision. It runs when no older release is left.
# Qualify every name with its schema, in trigger functions every operator too: a caller's search_path is not yours.

from alembic import op
from alembic.util import CommandError
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    raise CommandError("a database is never downgraded; to go back, deploy the previous task definition")
