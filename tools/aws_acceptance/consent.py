"""Asks whether the run may begin."""

from collections.abc import Callable


class RefusedError(Exception):
    """The run must not begin; the message says why."""


def ask(name: str, account: str, *, yes: bool, given_account: str | None, read: Callable[[str], str]) -> None:
    """Returns when the person has agreed, RefusedError otherwise.

    Args:
        name: What must be typed: the run's own name, so that nobody agrees by habit.
        account: The account that the credentials belong to.
        yes: Whether agreement was given on the command line; it counts for the account named there alone.
        given_account: The account named on the command line.
        read: Asks for a line; EOFError when there is nobody to ask.
    """
    if given_account is not None and given_account != account:
        raise RefusedError(
            f"--account is {given_account}, but the credentials belong to {account}: use the other's credentials"
        )
    if yes:
        if given_account is None:
            raise RefusedError("--yes needs --account NUMBER beside it, so that it cannot agree for a wrong account")
        return
    try:
        typed = read(f"Type {name} to begin: ")
    except EOFError:
        typed = ""
    if typed.strip() != name:
        raise RefusedError("not begun: the name was not typed; nothing was made")
