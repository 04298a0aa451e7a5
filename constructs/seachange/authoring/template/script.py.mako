"""${message}

Revises: ${comma(down_revision) or "nothing"}
"""
<%!
    def literal(value):
        return repr(value).replace("'", '"')
%>\
<%
    # `seachange revision` names the phase; Alembic's own command line knows only a label that is set with this revision.
    phase = context.get("phase", None) or next((label for label in branch_labels or () if label in ("expand", "contract")), None)
    module_phase = context.get("module_phase", None)
    body = upgrades if upgrades else "pass"
%>
% if phase != "contract":
# An *expand* revision runs before the new release starts. The release that serves now keeps running, and must be able to
# come back; so it only adds what that release does not notice:
#   - new columns: nullable, or with a constant default; without default, check, unique or key while a trigger derives them;
#   - a column that replaces another: op.rename_column, op.change_type or op.sync_columns, then op.backfill(sync=...);
#   - data: op.backfill, in committed batches, never one UPDATE of a whole table;
#   - indexes: postgresql_concurrently=True, within op.get_context().autocommit_block().
# Dropping, SET NOT NULL, unique, foreign keys and checks on what the serving release writes are *contract*: a revision with
# `branch_labels` contract that `depends_on` this one.
#
% endif
% if phase != "expand":
# A *contract* revision runs when no older release is left. It takes away what only they used, and adds the rules that
# they could have broken: op.drop_synced, op.drop_column, op.set_not_null, op.add_unique, op.add_foreign_key.
#
% endif
# In raw SQL qualify every name with its schema, in trigger functions every operator too: a caller's search_path is not yours.

% if "sa." in body or body == "pass":
import sqlalchemy as sa
% endif
% if "op." in body or body == "pass":
from alembic import op
% endif
from alembic.util import CommandError
% if imports:
${imports}
% endif

revision = ${literal(up_revision)}
down_revision = ${literal(down_revision)}
branch_labels = ${literal(branch_labels)}
depends_on = ${literal(depends_on)}
% if module_phase:
phase = ${literal(module_phase)}
% endif


def upgrade() -> None:
    ${body}


def downgrade() -> None:
    raise CommandError("a database is never downgraded; to go back, deploy the previous task definition")
