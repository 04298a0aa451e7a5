"""What the migration engine raises.

::

    MigrationError               one clear line: what happened, why, what to do
    ├── InvalidRequestError      the event, the secret or an argument cannot be used
    ├── InvalidDirectoryError    the Alembic directory cannot be used: no env.py, a syntax error, two heads
    ├── UnknownRevisionError     the database has revisions that this directory does not know
    ├── ConnectionFailedError    the database cannot be reached, or does not accept the credentials
    │   ├── UnreachableError       the database cannot be reached; it may be a failover or a reboot
    │   └── UnusableServerError    what answers there is no PostgreSQL that the engine can work with
    ├── RolesError               the owner and application roles cannot be made
    ├── StateError               the engine's own schema cannot be made or read
    ├── RefusedError             the engine could run, and must not
    │   ├── WrongOrderError        a pending revision of the other phase stands below a wanted one: "contract first"
    │   ├── BreaksReleaseError     an expand revision would break the release that serves
    │   ├── BreaksSyncError        an expand revision would break, or broke, what a sync that stands promises
    │   ├── CannotResumeError      a revision that had committed inside cannot be taken up safely
    │   ├── NotDecidedError        a revision holds a question that nobody has answered
    │   └── ForeignObjectsError    the database holds objects of a role that is not the owner role
    ├── RevisionFailedError      a revision raised
    ├── TableBusyError           a lock came in none of the tries
    ├── DeadlinePassedError      the custom resource has used up its time
    └── UnfinishedError          nothing is wrong; call again
        ├── LockHeldError          another deployer migrates this database
        ├── ServerGoneError        the server went away in the middle, and did not come back in time
        └── OutOfTimeError         the time for this call is used up; what was committed stays
"""

from collections.abc import Sequence


class MigrationError(Exception):
    """The migration did not take place, or only in part: each revision is a transaction of its own."""


class InvalidRequestError(MigrationError):
    """The event, the secret or an argument cannot be used."""


class InvalidDirectoryError(MigrationError):
    """The Alembic directory cannot be used."""


class ConnectionFailedError(MigrationError):
    """The database cannot be reached, or does not accept the credentials."""


class UnreachableError(ConnectionFailedError):
    """The database cannot be reached; during a failover or a reboot that passes."""


class UnusableServerError(ConnectionFailedError):
    """What answers there is no PostgreSQL that the engine can work with: another server, an old one, a pooler."""


class StateError(MigrationError):
    """The engine's own schema, `seachange`, cannot be made or read."""


class RolesError(MigrationError):
    """The owner and application roles cannot be made."""


class RefusedError(MigrationError):
    """The engine could run, and must not."""


class UnknownRevisionError(MigrationError):
    """The database has `revisions` that the directory does not know: the database is newer than the code."""

    def __init__(self, revisions: Sequence[str], directory: str) -> None:
        self.revisions = tuple(revisions)
        super().__init__(
            f"the database is at revision {', '.join(revisions)}, which {directory!r} does not know: a newer release or "
            "other migrations brought it there. Deploy a release that includes that revision; nothing is downgraded."
        )


class WrongOrderError(RefusedError):
    """The pending revision `first` belongs to the other phase and stands below `wanted`."""

    def __init__(self, message: str, *, first: str, wanted: str) -> None:
        self.first = first
        self.wanted = wanted
        super().__init__(message)


class BreaksReleaseError(RefusedError):
    """An expand revision would break the release that serves."""


class BreaksSyncError(RefusedError):
    """With `revision`, a sync that stands does not keep its promise; it is not applied, but for what it committed inside."""

    def __init__(self, message: str, *, revision: str) -> None:
        self.revision = revision
        super().__init__(message)


class CannotResumeError(RefusedError):
    """`revision` had committed inside and cannot be taken up safely; the message lists what is applied."""

    def __init__(self, message: str, *, revision: str) -> None:
        self.revision = revision
        super().__init__(message)


class NotDecidedError(RefusedError):
    """A generated revision holds a question that nobody has answered; its message is the question."""


class ForeignObjectsError(RefusedError):
    """The database holds objects of a role that is not the owner role."""


class RevisionFailedError(MigrationError):
    """The `revision` raised; its transaction was rolled back."""

    def __init__(self, message: str, *, revision: str) -> None:
        self.revision = revision
        super().__init__(message)


class TableBusyError(MigrationError):
    """A lock that `revision` needs came in none of the tries; `blockers` say in words who held it."""

    def __init__(self, revision: str, *, tries: int, timeout_s: float, blockers: Sequence[str]) -> None:
        self.revision = revision
        self.blockers = tuple(blockers)
        super().__init__(
            f"revision {revision} got its lock in none of {tries} tries of {timeout_s:g} s; "
            f"blocked by {'; '.join(blockers) or 'sessions that are gone'}. It is not applied. "
            "End that transaction, or wait for its end, then deploy again."
        )


class DeadlinePassedError(MigrationError):
    """The custom resource has used up its `timeout_s`; `reason` is what the last call still waited for."""

    def __init__(self, timeout_s: int, reason: Exception) -> None:
        super().__init__(
            f"the migration had not finished after {timeout_s} s: {one_line(reason, 900)}. "
            "What was committed stays, and the next deploy goes on from there."
        )


class UnfinishedError(MigrationError):
    """Nothing is wrong; call again. `before` are the database's revisions as the call found them, None if it did not come so far."""

    before: tuple[str, ...] | None = None


class LockHeldError(UnfinishedError):
    """Another deployer migrates this database."""


class ServerGoneError(UnfinishedError):
    """The server went away in the middle, of `revision` where it is not empty, and did not come back in time."""

    def __init__(self, revision: str, reason: str) -> None:
        self.revision = revision
        where = f" in revision {revision}" if revision else ""
        super().__init__(
            f"the server went away{where}: {reason}. What was committed stays; run it again when the server "
            "answers, and it goes on from there."
        )


class OutOfTimeError(UnfinishedError):
    """The time for this call is used up; what was committed stays."""


def one_line(error: BaseException | str, limit: int = 1000) -> str:
    """The text of `error` in one line of at most `limit` UTF-8 bytes."""
    text = " ".join(str(error).split()) or type(error).__name__
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - 3].decode(errors="ignore") + "…"
