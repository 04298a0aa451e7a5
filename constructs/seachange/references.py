"""Which resources of its template a value refers to."""

import re
from collections.abc import Iterator, Mapping


def references(value: object) -> Iterator[str]:
    """The logical ids that a resolved template fragment refers to."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield str(inner)
            elif key == "Fn::GetAtt":
                yield inner.split(".")[0] if isinstance(inner, str) else inner[0]
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{([A-Za-z0-9]+)", inner if isinstance(inner, str) else inner[0])
                yield from references(inner)
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
