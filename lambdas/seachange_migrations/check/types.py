"""Which changes of a type take every value of the old one, and which leave the table's file as it is."""

from seachange_migrations.check.names import Type

TEXTS = {"varchar", "text"}
INTEGERS = ("int2", "int4", "int8")


def widens(old: Type, new: Type) -> bool:
    """Whether `new` holds every value of `old`, unchanged in meaning."""
    if old == new or keeps_file(old, new):
        return True
    return old.name in INTEGERS and new.name in INTEGERS and INTEGERS.index(old.name) < INTEGERS.index(new.name)


def keeps_file(old: Type, new: Type) -> bool:
    """Whether PostgreSQL changes `old` into `new` without rewriting or reading the table."""
    if old == new:
        return True
    if old.name in TEXTS and new.name in TEXTS:
        return not new.modifiers or (bool(old.modifiers) and new.modifiers[0] >= old.modifiers[0])
    if old.name == new.name == "numeric":
        return not new.modifiers or (
            len(old.modifiers) == len(new.modifiers)
            and old.modifiers[1:] == new.modifiers[1:]
            and new.modifiers > old.modifiers
        )
    if old.name == new.name and old.name in {"timestamp", "timestamptz", "time", "timetz", "interval", "varbit"}:
        return not new.modifiers or (bool(old.modifiers) and new.modifiers >= old.modifiers)
    return False
