"""Types that have a name of their own in the database."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ENUM


def native_enum(type_: sa.types.TypeEngine[Any]) -> sa.Enum | None:
    """The enumeration type that `type_`, or an array of it, needs in the database; None for any other."""
    item = type_.item_type if isinstance(type_, sa.ARRAY) else type_
    return item if isinstance(item, sa.Enum) and item.native_enum and item.name else None


def explicit(type_: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """The type as a revision names it: an enumeration is made by a statement of its own, and never along with a table."""
    if isinstance(type_, sa.ARRAY):
        return sa.ARRAY(explicit(type_.item_type), dimensions=type_.dimensions)
    if (enum := native_enum(type_)) is not None:
        return ENUM(*enum.enums, name=str(enum.name), schema=enum.schema, create_type=False)
    return type_
