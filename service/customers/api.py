"""/api: create, list, read, update and delete customers."""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, request, url_for
from psycopg.errors import UniqueViolation

from customers.releases import ANSWERS, Release
from customers.requests import MAX_ID, customer_fields, page
from customers.store import Customer, Customers

CUSTOMER = "/customers/<int:customer_id>"
UNKNOWN = "there is no customer with this id"
TAKEN = "a customer with this email exists"


def api(customers: Customers, release: Release) -> Blueprint:
    """The routes below /api, answering in the form of `release`, and the versioned reads that it serves."""
    routes = Blueprint("api", __name__, url_prefix="/api")

    @routes.before_request
    def beyond_any_id() -> None:
        # Not `int(max=…)` in the route: Werkzeug then answers 405 to some methods.
        if request.view_args and request.view_args["customer_id"] > MAX_ID:
            abort(404, UNKNOWN)

    @routes.post("/customers")
    def create() -> tuple[Response, int, dict[str, str]]:
        fields = customer_fields(request, release, partial=False)
        try:
            customer = customers.create(fields)
        except UniqueViolation:
            abort(409, TAKEN)
        return jsonify(answer(customer, release.name)), 201, {"Location": url_for("api.read", customer_id=customer.id)}

    @routes.get("/customers")
    def listing() -> Response:
        after, limit = page(request)
        found = customers.page(after, limit)
        following = found[-1].id if len(found) == limit else None
        return jsonify(customers=[answer(customer, release.name) for customer in found], next=following)

    @routes.get(CUSTOMER)
    def read(customer_id: int) -> Response:
        return jsonify(answer(known(customers.get(customer_id)), release.name))

    @routes.put(CUSTOMER)
    def update(customer_id: int) -> Response:
        fields = customer_fields(request, release, partial=True)
        try:
            customer = customers.update(customer_id, fields)
        except UniqueViolation:
            abort(409, TAKEN)
        return jsonify(answer(known(customer), release.name))

    @routes.delete(CUSTOMER)
    def delete(customer_id: int) -> tuple[str, int]:
        if not customers.delete(customer_id):
            abort(404, UNKNOWN)
        return "", 204

    for version in release.versions:

        @routes.get(f"/{version}{CUSTOMER}", endpoint=f"read_{version}")
        def read_version(customer_id: int, version: str = version) -> Response:
            return jsonify(answer(known(customers.get(customer_id)), version))

    return routes


def known(customer: Customer | None) -> Customer:
    """The customer, or 404."""
    if customer is None:
        abort(404, UNKNOWN)
    return customer


def answer(customer: Customer, version: str) -> dict[str, Any]:
    """A customer as one version of the API answers it."""
    return {
        "id": customer.id,
        "name": customer.name,
        "email": customer.email,
        "address": ANSWERS[version](customer.address),
        "created_at": customer.created_at.isoformat(),
        "updated_at": customer.updated_at.isoformat(),
    }
