"""What a model says about where a column comes from: `mapped_column(..., info={"seachange": {...}})`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from seachange.authoring.errors import AuthoringError

SOURCES = ("renamed_from", "changed_from", "from")
KEYS = (*SOURCES, "forward", "backward", "lossy", "backfill", "in_place")


@dataclass(frozen=True, kw_only=True)
class Intent:
    """The answers of one new column.

    Args:
        kind: The key that names its sources, one of SOURCES, or none.
        sources: The columns it takes the place of. None with kind `renamed_from`: it is new, whatever it looks like.
        forward: SQL expression over the sources.
        backward: SQL expression over the new columns, or one for each source.
        lossy: Whether the way there and back loses something.
        in_place: Whether its type may be widened in place.
        backfill: SQL expression for the rows that have no value yet.
    """

    kind: str = ""
    sources: tuple[str, ...] = ()
    forward: str | None = None
    backward: str | Mapping[str, str] | None = None
    lossy: bool = False
    backfill: str | None = None
    in_place: bool = False
    is_new: bool = False


def intent(column: sa.Column[Any]) -> Intent:
    """What `column` says; nothing, for one that says nothing. Raises AuthoringError for what cannot be read."""
    where = f"{column.table.name}.{column.name}"
    said = column.info.get("seachange", {})
    if not isinstance(said, Mapping):
        raise AuthoringError(
            f"{where}: info['seachange'] is no mapping: write {{'renamed_from': 'old_name'}} or the like"
        )
    if unknown := sorted(set(said) - set(KEYS)):
        raise AuthoringError(f"{where}: info['seachange'] has {unknown[0]!r}: it knows {', '.join(KEYS)}")
    kinds = [kind for kind in SOURCES if kind in said]
    if len(kinds) > 1:
        raise AuthoringError(
            f"{where}: info['seachange'] has {' and '.join(kinds)}: a column comes from one place, keep one"
        )
    kind = kinds[0] if kinds else ""
    named = said.get(kind) if kind else None
    is_new = kind == "renamed_from" and named is None
    sources = (named,) if isinstance(named, str) else tuple(named or ())
    if kind and not is_new and not (sources and all(isinstance(source, str) for source in sources)):
        raise AuthoringError(
            f"{where}: info['seachange'][{kind!r}] is {named!r}: name the column, or the columns in a list"
        )
    if kind in ("renamed_from", "changed_from") and len(sources) > 1:
        raise AuthoringError(
            f"{where}: {kind} names {len(sources)} columns: for several write 'from', with 'forward' and 'backward'"
        )
    return Intent(
        kind="" if is_new else kind,
        sources=sources,
        forward=said.get("forward"),
        backward=said.get("backward"),
        lossy=bool(said.get("lossy", False)),
        backfill=said.get("backfill"),
        in_place=bool(said.get("in_place", False)),
        is_new=is_new,
    )
