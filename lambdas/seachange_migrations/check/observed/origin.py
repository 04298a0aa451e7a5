"""Which line of a revision sends a statement, and through which operation of ours."""

import sys

PACKAGE = "seachange_migrations."
OPERATIONS = "seachange_migrations.operations."
# Whose statements are the revision's own; those of the rest of the engine are bookkeeping.
OURS = (OPERATIONS, "seachange_migrations.sync.")


def origin(path: str) -> tuple[int, str | None] | None:
    """The line of the revision at `path` that the calling code runs for, and the operation; None when there is none."""
    operation = None
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == path:
            return frame.f_lineno, operation
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(OPERATIONS):
            operation = module.removeprefix(OPERATIONS).split(".")[0]
        elif module.startswith(PACKAGE) and not module.startswith((*OURS, PACKAGE + "check.")):
            return None
        frame = frame.f_back  # type: ignore[assignment]
    return None
