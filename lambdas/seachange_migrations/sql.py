"""Names and values as SQL wants them."""

from collections.abc import Iterable

from sqlalchemy import TextClause, text

from seachange_migrations.errors import InvalidRequestError

LONGEST_NAME = 63
"""Bytes of an identifier in PostgreSQL."""


def quoted(name: str) -> str:
    """An identifier as SQL wants it. Raises InvalidRequestError for one that PostgreSQL would cut."""
    if len(name.encode()) > LONGEST_NAME:
        raise InvalidRequestError(
            f"name {name!r} has {len(name.encode())} bytes, and PostgreSQL keeps {LONGEST_NAME} of a name: shorten it"
        )
    return '"' + name.replace('"', '""') + '"'


def quoted_all(names: Iterable[str]) -> str:
    """Identifiers with commas between."""
    return ", ".join(map(quoted, names))


def literal(value: str) -> str:
    """A text constant as SQL wants it, whatever standard_conforming_strings says."""
    body = value.replace("'", "''")
    return "E'" + body.replace("\\", "\\\\") + "'" if "\\" in body else f"'{body}'"


def escaped(fragment: str) -> str:
    """`fragment` as a part of SQLAlchemy's `text()`: a colon in it begins no parameter."""
    return fragment.replace(":", "\\:")


def verbatim(sql: str) -> TextClause:
    """The whole of `sql` as a statement without parameters."""
    return text(escaped(sql))
