"""Release v2's schema."""

from alembic import op
from alembic.util import CommandError

revision = "0002"
down_revision = "0001"
branch_labels = "expand"
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE public.acceptance ADD COLUMN release text")


def downgrade() -> None:
    raise CommandError("a database is never downgraded")
