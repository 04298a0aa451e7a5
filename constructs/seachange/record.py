"""The record of what is frozen, which the application commits: `seachange freeze` writes it, every synthesis is compared with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from seachange.errors import SeaChangeError
from seachange.fragments import Fragments, Moved, frozen_fragments, moved

SCHEMA = "seachange.frozen/1"


class RecordError(SeaChangeError):
    """The record cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Stack name → the frozen fragments that were recorded of it."""

    stacks: Mapping[str, Fragments]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a record; a missing file is an empty one. RecordError for anything else that cannot be read."""
        if not path.exists():
            return cls(stacks={})
        try:
            document = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RecordError(f"{path} cannot be read ({error}); take it from version control again") from error
        if not _is_record(document):
            raise RecordError(f"{path} is no record of schema {SCHEMA}; write it with `seachange freeze`")
        return cls(stacks=document["stacks"])

    def save(self, path: Path) -> None:
        """Writes the record, sorted, so that a commit shows only what changed."""
        text = json.dumps({"schema": SCHEMA, "stacks": dict(sorted(self.stacks.items()))}, indent=2)
        try:
            path.write_text(f"{text}\n", "utf-8")
        except OSError as error:
            raise RecordError(f"{path} cannot be written ({error}); name another file with --record") from error

    def compare(self, stack: str, resources: Mapping[str, Mapping[str, Any]]) -> list[Moved]:
        """What of the recorded fragments of a stack its template no longer has; nothing for a stack that was never recorded."""
        recorded = self.stacks.get(stack, {})
        return moved(recorded, frozen_fragments(resources, also=recorded)) if recorded else []


def _is_record(document: object) -> bool:
    match document:
        case {"schema": str(schema), "stacks": dict(stacks)} if schema == SCHEMA:
            fragments = [fragment for stack in stacks.values() for fragment in _values(stack)]
            return all(isinstance(f, dict) and {"Type", "Properties"} <= f.keys() for f in fragments)
    return False


def _values(stack: object) -> list[object]:
    return list(stack.values()) if isinstance(stack, dict) else [None]
