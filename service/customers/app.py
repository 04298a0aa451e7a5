"""The application: `gunicorn --config gunicorn.conf.py 'customers.app:create_app()'`."""

import atexit
import os

from flask import Flask

from customers.api import api
from customers.database import connection_pool
from customers.errors import answer_errors_as_json
from customers.health import Readiness, health
from customers.logs import log_requests
from customers.settings import Settings
from customers.store import Customers, columns

MAX_BODY = 16 * 1024  # bytes


def create_app(settings: Settings | None = None) -> Flask:
    """The application with its connection pool, which it opens: call it in the process that serves.

    Args:
        settings: read from the environment by default; SettingsError when that does not suffice.
    """
    settings = settings or Settings.read(os.environ)
    readiness = Readiness(columns(settings.release))
    pool = connection_pool(settings.secret_arn, readiness.configure)
    atexit.register(pool.close)

    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.extensions["customers.pool"] = pool
    log_requests(app)
    answer_errors_as_json(app)
    app.register_blueprint(health(pool, readiness, settings))
    app.register_blueprint(api(Customers(pool, settings.release), settings.release))
    return app
