"""Smoke steps out of plain data, and the errors that name step and key."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from seachange_deployments.errors import InvalidInputError
from seachange_deployments.smoke import Step, steps_from
from seachange_deployments.steps import STEPS_FILE, steps_in

READ = {"name": "read", "path": "/api/customers"}


def test_the_defaults() -> None:
    assert steps_from([READ]) == (Step(name="read", path="/api/customers", method="GET", expect=(200,)),)


def test_everything_given() -> None:
    given = {
        "name": "create",
        "method": "post",
        "path": "/api/customers?x={{unique}}",
        "body": {"email": "{{unique}}@example.com"},
        "headers": {"accept": "application/json"},
        "expect": [200, 201],
        "capture": {"id": "id"},
        "check": {"address.city": "Los Angeles"},
        "always": True,
    }
    (step,) = steps_from([given])
    assert (step.method, step.expect, step.always) == ("POST", (200, 201), True)
    assert step.capture == {"id": "id"}


def test_placeholders_and_latin_1_are_fit_to_send() -> None:
    (step,) = steps_from(
        [{**READ, "path": "/a/{{ unique }}?b=%20", "headers": {"X-Name_1": "käse {{ unique }}\tand more"}}]
    )
    assert step.placeholders() == {"unique"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pth": "/"}, "Smoke step 1 (read): key 'pth' is not a key of a step; these are: name, path, method"),
        ({"name": ""}, "Smoke step 1 (): key 'name' must be given"),
        ({"path": None}, "Smoke step 1 (read): key 'path' must be given"),
        ({"path": "api"}, "Smoke step 1 (read): key 'path' must begin with /"),
        ({"method": "GET /"}, "Smoke step 1 (read): key 'method' must be an HTTP method"),
        ({"expect": 42}, "Smoke step 1 (read): key 'expect' must be an HTTP status"),
        ({"expect": []}, "Smoke step 1 (read): key 'expect' must be an HTTP status"),
        ({"expect": True}, "Smoke step 1 (read): key 'expect' must be an HTTP status"),
        ({"headers": []}, "Smoke step 1 (read): key 'headers' must be a table"),
        ({"headers": {"n": 1}}, "Smoke step 1 (read): key 'headers' must have texts as values"),
        ({"headers": {1: "a"}}, "Smoke step 1 (read): key 'headers' must have texts as keys"),
        ({"capture": {1: "id"}}, "Smoke step 1 (read): key 'capture' must have texts as keys"),
        ({"check": {1: "id"}}, "Smoke step 1 (read): key 'check' must have texts as keys"),
        ({"path": "/a b"}, "Smoke step 1 (read): key 'path' must be made of visible ASCII characters"),
        ({"path": "/a\n"}, "Smoke step 1 (read): key 'path' must be made of visible ASCII characters"),
        ({"path": "/\x7f"}, "Smoke step 1 (read): key 'path' must be made of visible ASCII characters"),
        ({"path": "/käse"}, "Smoke step 1 (read): key 'path' must be made of visible ASCII characters"),
        ({"headers": {"a b": "c"}}, "Smoke step 1 (read): key 'headers.a b' is not the name of a header"),
        ({"headers": {"": "c"}}, "Smoke step 1 (read): key 'headers.' is not the name of a header"),
        ({"headers": {"x": "a\r\nb: c"}}, "Smoke step 1 (read): key 'headers.x' must be one line of Latin-1"),
        ({"headers": {"x": "a\n"}}, "Smoke step 1 (read): key 'headers.x' must be one line of Latin-1"),
        ({"headers": {"x": "€"}}, "Smoke step 1 (read): key 'headers.x' must be one line of Latin-1"),
        ({"capture": {"unique": "id"}}, "Smoke step 1 (read): key 'capture.unique' must be named like a variable"),
        ({"capture": {"a-b": "id"}}, "Smoke step 1 (read): key 'capture.a-b' must be named like a variable"),
        ({"check": {"[": 1}}, "Smoke step 1 (read): '[' is not a JMESPath expression"),
        ({"body": datetime.date(2026, 1, 1)}, "Smoke step 1 (read): key 'body' must be made of texts, numbers"),
        ({"check": {"a": float("nan")}}, "Smoke step 1 (read): key 'check' must be made of texts, numbers"),
        ({"always": "yes"}, "Smoke step 1 (read): key 'always' must be true or false"),
        ({"body": {"a": ["{{customer}}"]}}, "Smoke step 1 (read): {{customer}} is unknown"),
    ],
)
def test_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        steps_from([{**READ, **wrong}])
    assert message in str(refusal.value)


def test_refused_a_step_that_is_no_table() -> None:
    with pytest.raises(InvalidInputError, match="Smoke step 2 is str, not a table"):
        steps_from([READ, "GET /"])  # type: ignore[list-item]


def test_refused_a_value_that_only_a_later_step_captures() -> None:
    with pytest.raises(InvalidInputError, match=r"Smoke step 1 \(read\): \{\{id\}\} is unknown.*one of unique"):
        steps_from([{**READ, "path": "/api/customers/{{id}}"}, {**READ, "capture": {"id": "id"}}])


def test_the_steps_of_an_asset(tmp_path: Path) -> None:
    (tmp_path / STEPS_FILE).write_text(json.dumps([READ]))
    assert steps_in(tmp_path) == steps_from([READ])


@pytest.mark.parametrize("content", [None, "[", '[{"name": "read"}]'])
def test_an_asset_without_usable_steps(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / STEPS_FILE).write_text(content)
    with pytest.raises(InvalidInputError):
        steps_in(tmp_path)
