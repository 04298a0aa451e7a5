"""Smoke steps as data, and their validation."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from seachange_deployments.errors import InvalidInputError

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
UNIQUE = "unique"
# In the hook's asset: a list of steps, as JSON.
STEPS_FILE = "smoke.json"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request and what its answer must be.

    `body` is sent as JSON unless it is a text or None. `expect` lists the allowed statuses. `capture` maps a name to
    the JMESPath of a value in the answer, `check` a JMESPath to the value that must stand there. A step that is
    `always` run cleans up: it runs after a failure too, and is left out if what it needs was never captured.

    `{{unique}}` stands for a value that is new in each run, `{{name}}` for one that an earlier step captured; both work
    in path, headers, body and expected values. A text that is nothing but a placeholder keeps the value's type.
    """

    name: str
    path: str
    method: str = "GET"
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    expect: tuple[int, ...] = (200,)
    capture: Mapping[str, str] = field(default_factory=dict)
    check: Mapping[str, Any] = field(default_factory=dict)
    always: bool = False

    def placeholders(self) -> set[str]:
        """The names this step needs."""
        return set(_placeholders([self.path, dict(self.headers), self.body, list(self.check.values())]))


def steps_from(mappings: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Steps out of plain data, such as TOML or JSON holds; `expect` may be one status or a list, 200 by default.

    Raises InvalidInputError naming the step and the key, also for a placeholder that no earlier step captures.
    """
    known = {UNIQUE}
    steps: list[Step] = []
    for number, mapping in enumerate(mappings, start=1):
        step = _step(mapping, f"Smoke step {number}")
        for name in sorted(step.placeholders() - known):
            raise InvalidInputError(
                f"Smoke step {number} ({step.name}): {{{{{name}}}}} is unknown; capture it in an earlier step or use "
                f"one of {', '.join(sorted(known))}."
            )
        known |= set(step.capture)
        steps.append(step)
    return tuple(steps)


def steps_in(folder: Path) -> tuple[Step, ...]:
    """The steps that the hook's asset holds."""
    file = folder / STEPS_FILE
    try:
        return steps_from(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{file} holds no smoke steps ({error}): synthesize again.") from error


def _step(mapping: Mapping[str, Any], where: str) -> Step:
    if not isinstance(mapping, Mapping):
        raise InvalidInputError(f"{where} is {type(mapping).__name__}, not a table of keys.")
    if isinstance(mapping.get("name"), str):
        where = f"{where} ({mapping['name']})"
    allowed = [one.name for one in fields(Step)]
    for key in mapping:
        _demand(key in allowed, where, key, f"is not a key of a step; these are: {', '.join(allowed)}")
    for key in ("name", "path"):
        _demand(isinstance(mapping.get(key), str) and mapping[key], where, key, "must be given, as a text")
    _demand(mapping["path"].startswith("/"), where, "path", "must begin with /")
    # What http.client does not send; of a placeholder's value it is quoted.
    _demand(
        re.fullmatch(r"[!-~]*", PLACEHOLDER.sub("", mapping["path"])),
        where,
        "path",
        "must be made of visible ASCII characters: write others, and spaces, as %20 and the like",
    )
    method = mapping.get("method", "GET")
    _demand(isinstance(method, str) and method.isalpha(), where, "method", "must be an HTTP method, such as GET")
    expect = mapping.get("expect", 200)
    expect = tuple(expect) if isinstance(expect, (list, tuple)) else (expect,)
    statuses = all(type(status) is int and 100 <= status <= 599 for status in expect)
    _demand(expect and statuses, where, "expect", "must be an HTTP status, or a list of them, from 100 to 599")
    for key in ("headers", "capture", "check"):
        _demand(isinstance(mapping.get(key, {}), Mapping), where, key, "must be a table")
        named = all(isinstance(name, str) for name in mapping.get(key, {}))
        _demand(named, where, key, "must have texts as keys")
    for key in ("body", "check"):
        _demand(_is_json(mapping.get(key)), where, key, "must be made of texts, numbers, true, false, lists and tables")
    for key in ("headers", "capture"):
        texts = all(isinstance(text, str) for text in mapping.get(key, {}).values())
        _demand(texts, where, key, "must have texts as values")
    for name, text in mapping.get("headers", {}).items():
        # RFC 9110, section 5.1 and 5.5; http.client sends Latin-1.
        _demand(
            re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name), where, f"headers.{name}", "is not the name of a header"
        )
        _demand(
            re.fullmatch(r"[\t\x20-\x7e\xa0-\xff]*", PLACEHOLDER.sub("", text)),
            where,
            f"headers.{name}",
            "must be one line of Latin-1 characters, which is all that HTTP carries",
        )
    for name in mapping.get("capture", {}):
        usable = PLACEHOLDER.fullmatch("{{" + name + "}}") and name != UNIQUE
        _demand(usable, where, f"capture.{name}", f"must be named like a variable, and not {UNIQUE}")
    for expression in [*mapping.get("capture", {}).values(), *mapping.get("check", {})]:
        try:
            jmespath.compile(expression)
        except JMESPathError as error:
            problem = str(error).splitlines()[0]
            raise InvalidInputError(f"{where}: {expression!r} is not a JMESPath expression: {problem}") from error
    _demand(isinstance(mapping.get("always", False), bool), where, "always", "must be true or false")
    return Step(**{**mapping, "method": method.upper(), "expect": expect})


def _demand(holds: object, where: str, key: str, problem: str) -> None:
    if not holds:
        raise InvalidInputError(f"{where}: key {key!r} {problem}.")


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):  # a date, for one, which TOML has and JSON has not
        return False
    return True


def _placeholders(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield from PLACEHOLDER.findall(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _placeholders(key)
            yield from _placeholders(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _placeholders(inner)
