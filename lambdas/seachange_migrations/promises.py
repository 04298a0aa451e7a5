"""Whether what standing syncs promise still holds with a revision: asked after it, in its own transaction where it has one."""

from sqlalchemy import Connection

from seachange_migrations.errors import BreaksSyncError, one_line
from seachange_migrations.journal import Journal
from seachange_migrations.sync.verify import broken


def require_kept(connection: Connection, journal: Journal, *, commits: int) -> None:
    """Raises BreaksSyncError where, after the revision of `journal`, a sync could fail a writer or let the sides part.

    `commits` is how often the revision has committed inside, and so what of it a rollback does not take back.
    """
    found = broken(connection)
    if not found:
        return
    what = one_line("; ".join(found), 1500)
    if not (commits or journal.applied):
        raise BreaksSyncError(
            f"revision {journal.revision} is refused, for with it a sync could not keep its promise: {what}. It was rolled back, "
            "and the database is as it was before it.",
            revision=journal.revision,
        )
    listed = f": {applied}" if (applied := journal.listed()) else ""
    raise BreaksSyncError(
        f"revision {journal.revision} broke the promise of a sync: {what}. It commits inside, so what it committed stays{listed}; but it "
        "does not count as applied. Mend the database by hand as said, before writers meet it; take that part out of the revision, and "
        "deploy again: what else is applied is left out.",
        revision=journal.revision,
    )
