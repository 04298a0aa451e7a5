"""What clients send: a JSON object of known fields, checked before any of it reaches the database."""

import json
import re
from collections.abc import Iterable
from typing import Any

from flask import Request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from customers.releases import AddressError, Release

FIELDS = ("name", "email", "address")
REQUIRED = ("name", "email")
MAX_NAME = 100  # characters
MAX_EMAIL = 254  # characters, RFC 5321's longest path without its brackets
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
MAX_LIMIT = 100  # customers per page
MAX_ID = 2**63 - 1  # PostgreSQL's bigint


def customer_fields(request: Request, release: Release, *, partial: bool) -> dict[str, Any]:
    """The fields of the customer in a request's body, the address parsed; raises BadRequest.

    Args:
        partial: fields may be missing, but not all of them.
    """
    body = _json_object(request)
    if unknown := body.keys() - set(FIELDS):
        raise BadRequest(f"unknown field {min(unknown)[:50]!r}; a customer has {', '.join(FIELDS)}")
    if partial and not body:
        raise BadRequest(f"nothing to change; send one or more of {', '.join(FIELDS)}")
    if not partial and (missing := [name for name in REQUIRED if name not in body]):
        raise BadRequest(f"{missing[0]} is missing")
    _check_characters(body.values())
    fields = dict(body)
    if "name" in body:
        _text("name", body["name"], MAX_NAME)
    if "email" in body:
        _text("email", body["email"], MAX_EMAIL)
        if not EMAIL.fullmatch(body["email"]):
            raise BadRequest("email is not an e-mail address")
    if "address" in body:
        try:
            fields["address"] = release.accept(body["address"])
        except AddressError as error:
            raise BadRequest(str(error)) from error
    return fields


def page(request: Request) -> tuple[int, int]:
    """The page that a list asks for: the id after which it starts, and its size; raises BadRequest."""
    return _number(request, "after", 0, 0, MAX_ID), _number(request, "limit", 20, 1, MAX_LIMIT)


def _json_object(request: Request) -> dict[str, Any]:
    if not request.is_json:
        raise BadRequest("send the customer as JSON, with Content-Type: application/json")
    try:
        body = json.loads(request.get_data().decode())
    except RequestEntityTooLarge:
        raise BadRequest(f"the body is longer than {request.max_content_length} bytes") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None
    except ValueError as error:  # bytes that are not UTF-8 too
        raise BadRequest("the body is not valid JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _check_characters(values: Iterable[object]) -> None:
    """JSON can write what PostgreSQL's text cannot hold: a null character, and half a surrogate pair."""
    for value in values:
        if isinstance(value, str) and any(
            character == "\0" or "\ud800" <= character <= "\udfff" for character in value
        ):
            raise BadRequest("a text holds a null character or half a surrogate pair")
        if isinstance(value, dict):
            _check_characters(value.values())


def _text(name: str, value: object, longest: int) -> None:
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a string")
    if not value.strip():
        raise BadRequest(f"{name} is empty")
    if len(value) > longest:
        raise BadRequest(f"{name} is longer than {longest} characters")


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise BadRequest(f"{name} must be a whole number from {least} to {most}")
    return int(text)
