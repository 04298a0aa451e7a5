"""Every error is answered as JSON: {"error": what, "reason": why}. Never a stack trace."""

import logging

from flask import Flask, Response, jsonify
from psycopg import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException

log = logging.getLogger("customers.errors")


def answer_errors_as_json(app: Flask) -> None:
    """Register the error handlers."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        response = jsonify(error=error.name, reason=error.description)
        response.status_code = error.code or 500
        response.headers.extend([header for header in error.get_headers() if header[0] != "Content-Type"])  # as Allow
        return response

    @app.errorhandler(OperationalError)  # psycopg_pool's PoolTimeout too
    @app.errorhandler(InterfaceError)
    def away(error: OperationalError | InterfaceError) -> tuple[Response, int, dict[str, str]]:
        log.warning("the database is away", exc_info=error)
        body = jsonify(error="Service Unavailable", reason="the database cannot be reached; try again")
        return body, 503, {"Retry-After": "1"}

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        log.error("a request failed", exc_info=error)
        return jsonify(error="Internal Server Error", reason="the service failed; its log says where"), 500
