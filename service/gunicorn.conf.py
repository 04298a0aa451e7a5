"""gunicorn behind an Application Load Balancer."""

import os
import sys
from typing import Any

from gunicorn.glogging import Logger


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn is not typed
    """Says in one line what is missing before anything starts; then gunicorn's own lines are JSON too."""

    def setup(self, cfg: Any) -> None:
        # Imported here: gunicorn puts the working directory on the path after it has read this file.
        from customers.logs import log_as_json
        from customers.settings import Settings, SettingsError

        try:
            settings = Settings.read(os.environ)
        except SettingsError as error:
            print(f"customers: {error}", file=sys.stderr)
            raise SystemExit(2) from None
        super().setup(cfg)
        log_as_json(settings.release.name)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8080')}"
worker_class = "gthread"
workers = 2
threads = 8
keepalive = 75  # longer than the load balancer's idle timeout of 60 s, or clients see 502s
graceful_timeout = 30
logger_class = JsonLogger
control_socket_disable = True  # nobody manages a container from inside
# `preload_app` stays off: each worker opens its own connection pool, after the fork.
